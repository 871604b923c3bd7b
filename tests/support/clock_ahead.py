"""`gridwatch` on a machine whose time is GRIDWATCH_TEST_AHEAD_SECONDS ahead of everybody else's."""

import os
from datetime import UTC, datetime, timedelta
from typing import Any

import streams.running
from streams.cli.main import main
from streams.clock.writer import TickWriter

AHEAD = timedelta(seconds=float(os.environ.get("GRIDWATCH_TEST_AHEAD_SECONDS", "0")))


class WriterAhead(TickWriter):
    """The tick writer of such a machine."""

    def __init__(self, *arguments: Any) -> None:
        super().__init__(*arguments, now=lambda: datetime.now(UTC) + AHEAD)


if __name__ == "__main__":
    streams.running.TickWriter = WriterAhead  # type: ignore[misc]
    main(prog_name="gridwatch")
