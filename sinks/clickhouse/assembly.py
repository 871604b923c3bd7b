"""What was read and is not written yet, one buffer a partition, and when it becomes a batch. Pure: time is an argument."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from sinks.clickhouse.batches import Batch, Place, cut
from sinks.clickhouse.rows import Message

# While a partition is being caught up with, its rest waits for its batch to fill, but not for ever.
_PATIENCE_FACTOR = 10


@dataclass(slots=True)
class _Buffer:
    topic: str
    since: float
    end_seen: int | None = None
    messages: list[Message] = field(default_factory=list)

    def is_ripe(self, now: float, flush_seconds: float) -> bool:
        """Tell whether the rest should be written though its batch is not full."""
        waited = now - self.since
        caught_up = self.end_seen is None or self.messages[-1].offset + 1 >= self.end_seen
        return waited >= flush_seconds * (1 if caught_up else _PATIENCE_FACTOR)


class Assembler:
    """Gathers messages and hands out batches."""

    def __init__(self, catalogue: Mapping[str, str], batch_records: int, flush_seconds: float) -> None:
        self._catalogue = catalogue
        self._batch_records = batch_records
        self._flush_seconds = flush_seconds
        self._buffers: dict[Place, _Buffer] = {}

    def add(self, place: Place, messages: Sequence[Message], now: float, end_seen: int | None = None) -> None:
        """Add messages of a partition, in order; `end_seen` is the end of the partition as far as it is known.

        A partition may start again at an earlier offset (a rebalance): from there on the new messages hold.
        """
        if not messages:
            return
        buffer = self._buffers.get(place)
        if buffer is None:
            buffer = self._buffers[place] = _Buffer(self._catalogue[place[0]], now)
        while buffer.messages and buffer.messages[-1].offset >= messages[0].offset:
            buffer.messages.pop()
        buffer.messages.extend(messages)
        buffer.end_seen = end_seen

    def take(self, now: float, *, everything: bool = False) -> Iterator[Batch]:
        """Take out full batches, then what has waited long enough: one batch a topic, whatever its partitions."""
        rests: dict[str, list[Message]] = {}
        for place, buffer in sorted(self._buffers.items()):
            full, rest = cut(buffer.messages, self._batch_records)
            for messages in full:
                yield Batch(buffer.topic, tuple(messages))
            if full:
                buffer.messages, buffer.since = list(rest), now
            if rest and (everything or buffer.is_ripe(now, self._flush_seconds)):
                rests.setdefault(buffer.topic, []).extend(rest)
                buffer.messages = []
            if not buffer.messages:
                del self._buffers[place]
        for topic, messages in rests.items():
            yield Batch(topic, tuple(messages))

    def first_waiting(self, place: Place) -> int | None:
        """Return the lowest offset of a partition that was read and not handed out; None where there is none."""
        buffer = self._buffers.get(place)
        return buffer.messages[0].offset if buffer else None

    def last_waiting(self, place: Place) -> int | None:
        """Return the highest such offset."""
        buffer = self._buffers.get(place)
        return buffer.messages[-1].offset if buffer else None
