"""What a worker asks of the pure part that decides the records of one partition."""

from typing import Any, Protocol

from streams.broker.outputs import Output


class PartitionDecider(Protocol):
    """Decides the records of one partition in offset order, and can be written out and read back in between.

    The same records from the same state always give the same outputs: whoever repeats them repeats them exactly.
    """

    def take(self, offset: int, timestamp_ms: int, value: bytes | None) -> list[Output]:
        """Decide one record and return what is to be written because of it."""

    def dump(self) -> dict[str, Any]:
        """Return the state as JSON values."""
