"""`gridwatch`: the one entry point, which finds a command's module when the command is called."""

import importlib
import sys
from pathlib import Path
from typing import Any

import click

# Name, what it does in a line. The module is streams.cli.NAME with an object `command`.
_COMMANDS = {
    "up": "Run everything on this machine, to try it out.",
    "demo": "Watch a simulated town for its 14 days and compare with what must come.",
    "worker": "Run intake and watch against the brokers.",
    "gateway": "Take records of devices over HTTP.",
    "clock": "Write the ticks that carry the clock of the log.",
    "sink": "Write timeline, checks, alerts and dead letters to ClickHouse.",
    "topics": "Create the topics and check those that exist.",
    "policy": "Check a policy file, and let it hold.",
    "sources": "Give devices their rights and keys, and take them away.",
    "migrate": "Bring the ClickHouse tables up to date.",
    "mapping": "Check how a device's format becomes records.",
    "send": "Send a file of records into the raw topics.",
    "device": "Send records from a device to a gateway.",
    "watch": "Follow the alerts as they come.",
    "replay": "Decide a file of records: verdicts and alerts, bit for bit.",
    "report": "Show the figures of a day and an area.",
    "simulate": "Make a town: its events, and what must follow from them.",
    "reconcile": "Compare what the parts hold: is anything lost.",
    "doctor": "Check that everything is reachable, compatible and caught up.",
    "config": "Show the settings as they are in force.",
}
# These need no broker and no database, and start without reading the settings.
_LONG_RUNNING = frozenset({"worker", "clock", "sink", "gateway"})
_WITHOUT_SETTINGS = frozenset({"replay", "simulate", "demo", "up", "mapping", "device"})


class _LazyGroup(click.Group):
    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002  click's signature
        return list(_COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:  # noqa: ARG002
        if cmd_name not in _COMMANDS:
            return None
        command: click.Command = importlib.import_module(f"streams.cli.{cmd_name}").command
        return command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:  # noqa: ARG002
        with formatter.section("Commands"):
            formatter.write_dl(list(_COMMANDS.items()))


@click.group(
    cls=_LazyGroup,
    context_settings={"help_option_names": ["-h", "--help"]},
    epilog="Example: gridwatch replay --events events.ndjson --alerts alerts.ndjson --checks checks.ndjson",
)
@click.option(
    "--config", type=click.Path(path_type=Path), help="Settings file (TOML); default gridwatch.toml if there."
)
@click.option(
    "--log-format", type=click.Choice(["auto", "json", "text"]), help="How logs look; auto is text on a terminal."
)
@click.option("--log-level", type=click.Choice(["debug", "info", "warning", "error"]), help="What is logged.")
@click.version_option(package_name="gridwatch")
@click.pass_context
def main(ctx: click.Context, config: Path | None, log_format: str | None, log_level: str | None) -> None:
    """Notice every check that was promised and not made.

    gridwatch watches people under observation: events flow through Kafka into a log that decides everything, alerts and
    verdicts come out, figures go to ClickHouse.
    """
    if (
        ctx.invoked_subcommand is None
        or ctx.invoked_subcommand in _WITHOUT_SETTINGS
        or {"--help", "-h"} & set(sys.argv)
    ):
        return
    from streams.logs import configure_logs
    from streams.settings import SettingsError, load_settings

    flags: dict[str, Any] = {"log_format": log_format, "log_level": log_level}
    try:
        settings = load_settings(config, **{name: value for name, value in flags.items() if value is not None})
    except SettingsError as error:
        raise click.UsageError(str(error)) from None
    are_clients_quiet = ctx.invoked_subcommand not in _LONG_RUNNING
    configure_logs(settings.log_format, settings.log_level, are_clients_quiet=are_clients_quiet)
    ctx.obj = settings
