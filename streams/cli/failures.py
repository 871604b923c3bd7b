"""How commands end when what they need is not there: one clear line, and an exit status of its own."""

import sys
from typing import NoReturn

import click

EXIT_SURROUNDINGS = 4


def surroundings_failed(what: str, error: BaseException) -> NoReturn:
    """Say what could not be reached and end with status 4; `gridwatch doctor` says more."""
    click.echo(f"Error: {what}: {type(error).__name__}: {error}", err=True)
    click.echo("`gridwatch doctor` says what is reachable and what to do.", err=True)
    sys.exit(EXIT_SURROUNDINGS)
