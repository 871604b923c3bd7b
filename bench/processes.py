"""Runs what is measured as processes of their own on one core, and hears from them what they took."""

import json
import os
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path

import events
from bench.places import BUILD, ROOT, subject_core, tell

PYTHON = sys.executable
_CODE = Path(events.__file__).resolve().parent.parent
_TIMEOUT_S = 240.0


class SubjectFailedError(RuntimeError):
    """A measured process ended without a measurement; the message ends with what it said last."""


@dataclass(frozen=True, slots=True)
class Measured:
    """What one process took for some records."""

    records: int
    seconds: float
    cpu_seconds: float
    rss_mb: float
    more: dict[str, float] = field(default_factory=dict)

    @property
    def rate(self) -> float:
        """Return records a second by the wall clock."""
        return self.records / self.seconds

    @property
    def cpu_us(self) -> float:
        """Return microseconds of CPU a record, user and system, all threads of the process."""
        return 1e6 * self.cpu_seconds / self.records


def measure(
    command: Sequence[str], settings: Mapping[str, str] | None = None, *, timeout_s: float = _TIMEOUT_S
) -> Measured:
    """Run a command on the measured core to its end and return what it reported."""
    found = measure_all([command], settings, timeout_s=timeout_s)
    return found[0]


def measure_all(
    commands: Sequence[Sequence[str]],
    settings: Mapping[str, str] | None = None,
    *,
    timeout_s: float = _TIMEOUT_S,
    cores: Sequence[int] = (),
) -> list[Measured]:
    """Run commands side by side, each on a core of its own where `cores` says so, and return what each reported."""
    running = [
        started(command, settings, core=cores[index % len(cores)] if cores else subject_core())
        for index, command in enumerate(commands)
    ]
    try:
        return [_measured(process.communicate(timeout=timeout_s)[0], process) for process in running]
    finally:
        for process in running:
            end(process)


def started(
    command: Sequence[str], settings: Mapping[str, str] | None = None, *, core: int | None = None
) -> subprocess.Popen[str]:
    """Start a command on a core; what it says on standard error goes to a file beside the input."""
    pinned = ["taskset", "-c", str(subject_core() if core is None else core), *command]
    BUILD.mkdir(parents=True, exist_ok=True)
    with (BUILD / "last-subject.log").open("ab") as log:
        return subprocess.Popen(
            pinned,
            stdout=subprocess.PIPE,
            stderr=log,
            env=environment(settings or {}),
            text=True,
            start_new_session=True,
        )


def environment(settings: Mapping[str, str]) -> dict[str, str]:
    """Return the environment of a subject: this one, but with those settings of gridwatch alone."""
    bare = {name: value for name, value in os.environ.items() if not name.startswith("GRIDWATCH_")}
    path = f"{_CODE}:{ROOT}"
    return bare | {"PYTHONPATH": path, "PYTHONDONTWRITEBYTECODE": "1", "GRIDWATCH_LOG_FORMAT": "json"} | dict(settings)


def end(process: subprocess.Popen[str]) -> None:
    """End a process that was started here, if it still runs, and all that it started."""
    with suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)
    process.wait(10)


def _measured(output: str, process: subprocess.Popen[str]) -> Measured:
    lines = [line for line in output.splitlines() if line.startswith("{") and '"cpu_seconds"' in line]
    if not lines:
        raise SubjectFailedError(
            f"{process.args!r} ended with status {process.returncode} and no measurement; see {BUILD / 'last-subject.log'}"
        )
    found = json.loads(lines[-1])
    records, seconds, cpu, rss = (found.pop(name) for name in ("records", "seconds", "cpu_seconds", "rss_mb"))
    measured = Measured(int(records), seconds, cpu, rss, more=found)
    tell(f"    {measured.rate:12,.0f} records/s {measured.cpu_us:9.2f} us CPU {measured.rss_mb:8,.0f} MB")
    return measured


@contextmanager
def scratch() -> Iterator[Path]:
    """Yield a directory that is gone afterwards."""
    BUILD.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=BUILD, ignore_cleanup_errors=True) as directory:
        yield Path(directory)
