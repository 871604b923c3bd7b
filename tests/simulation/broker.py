"""The log: partitions that keep what was appended, producers that are recognised, and compaction."""

import asyncio
from bisect import bisect_left
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple
from zlib import crc32

from aiokafka.errors import NotLeaderForPartitionError, OutOfOrderSequenceNumber
from faust.types import TP

from tests.simulation.loop import Process, World
from tests.simulation.network import LATER, Network

COMPACTED = frozenset({"checks", "alerts", "source-states", "watch-state", "intake-state"})

KeyValue = tuple[bytes | None, bytes | None]


class Kept(NamedTuple):
    """A record as a fetch brings it."""

    offset: int
    timestamp: int
    key: bytes | None
    value: bytes | None
    timestamp_type: int = 1
    headers: tuple[Any, ...] = ()


class Numbered(NamedTuple):
    """Who writes a batch, and its number among all that the producer writes to this partition; None is not counted."""

    producer: str
    sequence: int | None


class _Waiter(NamedTuple):
    process: Process
    future: asyncio.Future[Any]
    offset: int
    records_max: int


@dataclass
class Partition:
    """One partition; `ever` holds all that was appended, `records` what compaction has left of it."""

    tp: TP
    ever: list[Kept] = field(default_factory=list)
    appended_at: list[float] = field(default_factory=list)  # by offset, seconds of the world
    writers: list[str] = field(default_factory=list)  # by offset, the process and its producer
    records: list[Kept] = field(default_factory=list)
    is_reachable: bool = True
    waiters: list[_Waiter] = field(default_factory=list)
    _sequences: dict[str, int] = field(default_factory=dict)

    @property
    def end(self) -> int:
        """Return the offset of the next record."""
        return len(self.ever)

    def append(self, values: Iterable[KeyValue], timestamp_ms: int, second: float, who: str = "") -> None:
        """Append records at a moment."""
        for key, value in values:
            record = Kept(len(self.ever), timestamp_ms, key, value)
            self.ever.append(record)
            self.appended_at.append(second)
            self.writers.append(who)
            self.records.append(record)

    def is_new(self, numbered: Numbered) -> bool:
        """Tell whether a batch was not appended before; raises OutOfOrderSequenceNumber where one before it is missing."""
        if numbered.sequence is None:
            return True
        expected = self._sequences.get(numbered.producer, 0)
        if numbered.sequence > expected:
            raise OutOfOrderSequenceNumber
        if numbered.sequence < expected:
            return False
        self._sequences[numbered.producer] = expected + 1
        return True

    def read(self, offset: int, records_max: int) -> tuple[Sequence[Kept], int]:
        """Return records from an offset on, and where to go on reading."""
        begin = bisect_left(self.records, offset, key=_offset)
        found = self.records[begin : begin + records_max]
        is_rest = begin + records_max >= len(self.records)
        return found, self.end if is_rest else found[-1].offset + 1

    def compact(self, before: int, is_tombstone_old: Callable[[Kept], bool]) -> int:
        """Leave of the records below an offset the last one of each key, and young tombstones; return how many went."""
        cut = bisect_left(self.records, before, key=_offset)
        dirty, active = self.records[:cut], self.records[cut:]
        last = {record.key: record.offset for record in dirty}
        kept = [
            record
            for record in dirty
            if record.offset == last[record.key] and not (record.value is None and is_tombstone_old(record))
        ]
        self.records = kept + active
        return cut - len(kept)


def _offset(record: Kept) -> int:
    return record.offset


