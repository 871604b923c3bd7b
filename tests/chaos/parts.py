"""Processes under supervision: whoever ends is started again after a moment, as systemd does with `Restart=always`."""

from __future__ import annotations

import asyncio
import signal
import sys
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from tests.support.processes import REPOSITORY

RESTART_S = 0.3
STOP_S = 60.0  # what docs/OPERATIONS.md asks to be left to a process
_POLL_S = 0.02
_WORDS_BYTES = 500


@dataclass(frozen=True, slots=True)
class Ended:
    """An end of a process: its exit status, below 0 the signal, whether the harness had ended it, and its last words."""

    status: int
    was_ours: bool
    last_words: str


class Part:
    """One process of gridwatch, or of its load, under supervision."""

    def __init__(
        self, name: str, module: str, arguments: tuple[str, ...], environment: Mapping[str, str], log: Path
    ) -> None:
        """Run `python -m MODULE ARGUMENTS` once `start` is called; what it says goes to `log`."""
        self.name, self.module, self.arguments, self.log_path = name, module, arguments, log
        self.is_once = False  # an end with status 0 is the end
        self.is_cramped = False  # nothing can be written where it runs, see tests.chaos.cramped
        self.starts: list[float] = []
        self.ends: list[Ended] = []
        self._environment = environment
        self._process: asyncio.subprocess.Process | None = None
        self._keeping: asyncio.Task[None] | None = None
        self._is_ours = self._is_stopping = False
        self._began_at_byte = 0

    @property
    def is_running(self) -> bool:
        """Tell whether the process is there now."""
        return self._process is not None and self._process.returncode is None

    @property
    def is_over(self) -> bool:
        """Tell whether it has ended for good."""
        return self._keeping is not None and self._keeping.done()

    @property
    def has_begun(self) -> bool:
        """Tell whether the last process got so far that it said something."""
        return self.log_size() > self._began_at_byte

    def start(self) -> None:
        """Start it and keep it running."""
        self._is_stopping = False
        self._keeping = asyncio.create_task(self._keep())

    async def _keep(self) -> None:
        while not self._is_stopping:
            self._is_ours = False
            self._began_at_byte = self.log_size()
            self._process = await self._launch()
            self.starts.append(time.monotonic())
            status = await self._process.wait()
            self.ends.append(Ended(status, self._is_ours, self._last_words()))
            if self.is_once and status == 0:
                return
            if not self._is_stopping:
                await asyncio.sleep(RESTART_S)

    async def _launch(self) -> asyncio.subprocess.Process:
        wrapped = ("tests.chaos.cramped", self.module) if self.is_cramped else (self.module,)
        command = [sys.executable, "-m", *wrapped, *self.arguments]
        with self.log_path.open("ab") as log:
            return await asyncio.create_subprocess_exec(
                *command, cwd=REPOSITORY, stdout=log, stderr=log, env=dict(self._environment)
            )

    # -- what is done to it

    async def kill(self) -> float:
        """Send SIGKILL; returns the instant at which it was started again."""
        return await self._ended_and_started(signal.SIGKILL)

    async def restart(self) -> float:
        """Send SIGTERM, wait for its end; returns the instant at which it was started again."""
        return await self._ended_and_started(signal.SIGTERM)

    async def _ended_and_started(self, number: signal.Signals) -> float:
        while not (self.is_running or self.is_over):
            await asyncio.sleep(_POLL_S)
        before = len(self.starts)
        self._signal(number)
        await self.started_after(before)
        return self.starts[-1]

    async def started_after(self, starts: int) -> None:
        """Wait until it was started more than so many times."""
        while len(self.starts) <= starts and not self.is_over:
            await asyncio.sleep(_POLL_S)

    def freeze(self) -> bool:
        """Send SIGSTOP; False where there is no process just now."""
        return self._signal(signal.SIGSTOP, ends=False)

    def thaw(self) -> None:
        """Send SIGCONT."""
        self._signal(signal.SIGCONT, ends=False)

    async def stop(self) -> int | None:
        """Send SIGTERM and start it no more; returns its exit status, None where none ran. Killed after 60 s."""
        self._is_stopping = True
        if not self._signal(signal.SIGTERM) or self._process is None:
            await self._kept()
            return None
        try:
            await asyncio.wait_for(self._process.wait(), STOP_S)
        except TimeoutError:
            self._signal(signal.SIGKILL)
        await self._kept()
        return self.ends[-1].status

    async def end(self) -> None:
        """Kill it and start it no more."""
        self._is_stopping = True
        self._signal(signal.SIGKILL)
        await self._kept()

    def _signal(self, number: signal.Signals, *, ends: bool = True) -> bool:
        if not self.is_running or self._process is None:
            return False
        self._is_ours = self._is_ours or ends
        self._process.send_signal(number)
        return True

    async def _kept(self) -> None:
        if self._keeping is not None:
            await asyncio.gather(self._keeping, return_exceptions=True)

    # -- what it says

    def log_size(self) -> int:
        """Return how many bytes it has said so far."""
        return self.log_path.stat().st_size if self.log_path.exists() else 0

    def said(self, since: int = 0) -> str:
        """Return what it has said after so many bytes."""
        with self.log_path.open("rb") as log:
            log.seek(since)
            return log.read().decode("utf-8", "replace")

    def _last_words(self) -> str:
        lines = self.said(max(0, self.log_size() - _WORDS_BYTES)).strip().splitlines()
        return " / ".join(line[:_WORDS_BYTES] for line in lines[-2:])
