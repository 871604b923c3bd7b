"""`gridwatch config`: the settings as they are in force, secrets hidden."""

import json
import re

import click

from streams.settings import Settings

_PASSWORD = re.compile(r"(://[^/@:]*):[^/@]*@")


@click.command(epilog="Example: GRIDWATCH_KAFKA__BROKERS=kafka-1:9092 gridwatch config")
@click.pass_obj
def command(settings: Settings) -> None:
    """Show the settings as they are in force, from flags, GRIDWATCH_* variables, the file and defaults."""
    shown = settings.model_dump(mode="json")
    shown["clickhouse"]["dsn"] = _PASSWORD.sub(r"\1:********@", settings.clickhouse.dsn)
    click.echo(json.dumps(shown, indent=2))