class Broker:
    """All partitions, behind the network."""

    def __init__(self, world: World, network: Network, partitions: dict[str, int], nodes: int, start_ms: int) -> None:
        """Make the topics with so many partitions each, spread over nodes; `start_ms` is the broker's time at second 0."""
        self.world = world
        self.network = network
        self.partitions = {
            TP(topic, number): Partition(TP(topic, number))
            for topic, count in partitions.items()
            for number in range(count)
        }
        self.counts = partitions
        self.offset_ms = start_ms
        self._nodes = nodes
        self._producers = 0

    def of_topics(self, topics: Iterable[str]) -> list[TP]:
        """Return every partition of topics."""
        names = set(topics)
        return sorted(tp for tp in self.partitions if tp.topic in names)

    def new_producer(self, process_name: str) -> str:
        """Return the name of a producer that is new."""
        self._producers += 1
        return f"{process_name}/p{self._producers}"

    def leader(self, tp: TP) -> int:
        """Return the node that leads a partition."""
        return crc32(f"{tp.topic}/{tp.partition}".encode()) % self._nodes

    def now_ms(self) -> int:
        """Return the broker's time."""
        return max(0, int(self.world.now * 1000) + self.offset_ms)

    def append(self, tp: TP, values: Iterable[KeyValue], who: str) -> None:
        """Append records and wake whoever waits for them."""
        partition = self.partitions[tp]
        begin = partition.end
        partition.append(values, self.now_ms(), self.world.now, who)
        if self.world.is_traced:
            sizes = [len(record.value or b"") for record in partition.ever[begin:]]
            self.world.note(who, f"appended {tp.topic}:{tp.partition} {begin}..{partition.end - 1} bytes {sizes}")
        self._wake(partition)

    def produce(
        self, process: Process, batches: dict[TP, tuple[Numbered, list[KeyValue]]]
    ) -> asyncio.Future[dict[TP, Exception | None]]:
        """Write one batch to each of some partitions of one node; tells of each whether it stands there."""

        def work() -> dict[TP, Exception | None]:
            return {tp: self._take(tp, numbered, values) for tp, (numbered, values) in batches.items()}

        request = "produce " + "+".join(sorted({_named(tp, values) for tp, (_, values) in batches.items()}))
        # Of a producer that is not idempotent what comes late would be written, and behind what came meanwhile.
        is_counted = all(numbered.sequence is not None for numbered, _ in batches.values())
        return self.network.call(process, request, work, comes_late=is_counted)

    def _take(self, tp: TP, numbered: Numbered, values: list[KeyValue]) -> Exception | None:
        partition = self.partitions[tp]
        if not partition.is_reachable:
            return NotLeaderForPartitionError()  # type: ignore[no-any-return]
        try:
            is_new = partition.is_new(numbered)
        except OutOfOrderSequenceNumber as raised:
            return raised  # type: ignore[no-any-return]
        if is_new:
            self.append(tp, values, numbered.producer)
        else:
            self.world.met("a batch that comes twice and is written once")
        return None

    def fetch(self, process: Process, tp: TP, offset: int, records_max: int) -> asyncio.Future[Any]:
        """Return records from an offset on, as soon as there are any, and where to go on."""

        def work() -> Any:
            if partition.is_reachable and partition.end > offset:
                return partition.read(offset, records_max)
            partition.waiters.append(_Waiter(process, future, offset, records_max))
            return LATER

        partition = self.partitions[tp]
        future = self.network.call(process, f"fetch {tp.topic}", work)
        return future

    def _wake(self, partition: Partition) -> None:
        waiting, partition.waiters = partition.waiters, []
        for waiter in waiting:
            if waiter.future.done() or not waiter.process.is_alive:
                continue
            if partition.is_reachable and partition.end > waiter.offset:
                answer = partition.read(waiter.offset, waiter.records_max)
                self.network.answer(waiter.process, f"fetch {partition.tp.topic}", waiter.future, answer)
            else:
                partition.waiters.append(waiter)

    def cut_off(self, tp: TP) -> None:
        """Let nobody reach a partition."""
        self.partitions[tp].is_reachable = False

    def restore(self, tp: TP) -> None:
        """Let everybody reach a partition again."""
        partition = self.partitions[tp]
        partition.is_reachable = True
        self._wake(partition)

    def end(self, tp: TP) -> int:
        """Return where a partition ends; raises NotLeaderForPartitionError while it cannot be reached."""
        partition = self.partitions[tp]
        if not partition.is_reachable:
            raise NotLeaderForPartitionError
        return partition.end


def _named(tp: TP, values: list[KeyValue]) -> str:
    """Name what is written, for the count of faults: a seal is another step than a chunk."""
    key, value = values[0]
    if tp.topic.endswith("-state"):
        if value is None:
            return "tombstones"
        return "seal" if (key or b"").endswith(b"/seal") else "chunks"
    return "tick" if (value or b"").startswith(b'{"kind":"tick"') else tp.topic


def tick_at(value: bytes | None) -> str | None:
    """Return the instant of a tick as the clock writes it, None for any other record."""
    head = b'{"kind":"tick","at":"'
    return value[len(head) : -2].decode() if value is not None and value.startswith(head) else None
