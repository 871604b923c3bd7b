"""Where the benchmarks keep what they make, on which cores they run, and how they tell how far they are."""

import os
import subprocess
import sys
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
BUILD = ROOT / "build" / "bench"
_BEGAN = time.monotonic()


def tell(text: str) -> None:
    """Say on standard error how far things are."""
    sys.stderr.write(f"[{time.monotonic() - _BEGAN:6.1f} s] {text}\n")
    sys.stderr.flush()


def touch_memory(megabytes: int) -> None:
    """Write to so much memory once and give it back, before something is measured that needs about as much.

    A virtual machine may be lent a page only when it is first written to: who comes first would pay that for all, and a
    process with much state would look slower than it is.
    """
    subprocess.run([sys.executable, "-c", f"bytearray({megabytes} << 20)"], check=True)


def cores() -> set[int]:
    """Return the cores that this run may use."""
    return set(_CORES)


def subject_core() -> int:
    """Return the core on which what is measured runs: the last of this machine."""
    return max(_CORES)


def other_cores() -> set[int]:
    """Return the cores of everything that is not measured, the broker first of all; the same one where there is one."""
    return _CORES - {subject_core()} or _CORES


def pin(process_id: int, cores: set[int]) -> None:
    """Keep a process, all its threads, on cores."""
    listed = ",".join(map(str, sorted(cores)))
    subprocess.run(["taskset", "-acp", listed, str(process_id)], check=True, capture_output=True)


_CORES = os.sched_getaffinity(0)
