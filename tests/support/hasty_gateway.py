"""A gateway that says `accepted` first and writes two seconds later: a fault that whoever judges must find.

Takes the command line of `gridwatch`.
"""

import asyncio
from collections.abc import Sequence

from streams.broker.outputs import Output
from streams.cli.main import main
from streams.gateway.writing import Writer

LATE_S = 2.0


class HastyWriter(Writer):
    """As the sound one, but nobody waits for the brokers."""

    _late: set[asyncio.Task[None]]

    async def write(self, outputs: Sequence[Output]) -> None:
        """Return at once."""
        self._late = getattr(self, "_late", set())
        task = asyncio.create_task(self._write_late(outputs))
        self._late.add(task)
        task.add_done_callback(self._late.discard)

    async def _write_late(self, outputs: Sequence[Output]) -> None:
        await asyncio.sleep(LATE_S)
        await super().write(outputs)


if __name__ == "__main__":
    import streams.gateway.serving

    streams.gateway.serving.Writer = HastyWriter  # type: ignore[misc]
    main(prog_name="gridwatch")
