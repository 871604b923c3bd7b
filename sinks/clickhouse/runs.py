"""Messages of a partition as the sink holds them: field by field, because that is how they are written."""

from bisect import bisect_left
from dataclasses import dataclass

Place = tuple[str, int]


@dataclass(slots=True)
class Run:
    """Messages of one partition in order of their offsets: three lists of the same length.

    `topic` has its prefix; `appended_ms` are the time stamps Kafka keeps with the messages, in milliseconds since 1970;
    a value is None in a tombstone. Offsets may have gaps, as compaction leaves them.
    """

    topic: str
    partition: int
    offsets: list[int]
    appended_ms: list[int]
    values: list[bytes | None]

    def __len__(self) -> int:
        return len(self.offsets)

    @property
    def place(self) -> Place:
        """Topic and partition."""
        return (self.topic, self.partition)

    @property
    def size_bytes(self) -> int:
        """How many bytes the values have together."""
        return sum(map(len, filter(None, self.values)))

    def part(self, start: int, end: int) -> "Run":
        """Return the messages from one index up to another."""
        return Run(
            self.topic,
            self.partition,
            self.offsets[start:end],
            self.appended_ms[start:end],
            self.values[start:end],
        )

    def only(self, indexes: list[int]) -> "Run":
        """Return the messages at the given indexes."""
        return Run(
            self.topic,
            self.partition,
            [self.offsets[index] for index in indexes],
            [self.appended_ms[index] for index in indexes],
            [self.values[index] for index in indexes],
        )

    def before(self, offset: int) -> "Run":
        """Return the messages below an offset."""
        return self.part(0, bisect_left(self.offsets, offset))

    def extend(self, later: "Run") -> None:
        """Take on messages of the same partition that come after these."""
        self.offsets += later.offsets
        self.appended_ms += later.appended_ms
        self.values += later.values
