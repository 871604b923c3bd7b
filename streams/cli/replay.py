"""`gridwatch replay`: decide a file of records (contract section 7)."""

import sys
from collections.abc import Callable
from contextlib import AbstractContextManager, ExitStack, nullcontext
from pathlib import Path
from typing import BinaryIO, cast

import click

from events.policy import Policy, PolicyError, parse_policy_toml
from events.results import encode_alert, encode_verdict
from streams.cli.failures import EXIT_SURROUNDINGS
from streams.cli.progress import byte_progress
from streams.dead_letters import encode_dead_letter
from streams.replay import Replay

EXIT_DEAD_LETTERS = 3


@click.command(
    epilog="Example: gridwatch replay --events events.ndjson --alerts alerts.ndjson --checks checks.ndjson",
)
@click.option(
    "--events", required=True, type=click.Path(path_type=Path), help="Records in log order, NDJSON; - is stdin."
)
@click.option(
    "--policy", type=click.Path(path_type=Path), help="Policy (TOML) that holds throughout, whatever the log says."
)
@click.option(
    "--alerts", required=True, type=click.Path(path_type=Path), help="Every alert revision goes here, NDJSON."
)
@click.option("--checks", required=True, type=click.Path(path_type=Path), help="Every verdict goes here, NDJSON.")
def command(events: Path, policy: Path | None, alerts: Path, checks: Path) -> None:
    """Decide a file of records, ticks included, as one partition of the log.

    Writes every verdict and alert revision in the order decided; the same file gives the same bytes. A line that cannot be
    taken goes to standard error as a dead letter (JSON). Exit status: 0 every line was read, 3 some were dead letters, 2 the
    command or the policy is wrong, 4 the file cannot be read to its end or the results cannot be written.
    """
    _refuse_same_file(events, alerts, checks)
    replay = Replay(read_policy(policy))
    try:
        refused = _replay_files(replay, events, alerts, checks)
    except BrokenPipeError:
        raise  # whoever read the results has enough
    except OSError as error:
        click.echo(f"Error: the results are not whole: {error.strerror}", err=True)
        sys.exit(EXIT_SURROUNDINGS)
    if refused:
        sys.exit(EXIT_DEAD_LETTERS)


def _replay_files(replay: Replay, events: Path, alerts: Path, checks: Path) -> int:
    with ExitStack() as files:
        source = files.enter_context(_open(events, "rb", "--events"))
        total = None if str(events) == "-" else events.stat().st_size
        advance = files.enter_context(byte_progress("replay", total))
        alert_file = files.enter_context(_open(alerts, "wb", "--alerts"))
        check_file = files.enter_context(_open(checks, "wb", "--checks"))
        refused = _run(replay, source, alert_file, check_file, advance)
        alert_file.flush()
        check_file.flush()
        return refused


def _run(replay: Replay, source: BinaryIO, alerts: BinaryIO, checks: BinaryIO, advance: Callable[[int], None]) -> int:
    refused = 0
    for replayed in replay.run(source):
        checks.writelines(encode_verdict(verdict) + b"\n" for verdict in replayed.outcome.verdicts)
        alerts.writelines(encode_alert(alert) + b"\n" for alert in replayed.outcome.alerts)
        if replayed.dead_letter is not None:
            refused += 1
            sys.stderr.buffer.write(encode_dead_letter(replayed.dead_letter) + b"\n")
            sys.stderr.buffer.flush()
        advance(replayed.size_bytes)
    return refused


def read_policy(path: Path | None) -> Policy | None:
    """Read the file of `--policy`; a wrong one ends the command with status 2 and the field named."""
    if path is None:
        return None
    try:
        return parse_policy_toml(path.read_text(encoding="utf-8-sig"))  # some editors put a mark before it
    except OSError as error:
        raise click.BadParameter(f"cannot be read: {error.strerror}", param_hint="policy") from None
    except UnicodeDecodeError:
        raise click.BadParameter("expected UTF-8", param_hint="policy") from None
    except PolicyError as error:
        raise click.BadParameter(str(error), param_hint="policy") from None


def _open(path: Path, mode: str, option: str) -> AbstractContextManager[BinaryIO]:
    if str(path) == "-":
        return nullcontext(sys.stdin.buffer if mode == "rb" else sys.stdout.buffer)
    try:
        return cast("BinaryIO", path.open(mode))
    except OSError as error:
        raise click.BadParameter(f"cannot be opened: {error.strerror}", param_hint=option) from None


def _refuse_same_file(events: Path, alerts: Path, checks: Path) -> None:
    files = [_identity(path) for path in (events, alerts, checks) if str(path) != "-" and not path.is_char_device()]
    if str(alerts) == str(checks) == "-" or len(set(files)) < len(files):
        raise click.UsageError("--events, --alerts and --checks must be three different files")


def _identity(path: Path) -> tuple[int, int] | Path:
    """Return what tells a file from all others: a link, hard or soft, is the file it leads to."""
    try:
        status = path.stat()
    except OSError:
        return path.resolve()
    return (status.st_dev, status.st_ino)
