"""How commands end when what they need is not there: one clear line, and an exit status of its own."""

import sys
from typing import NoReturn

import click

EXIT_SURROUNDINGS = 4


def surroundings_failed(what: str, error: BaseException) -> NoReturn:
    """Say what could not be reached and end with status 4; `gridwatch doctor` says more."""
    name, text = type(error).__name__, str(error)
    click.echo(f"Error: {what}: {text if text.startswith(name) else f'{name}: {text}'}", err=True)
    click.echo("`gridwatch doctor` says what is reachable and what to do.", err=True)
    sys.exit(EXIT_SURROUNDINGS)
