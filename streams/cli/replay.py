"""`gridwatch replay`: decide a file of records (contract section 7)."""

import sys
from collections.abc import Callable
from contextlib import AbstractContextManager, ExitStack, nullcontext
from pathlib import Path
from typing import BinaryIO, cast

import click

from events.policy import Policy, PolicyError, parse_policy_toml
from events.results import encode_alert, encode_verdict
from streams.replay import Replay, encode_dead_letter

EXIT_DEAD_LETTERS = 3
_PROGRESS_EVERY_LINES = 2000


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
    command or the policy is wrong.
    """
    _refuse_same_file(events, alerts, checks)
    replay = Replay(_read_policy(policy))
    with ExitStack() as files:
        source = files.enter_context(_open(events, "rb", "--events"))
        advance = files.enter_context(_Progress(source))
        alert_file = files.enter_context(_open(alerts, "wb", "--alerts"))
        check_file = files.enter_context(_open(checks, "wb", "--checks"))
        refused = _run(replay, source, alert_file, check_file, advance)
    if refused:
        sys.exit(EXIT_DEAD_LETTERS)


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


def _read_policy(path: Path | None) -> Policy | None:
    if path is None:
        return None
    try:
        return parse_policy_toml(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise click.BadParameter(f"cannot be read: {error.strerror}", param_hint="--policy") from None
    except UnicodeDecodeError:
        raise click.BadParameter("expected UTF-8", param_hint="--policy") from None
    except PolicyError as error:
        raise click.BadParameter(str(error), param_hint="--policy") from None


def _open(path: Path, mode: str, option: str) -> AbstractContextManager[BinaryIO]:
    if str(path) == "-":
        return nullcontext(sys.stdin.buffer if mode == "rb" else sys.stdout.buffer)
    try:
        return cast("BinaryIO", path.open(mode))
    except OSError as error:
        raise click.BadParameter(f"cannot be opened: {error.strerror}", param_hint=option) from None


def _refuse_same_file(events: Path, alerts: Path, checks: Path) -> None:
    files = [path.resolve() for path in (events, alerts, checks) if str(path) != "-"]
    if alerts == checks or len(set(files)) < len(files):
        raise click.UsageError("--events, --alerts and --checks must be three different files")


class _Progress:
    """A bar over the bytes of a file on a terminal; nothing elsewhere."""

    def __init__(self, source: BinaryIO) -> None:
        self._bar = None
        self._pending_bytes = self._pending_lines = 0
        if sys.stderr.isatty() and source is not sys.stdin.buffer:
            from rich.console import Console
            from rich.progress import BarColumn, DownloadColumn, Progress, TimeRemainingColumn

            self._bar = Progress(BarColumn(), DownloadColumn(), TimeRemainingColumn(), console=Console(stderr=True))
            self._task = self._bar.add_task("replay", total=Path(source.name).stat().st_size or None)

    def __enter__(self) -> Callable[[int], None]:
        if self._bar is not None:
            self._bar.start()
        return self._advance

    def __exit__(self, *_: object) -> None:
        if self._bar is not None:
            self._bar.advance(self._task, self._pending_bytes)
            self._bar.stop()

    def _advance(self, size_bytes: int) -> None:
        self._pending_bytes += size_bytes
        self._pending_lines += 1
        if self._bar is not None and self._pending_lines >= _PROGRESS_EVERY_LINES:
            self._bar.advance(self._task, self._pending_bytes)
            self._pending_bytes = self._pending_lines = 0
