"""What a process took from the first record that it handled to the last: wall time, CPU time, memory.

Peers run in environments of their own and import this module too, so it needs Python alone.
"""

import json
import os
import resource
import time
from pathlib import Path
from typing import NoReturn

_STANDARD_OUTPUT = 1


class Span:
    """A stretch of work of this process. Records counted before it begins are none of it."""

    def __init__(self) -> None:
        """Begin now."""
        self._wall = time.perf_counter()
        self._cpu = cpu_seconds()

    def as_json(self, records: int, **more: float) -> dict[str, float]:
        """Return what `records` took up to now; `more` is added as it stands."""
        return {
            "records": records,
            "seconds": time.perf_counter() - self._wall,
            "cpu_seconds": cpu_seconds() - self._cpu,
            "rss_mb": peak_rss_mb(),
            **more,
        }


def cpu_seconds() -> float:
    """Return user and system time of this process, all threads."""
    usage = resource.getrusage(resource.RUSAGE_SELF)
    return usage.ru_utime + usage.ru_stime


def peak_rss_mb() -> float:
    """Return the most memory that this process held at once, in MiB."""
    return _status_kb("VmHWM") / 1024


def rss_mb() -> float:
    """Return the memory that this process holds now, in MiB."""
    return _status_kb("VmRSS") / 1024


def _status_kb(field: str) -> int:
    for line in Path("/proc/self/status").read_text(encoding="ascii").splitlines():
        if line.startswith(field + ":"):
            return int(line.split()[1])
    return 0


def report(measured: dict[str, float]) -> None:
    """Hand a measurement to the process that started this one: one line of JSON on standard output."""
    # Not through sys.stdout: Faust puts its log in that place, and leaves unfinished lines on the terminal.
    os.write(_STANDARD_OUTPUT, b"\n" + json.dumps(measured).encode() + b"\n")


def report_and_end(measured: dict[str, float]) -> NoReturn:
    """Hand a measurement over and end this process at once: what a framework does after it is not measured."""
    report(measured)
    os._exit(0)
