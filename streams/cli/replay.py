"""`gridwatch replay`: decide a file of records (contract section 7)."""

import os
import sys
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager, ExitStack, nullcontext
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO, cast

import click

from events.policy import Policy, PolicyError, parse_policy_toml
from events.results import encode_alert, encode_verdict
from streams.cli.failures import EXIT_SURROUNDINGS, surroundings_failed
from streams.cli.progress import byte_progress
from streams.dead_letters import encode_dead_letter
from streams.garbage import collect_garbage_rarely
from streams.replay import Replay

if TYPE_CHECKING:
    from streams.replay_partitions import LogPartition

EXIT_DEAD_LETTERS = 3


@click.command(
    epilog="Example: gridwatch replay --events events.ndjson --alerts alerts.ndjson --checks checks.ndjson",
)
@click.option(
    "--events",
    multiple=True,
    type=click.Path(path_type=Path),
    help="Records in log order, NDJSON; - is stdin. Repeatable: each file is a partition of its own.",
)
@click.option("--from-log", is_flag=True, help="Decide the timeline on the brokers instead, up to where it ends now.")
@click.option(
    "--policy", type=click.Path(path_type=Path), help="Policy (TOML) that holds throughout, whatever the log says."
)
@click.option(
    "--alerts", required=True, type=click.Path(path_type=Path), help="Every alert revision goes here, NDJSON."
)
@click.option("--checks", required=True, type=click.Path(path_type=Path), help="Every verdict goes here, NDJSON.")
@click.option(
    "--jobs", type=click.IntRange(min=1), help="Partitions decided at a time; as many as there are cores unless given."
)
@click.pass_context
def command(
    context: click.Context,
    events: tuple[Path, ...],
    from_log: bool,
    policy: Path | None,
    alerts: Path,
    checks: Path,
    jobs: int | None,
) -> None:
    """Decide a file of records, ticks included, as one partition of the log.

    Writes every verdict and alert revision in the order decided; the same file gives the same bytes. Several files are
    decided side by side, and their results follow each other in the order of the files. A line that cannot be taken goes to
    standard error as a dead letter (JSON). Exit status: 0 every line was read, 3 some were dead letters, 2 the command or
    the policy is wrong, 4 the file or the log cannot be read to its end or the results cannot be written.
    """
    if bool(events) == from_log:
        raise click.UsageError("expected --events, or --from-log" if from_log else "Missing option '--events'.")
    if len(events) > 1 and Path("-") in events:
        raise click.UsageError("--events - is one partition: standard input cannot be read beside files")
    _refuse_same_file(events, alerts, checks)
    collect_garbage_rarely()
    held = read_policy(policy)
    try:
        if len(events) == 1:
            refused = _replay_files(Replay(held), events[0], alerts, checks)
        else:
            refused = _replay_partitions(context, events, held, alerts, checks, jobs)
    except BrokenPipeError:
        raise  # whoever read the results has enough
    except OSError as error:
        click.echo(f"Error: the results are not whole: {error.strerror}", err=True)
        sys.exit(EXIT_SURROUNDINGS)
    if refused:
        sys.exit(EXIT_DEAD_LETTERS)


def _replay_partitions(
    context: click.Context,
    events: tuple[Path, ...],
    policy: Policy | None,
    alerts: Path,
    checks: Path,
    jobs: int | None,
) -> int:
    from streams.replay_partitions import FilePartition, Partition, replay_partitions

    for path in events:
        with _open(path, "rb", "--events"):
            pass  # each can be read, before anything is begun
    partitions: Sequence[Partition] = [FilePartition(path) for path in events] or _log_partitions(context)
    total = sum(part.path.stat().st_size if isinstance(part, FilePartition) else part.end for part in partitions)
    at_a_time = min(jobs or os.cpu_count() or 1, len(partitions))
    with ExitStack() as files:
        alert_file = files.enter_context(_open(alerts, "wb", "--alerts"))
        check_file = files.enter_context(_open(checks, "wb", "--checks"))
        advance = files.enter_context(byte_progress("replay", total))
        results = (alert_file, check_file, sys.stderr.buffer)
        refused = replay_partitions(partitions, policy, results, jobs=at_a_time, advance=advance)
        alert_file.flush()
        check_file.flush()
        return refused


def _log_partitions(context: click.Context) -> Sequence["LogPartition"]:
    import asyncio

    from aiokafka.errors import KafkaError as AsyncKafkaError
    from kafka.errors import KafkaError

    from streams.replay_partitions import log_partitions
    from streams.settings import SettingsError, load_settings

    try:
        settings = load_settings(context.find_root().params.get("config"))
    except SettingsError as error:
        raise click.UsageError(str(error)) from None
    try:
        return asyncio.run(log_partitions(settings))
    except (LookupError, AsyncKafkaError, KafkaError) as error:
        surroundings_failed("the log cannot be read", error)


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
    for replayed in replay.run(source, advance):
        checks.writelines(encode_verdict(verdict) + b"\n" for verdict in replayed.outcome.verdicts)
        alerts.writelines(encode_alert(alert) + b"\n" for alert in replayed.outcome.alerts)
        if replayed.dead_letter is not None:
            refused += 1
            sys.stderr.buffer.write(encode_dead_letter(replayed.dead_letter) + b"\n")
            sys.stderr.buffer.flush()
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


def _refuse_same_file(events: Sequence[Path], alerts: Path, checks: Path) -> None:
    results = [_identity(path) for path in (alerts, checks) if not _is_stream(path)]
    read = {_identity(path) for path in events if not _is_stream(path)}
    if str(alerts) == str(checks) == "-" or len(set(results)) < len(results) or read & set(results):
        raise click.UsageError("--events, --alerts and --checks must be different files")


def _is_stream(path: Path) -> bool:
    return str(path) == "-" or path.is_char_device()


def _identity(path: Path) -> tuple[int, int] | Path:
    """Return what tells a file from all others: a link, hard or soft, is the file it leads to."""
    try:
        status = path.stat()
    except OSError:
        return path.resolve()
    return (status.st_dev, status.st_ino)
