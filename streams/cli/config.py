"""`gridwatch config`: the settings as they are in force, secrets hidden."""

import json
import re

import click

from streams.settings import Settings

# Greedy up to the last @: a password may hold any sign, and rather too much is hidden than too little.
_PASSWORD = re.compile(r"(://[^/@:]*):.*@")
_SECRET_PARAMETER = re.compile(r"([?&][^=&]*(?:password|secret|token)[^=&]*=)[^&]*", re.IGNORECASE)


@click.command(epilog="Example: GRIDWATCH_KAFKA__BROKERS=kafka-1:9092 gridwatch config")
@click.pass_obj
def command(settings: Settings) -> None:
    """Show the settings as they are in force, from flags, GRIDWATCH_* variables, the file and defaults."""
    shown = settings.model_dump(mode="json")
    without_password = _PASSWORD.sub(r"\1:********@", settings.clickhouse.dsn)
    shown["clickhouse"]["dsn"] = _SECRET_PARAMETER.sub(r"\1********", without_password)
    click.echo(json.dumps(shown, indent=2))
