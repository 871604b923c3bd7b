"""`gridwatch clock` as it is, but that the time it goes by is the town's: how far the sender has got.

Takes the command line of `gridwatch`; the journals of the load lie in the directory of GRIDWATCH_TEST_LOAD.
"""

from __future__ import annotations

import asyncio
import os
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import streams.running
from streams.cli.main import main
from streams.clock.writer import TickWriter
from tests.chaos.journal import Journal

VARIABLE = "GRIDWATCH_TEST_LOAD"
_NEVER = datetime(1970, 1, 1, tzinfo=UTC)


class TownClock(TickWriter):
    """Writes the tick up to which the sender has sent everything, and notes each tick that is written."""

    def __init__(self, *arguments: Any) -> None:
        super().__init__(*arguments, now=self._town_time)
        directory = Path(os.environ[VARIABLE])
        self._sent, self._ticks = Journal(directory / "town.journal"), Journal(directory / "ticks.journal")
        last = self._ticks.last()
        self._written = datetime.fromisoformat(last[0]) if last else _NEVER

    def _town_time(self) -> datetime:
        last = self._sent.last()
        return datetime.fromisoformat(last[1]) if last else _NEVER

    async def advance_to(self, at: datetime, *, spread_seconds: float = 0.0, stop: asyncio.Event | None = None) -> None:
        """Write a tick that is later than the last one, and note it."""
        if at <= self._written:
            return
        await super().advance_to(at, spread_seconds=spread_seconds, stop=stop)
        self._written = at
        self._ticks.note(at.isoformat())


if __name__ == "__main__":
    streams.running.TickWriter = TownClock  # type: ignore[assignment, attr-defined]
    main(prog_name="gridwatch")
