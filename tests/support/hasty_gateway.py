"""A gateway that says `accepted` first and writes two seconds later: a fault that whoever judges must find.

Takes the command line of `gridwatch`.
"""

import asyncio
from collections.abc import Sequence
from contextlib import suppress

from streams.broker.outputs import Output
from streams.cli.main import main
from streams.gateway.problems import Problem
from streams.gateway.writing import Told, Writer

LATE_S = 2.0


class HastyWriter(Writer):
    """As the sound one, but nobody waits for the brokers."""

    def put(self, outputs: Sequence[Output], told: Told) -> None:
        """Say at once that they are written."""
        told(None)
        asyncio.get_running_loop().call_later(LATE_S, self._put_late, outputs)

    def _put_late(self, outputs: Sequence[Output]) -> None:
        with suppress(Problem):
            super().put(outputs, lambda _: None)


if __name__ == "__main__":
    import streams.gateway.serving

    streams.gateway.serving.Writer = HastyWriter  # type: ignore[misc]
    main(prog_name="gridwatch")
