"""`gridwatch up`: everything on this machine, to try it out."""

import sys
from pathlib import Path

import click

_DIRECTORY = Path(".gridwatch/up")


@click.command(epilog="Example: gridwatch up --port 9092")
@click.option(
    "--directory",
    type=click.Path(file_okay=False, path_type=Path),
    default=_DIRECTORY,
    help="Where settings, tables and logs go.",
)
@click.option(
    "--port", type=click.IntRange(0, 65535), default=9092, help="Port of the embedded broker; 0 takes a free one."
)
@click.option(
    "--policy",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help="Policy (TOML) to begin with; the default one without it.",
)
def command(directory: Path, port: int, policy: Path | None) -> None:
    """Run broker, topics, intake, watch, clock and sink on this machine until Ctrl-C. For trying only.

    The embedded broker keeps everything in memory and forgets it when it stops; ClickHouse is the engine in a directory.
    Another terminal can `gridwatch --config DIRECTORY/gridwatch.toml send FILE`, `watch` or `doctor --no-clickhouse`
    meanwhile, and `report` once this has stopped: the engine belongs to one process at a time. At the start it names a port
    of each part that answers how it is (/readyz, /livez, /metrics). Exit status: 0 stopped, 1 a part ended by itself, 2 the
    policy or the directory is wrong, 4 the broker does not start.
    """
    from streams.cli.failures import surroundings_failed
    from streams.cli.replay import read_policy
    from streams.embedded.broker import EmbeddedBrokerError
    from streams.logs import configure_logs
    from streams.trying.everything import run_everything
    from streams.trying.machine import PartFailedError

    configure_logs("auto", "info")
    chosen = read_policy(policy)
    try:
        directory.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise click.BadParameter(f"{directory} cannot be made: {error.strerror}", param_hint="--directory") from None
    try:
        run_everything(directory, port, chosen, say=click.echo)
    except EmbeddedBrokerError as error:
        surroundings_failed("the embedded broker does not start", error)
    except PartFailedError as error:
        click.echo(f"Error: {error}", err=True)
        sys.exit(1)
