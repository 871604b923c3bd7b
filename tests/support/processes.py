"""Processes that tests start, stop and kill, with a journal that says what they did."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from types import TracebackType
from typing import Any, Self

REPOSITORY = Path(__file__).parents[2]


def wait_until(is_true: Callable[[], bool], what: str, *, limit_s: float = 30.0) -> None:
    """Wait for a condition, and fail saying `what` was waited for."""
    deadline = time.monotonic() + limit_s
    while not is_true():
        if time.monotonic() > deadline:
            raise AssertionError(f"waited {limit_s} s in vain for: {what}")
        time.sleep(0.05)


class BatchWorkerProcess:
    """One `tests.support.batch_worker` process; killed at the end of the test if it still runs."""

    def __init__(self, directory: Path, name: str, **settings: Any) -> None:
        self.journal = directory / f"{name}.ndjson"
        self.stderr_path = directory / f"{name}.stderr"
        command = [
            sys.executable,
            "-m",
            "tests.support.batch_worker",
            json.dumps({**settings, "journal": str(self.journal)}),
        ]
        with self.stderr_path.open("ab") as stderr:
            self.process = subprocess.Popen(command, cwd=REPOSITORY, stderr=stderr)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self.process.poll() is None:
            self.process.kill()
            self.process.wait()

    def signal(self, number: signal.Signals) -> None:
        """Send a signal."""
        self.process.send_signal(number)

    def stop(self) -> int:
        """End it gracefully and return the exit code."""
        self.signal(signal.SIGTERM)
        return self.process.wait(20)

    def steps(self, step: str) -> list[dict[str, Any]]:
        """Return the journal's lines of one kind."""
        return [entry for entry in self.entries() if entry["step"] == step]

    def entries(self) -> list[dict[str, Any]]:
        """Return the journal's lines; one half written by a killed process does not count."""
        if not self.journal.exists():
            return []
        lines = [line for line in self.journal.read_text("utf-8").splitlines(keepends=True) if line.endswith("\n")]
        return [json.loads(line) for line in lines]

    def seen(self) -> Counter[tuple[int, int]]:
        """Return how often each (partition, offset) was handled."""
        return Counter((batch["partition"], offset) for batch in self.steps("batch") for offset in batch["offsets"])

    def stderr(self) -> str:
        """Return what it wrote to standard error."""
        return self.stderr_path.read_text("utf-8")
