"""A worker that acknowledges first and writes its results two seconds later: a fault that whoever judges must find.

Takes the command line of `gridwatch`.
"""

import asyncio
from typing import Any

from streams.batching import Batch
from streams.cli.main import main
from streams.stateful import StatefulPartitions

LATE_S = 2.0


class HastyPartitions(StatefulPartitions):
    """As the sound ones, but in the wrong order."""

    async def handle(self, batch: Batch) -> Any:
        """Let the batch be acknowledged at once."""
        await super().handle(batch)

    async def _publish(self, *what: Any) -> None:
        await asyncio.sleep(LATE_S)
        await super()._publish(*what)


if __name__ == "__main__":
    import streams.workers

    streams.workers.StatefulPartitions = HastyPartitions  # type: ignore[attr-defined]
    main(prog_name="gridwatch")
