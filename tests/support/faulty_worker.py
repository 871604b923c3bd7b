"""A worker whose decider raises on a record that holds a marker: our own fault, planted, as no input can cause it.

Takes the command line of `gridwatch`.
"""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any

import streams.workers
from streams.broker.outputs import Output
from streams.cli.main import main
from streams.partition import LogRecord, PartitionDecider, UndecidableRecordError

MARKER = b"planted-fault"


class FaultyPartition:
    """Decides as another does, until the marker comes."""

    def __init__(self, sound: PartitionDecider) -> None:
        self._sound = sound

    def take(self, records: Iterable[LogRecord], publish_from: int) -> list[Output]:
        """Raise on the marker, with the record's own words in the cause as a careless error has them."""
        sound = list(records)
        for record in sound:
            if MARKER in (record.value or b""):
                cause = ValueError(f"cannot make sense of {record.value!r}")
                raise UndecidableRecordError(record.offset, cause) from cause
        return self._sound.take(sound, publish_from)

    @property
    def clock(self) -> datetime | None:
        """Return the other's."""
        return self._sound.clock

    @property
    def parts(self) -> Sequence[str]:
        """Return the other's."""
        return self._sound.parts

    def head(self) -> dict[str, Any]:
        """Return the other's."""
        return self._sound.head()

    def changes(self) -> Mapping[str, bytes | None]:
        """Return the other's."""
        return self._sound.changes()

    def entry(self, key: str) -> bytes | None:
        """Return the other's."""
        return self._sound.entry(key)


class FaultyWorker(streams.workers.Worker):
    """A worker of either role with the fault in it."""

    def __init__(self, *arguments: Any) -> None:
        super().__init__(*arguments)
        make_sound = self.partitions._make_decider
        self.partitions._make_decider = lambda *place: FaultyPartition(make_sound(*place))


if __name__ == "__main__":
    streams.workers.Worker = FaultyWorker  # type: ignore[misc, assignment]
    main(prog_name="gridwatch")
