"""What an agent receives: the raw records of one partition from one fetch, cut to a largest size."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from operator import attrgetter
from typing import Protocol

_KEY, _VALUE = attrgetter("key"), attrgetter("value")


class RawRecord(Protocol):
    """One record as the log holds it; in fact aiokafka's, as it was parsed."""

    @property
    def offset(self) -> int:
        """Return its place in the partition."""

    @property
    def timestamp(self) -> int:
        """Return milliseconds since 1970."""

    @property
    def timestamp_type(self) -> int:
        """Return 0 where the producer set the timestamp, 1 where the broker did (LogAppendTime)."""

    @property
    def key(self) -> bytes | None:
        """Return the key's bytes."""

    @property
    def value(self) -> bytes | None:
        """Return the value's bytes; None is a tombstone."""

    @property
    def headers(self) -> Sequence[tuple[str, bytes]]:
        """Return the headers in order."""


@dataclass(frozen=True, slots=True, repr=False, eq=False)
class Batch:
    """Hold consecutive records of one partition, in offset order, never empty.

    `start_offset` is where reading stood before, `next_offset` where it stands after: what an ack commits. Offsets in
    between that carry no record (compacted away, transaction markers) belong to the batch, so that
    `start_offset` of a batch is always `next_offset` of the one before.
    """

    topic: str
    partition: int
    start_offset: int
    next_offset: int
    records: Sequence[RawRecord]

    @property
    def size_bytes(self) -> int:
        """Return the bytes of all keys and values; counted each time it is asked for."""
        return _size_bytes(self.records)

    @property
    def first_offset(self) -> int:
        """Return the offset of the first record."""
        return self.records[0].offset

    @property
    def last_offset(self) -> int:
        """Return the offset of the last record."""
        return self.records[-1].offset

    def __len__(self) -> int:
        return len(self.records)

    def __iter__(self) -> Iterator[RawRecord]:
        return iter(self.records)

    def __repr__(self) -> str:
        # Keys and values stay out of logs and tracebacks.
        return f"<Batch {self.topic}:{self.partition} {self.start_offset}..{self.next_offset} records={len(self)}>"


@dataclass(frozen=True, slots=True, repr=False)
class Fetched:
    """Hold what one fetch brought of one partition, and where reading stood before and after; records may be empty.

    Keys and values together have at most `bytes_max` bytes, where that is known.
    """

    start_offset: int
    next_offset: int
    records: Sequence[RawRecord]
    bytes_max: int | None = None


def split(topic: str, partition: int, fetched: Fetched, *, records_max: int, bytes_max: int) -> Iterator[Batch]:
    """Cut a fetch into batches of at most `records_max` records and `bytes_max` bytes of keys and values.

    A record larger than `bytes_max` makes a batch of its own. Batches come in offset order and leave no offset out.
    """
    if not fetched.records:
        return
    is_small = fetched.bytes_max is not None and fetched.bytes_max <= bytes_max
    if is_small or _size_bytes(fetched.records) <= bytes_max:  # as a rule; a look at each record costs far more
        yield from _split_by_count(topic, partition, fetched, records_max)
        return
    begin, size_bytes, start_offset = 0, 0, fetched.start_offset
    for index, record in enumerate(fetched.records):
        record_bytes = len(record.key or b"") + len(record.value or b"")
        if index > begin and (index - begin >= records_max or size_bytes + record_bytes > bytes_max):
            part = fetched.records[begin:index]
            next_offset = part[-1].offset + 1
            yield Batch(topic, partition, start_offset, next_offset, part)
            begin, size_bytes, start_offset = index, 0, next_offset
        size_bytes += record_bytes
    yield Batch(topic, partition, start_offset, fetched.next_offset, fetched.records[begin:])


def _split_by_count(topic: str, partition: int, fetched: Fetched, records_max: int) -> Iterator[Batch]:
    start_offset = fetched.start_offset
    for begin in range(0, len(fetched.records), records_max):
        end = begin + records_max
        part = fetched.records[begin:end]
        next_offset = part[-1].offset + 1 if end < len(fetched.records) else fetched.next_offset
        yield Batch(topic, partition, start_offset, next_offset, part)
        start_offset = next_offset


def _size_bytes(records: Sequence[RawRecord]) -> int:
    """Return the bytes of all keys and values, without a step of Python for each."""
    return sum(map(len, filter(None, map(_KEY, records)))) + sum(map(len, filter(None, map(_VALUE, records))))
