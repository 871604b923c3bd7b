"""A worker whose decider raises on a record that holds a marker: our own fault, planted, as no input can cause it.

Takes the command line of `gridwatch`.
"""

from typing import Any

import streams.workers
from streams.broker.outputs import Output
from streams.cli.main import main
from streams.partition import PartitionDecider

MARKER = b"planted-fault"


class FaultyPartition:
    """Decides as another does, until the marker comes."""

    def __init__(self, sound: PartitionDecider) -> None:
        self._sound = sound

    def take(self, offset: int, timestamp_ms: int, value: bytes | None) -> list[Output]:
        """Raise on the marker, with the record's own words in the message as a careless error has them."""
        if MARKER in (value or b""):
            raise ValueError(f"cannot make sense of {value!r}")
        return self._sound.take(offset, timestamp_ms, value)

    def dump(self) -> dict[str, Any]:
        """Return the other's state."""
        return self._sound.dump()


class FaultyWorker(streams.workers.Worker):
    """A worker of either role with the fault in it."""

    def __init__(self, *arguments: Any) -> None:
        super().__init__(*arguments)
        make_sound = self.partitions._make_decider
        self.partitions._make_decider = lambda *place: FaultyPartition(make_sound(*place))


if __name__ == "__main__":
    streams.workers.Worker = FaultyWorker  # type: ignore[misc, assignment]
    main(prog_name="gridwatch")
