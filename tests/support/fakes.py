"""Brokers in memory for the shells: a log that keeps what is written, and readers that see it.

The fakes stand in for the clients alone; cutting, sealing, deciding and counting are the real code.
"""

import asyncio
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Self

from aiokafka.structs import ConsumerRecord
from faust.types import TP

from streams.batching import Batch, RawRecord
from streams.broker.compacted import Contents
from streams.broker.offsets import OffsetReader
from streams.broker.outputs import Output
from streams.broker.publisher import Publisher
from streams.broker.state_log import Snapshot, SnapshotChain
from streams.broker.state_reader import StateReader
from streams.broker.state_store import StateStore
from streams.settings import Settings
from streams.stateful import StatefulPartitions


class BrokerDown(ConnectionError):
    """The fake broker was told to fail here."""


@dataclass
class MemoryLog:
    """What was written to each topic, in order, and a journal of what happened in which order."""

    written: list[Output] = field(default_factory=list)
    journal: list[str] = field(default_factory=list)
    writes_left: int | None = None  # None: never fails

    def write(self, output: Output) -> None:
        """Keep an output; raises BrokerDown once there are no writes left."""
        if self.writes_left is not None:
            if self.writes_left == 0:
                raise BrokerDown("no write left")
            self.writes_left -= 1
        self.written.append(output)

    def values(self, topic: str) -> list[bytes]:
        """Return the values of a topic in the order written."""
        return [output.value for output in self.written if output.topic == topic]


class MemoryPublisher(Publisher):
    """Writes into a `MemoryLog`; every topic has as many partitions as told."""

    def __init__(self, log: MemoryLog, *, partitions: int = 2, settings: Settings | None = None) -> None:
        super().__init__(settings or Settings())
        self.log = log
        self._count = partitions
        self.deleted: list[bytes] = []
        self.stamp: Callable[[], datetime | None] = lambda: None  # the brokers' time at each write
        self.released = asyncio.Event()  # while it is not set, nothing is acknowledged
        self.released.set()

    async def start(self) -> None:
        self.log.journal.append("connect")

    async def stop(self) -> None:
        self.log.journal.append("disconnect")

    async def publish(self, outputs: Iterable[Output], on_handed_over: Callable[[], object] = lambda: None) -> int:
        """Keep outputs one by one, so that a failure leaves those before it written."""
        on_handed_over()
        await self.released.wait()
        count = 0
        for output in outputs:
            self.log.write(output)
            count += 1
        self.log.journal.append(f"publish {count}")
        self.appended_at = self.stamp() or self.appended_at
        return count

    async def partitions(self, topic: str) -> list[int]:  # noqa: ARG002  all topics are alike here
        return list(range(self._count))

    async def delete(self, topic: str, keys: Iterable[bytes], partition: int) -> None:
        for key in keys:
            self.deleted.append(key)
            self.log.write(Output(topic, key, b"", partition))
        self.appended_at = self.stamp() or self.appended_at


class MemoryTopic:
    """Reads a compacted topic out of a `MemoryLog`, in place of `read_compacted` and `read_since`."""

    def __init__(self, log: MemoryLog) -> None:
        self.log = log
        self.after_reading: Callable[[], object] = lambda: None
        self.before_rereading: Callable[[], object] = lambda: None

    def records(self, topic: str) -> list[tuple[str, bytes | None]]:
        """Return keys and values in the order written; an empty value is a tombstone."""
        written = [output for output in self.log.written if output.topic == topic]
        return [(str(output.key, "utf-8"), output.value or None) for output in written if output.key is not None]

    async def read(self, settings: Settings, topic: str) -> Contents:  # noqa: ARG002  as the function it stands for
        records = self.records(topic)
        values = {key: value for key, value in dict(records).items() if value is not None}
        self.after_reading()
        return Contents(values, {TP(topic, 0): len(records)})

    async def read_since(
        self,
        settings: Settings,  # noqa: ARG002
        topic: str,
        since: Contents,
    ) -> list[tuple[str, bytes | None]]:
        self.before_rereading()
        return self.records(topic)[since.ends[TP(topic, 0)] :]


class MemorySnapshots(StateStore):
    """Reads what the publisher's log holds of the state topic; an empty value is a tombstone."""

    def __init__(self, publisher: MemoryPublisher, topic: str = "watch-state") -> None:
        super().__init__(Settings(), publisher, topic)
        self.topic = topic
        self.log = publisher.log

    async def _read_partitions(self, partitions: list[int], reader: StateReader) -> None:
        for output in self.log.written:
            if output.topic == self.topic and output.partition in partitions:
                reader.add(output.key, output.value or None)

    async def write(self, chain: SnapshotChain, snapshot: Snapshot, partition: int) -> None:
        await super().write(chain, snapshot, partition)
        self.log.journal.append(f"snapshot {snapshot.mark.next_offset}")


class MemoryPartitions(StatefulPartitions):
    """The shell itself, told where logs begin instead of asking a broker."""

    log_starts: Mapping[TP, int] = {}

    async def _log_starts(self, partitions: Iterable[TP]) -> Mapping[TP, int]:
        return {tp: self.log_starts.get(tp, 0) for tp in partitions}


class ScriptedOffsets(OffsetReader):
    """Answers ends and committed offsets as told; a function is asked anew every time."""

    def __init__(
        self,
        ends: Mapping[TP, int],
        committed: Callable[[], Mapping[TP, int]],
        journal: list[str] | None = None,
    ) -> None:
        self._ends = dict(ends)
        self._committed = committed
        self.first: dict[TP, int] = {}  # where partitions begin, if not at 0
        self.journal = [] if journal is None else journal

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        return None

    async def partitions(self, topics: Iterable[str]) -> list[TP]:
        names = set(topics)
        found = sorted(tp for tp in self._ends if tp.topic in names)
        self.journal.append("partitions")
        return found

    async def ends(self, partitions: Iterable[TP]) -> dict[TP, int]:
        self.journal.append("ends")
        return {tp: self._ends[tp] for tp in partitions}

    async def starts(self, partitions: Iterable[TP]) -> dict[TP, int]:
        return {tp: self.first.get(tp, 0) for tp in partitions}

    async def committed(self, role: str) -> dict[TP, int]:
        self.journal.append(f"committed {role}")
        return dict(self._committed())


def raw_record(topic: str, partition: int, offset: int, value: bytes | None, timestamp_ms: int = 0) -> RawRecord:
    """Make a record as a fetch brings it."""
    made: RawRecord = ConsumerRecord(topic, partition, offset, timestamp_ms, 1, None, value, None, -1, 0, ())
    return made


def without_signs_of_life(outputs: Iterable[Output]) -> list[Output]:
    """Leave out of what intake wrote what it tells of sources."""
    return [output for output in outputs if not output.value.startswith(b'{"kind":"source_heard"')]


def batch_of(topic: str, partition: int, start_offset: int, values: Sequence[Any], timestamp_ms: int = 0) -> Batch:
    """Make a batch of consecutive records."""
    records = [raw_record(topic, partition, start_offset + i, value, timestamp_ms) for i, value in enumerate(values)]
    return Batch(topic, partition, start_offset, start_offset + len(records), records)
