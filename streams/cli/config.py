"""`gridwatch config`: the settings as they are in force, secrets hidden."""

import json

import click

from streams.settings import Settings


@click.command(epilog="Example: GRIDWATCH_KAFKA__BROKERS=kafka-1:9092 gridwatch config")
@click.pass_obj
def command(settings: Settings) -> None:
    """Show the settings as they are in force, from flags, GRIDWATCH_* variables, the file and defaults."""
    click.echo(json.dumps(settings.model_dump(mode="json"), indent=2))
