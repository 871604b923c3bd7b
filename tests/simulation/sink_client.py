"""What stands in for aiokafka's consumer under the sink's reader."""

import asyncio
from collections.abc import Iterable, KeysView, Mapping, Sequence
from typing import Any

from aiokafka.errors import IllegalStateError, KafkaError
from aiokafka.structs import TopicPartition
from faust.types import TP

from sinks.clickhouse.consumer import LogReader
from tests.simulation.broker import Broker, Kept
from tests.simulation.clients import Member
from tests.simulation.groups import Group
from tests.simulation.loop import Process

_FETCH_RECORDS = 60
_BACKOFF_S = 0.5


class Consumer:
    """A consumer that joins and reads in the background, with at most one fetch of each partition waiting."""

    def __init__(self, process: Process, broker: Broker, group: Group) -> None:
        self._process = process
        self._broker = broker
        self._member = Member(process, group)
        self._tasks: list[asyncio.Task[None]] = []
        self._positions: dict[TopicPartition, int] = {}
        self._assigned: dict[TopicPartition, asyncio.Event] = {}  # set when the position is known
        self._buffers: dict[TopicPartition, tuple[Sequence[Kept], int]] = {}
        self._ends: dict[TopicPartition, int] = {}
        self._coordinating: asyncio.Task[None] | None = None
        self._has_news = process.create_future()
        self._is_taken = asyncio.Event()
        self._records: dict[Any, Any] = {}  # aiokafka's: nothing is there before it is handed out

    @property
    def _fetcher(self) -> "Consumer":
        return self

    def _create_fetch_waiter(self) -> asyncio.Future[None]:
        if self._has_news.done():
            self._has_news = self._process.create_future()
        if self._buffers:
            self._has_news.set_result(None)
        return self._has_news

    async def start(self) -> None:
        """Begin to join."""
        self._coordinating = asyncio.create_task(self._coordinate())

    async def _coordinate(self) -> None:
        while True:
            await self._member.join()
            self._forget()
            self._assigned = {TopicPartition(*tp): asyncio.Event() for tp in self._member.assigned}
            self._tasks = [asyncio.create_task(self._follow(tp)) for tp in self._assigned]
            await self._member.must_rejoin.wait()
            for task in self._tasks:
                task.cancel()

    def _forget(self) -> None:
        for task in self._tasks:
            task.cancel()
        for known in (self._positions, self._assigned, self._buffers):
            known.clear()

    async def _follow(self, tp: TopicPartition) -> None:
        committed = await self._member.committed()
        self._positions[tp] = committed.get(TP(*tp), 0)
        self._assigned[tp].set()
        while True:
            try:
                records, following = await self._broker.fetch(
                    self._process, TP(*tp), self._positions[tp], _FETCH_RECORDS
                )
            except KafkaError:
                await asyncio.sleep(_BACKOFF_S)
                continue
            self._ends[tp] = self._broker.partitions[TP(*tp)].end
            self._buffers[tp] = records, following
            if not self._has_news.done():
                self._has_news.set_result(None)
            while tp in self._buffers:
                self._is_taken.clear()
                await self._is_taken.wait()

    async def getmany(self) -> dict[TopicPartition, Sequence[Kept]]:
        """Return what waits, of every partition."""
        found = {tp: records for tp, (records, _) in self._buffers.items() if records}
        self._positions.update({tp: following for tp, (_, following) in self._buffers.items()})
        self._buffers.clear()
        self._is_taken.set()
        return found

    def assignment(self) -> KeysView[TopicPartition]:
        """Return the partitions of this member, in a fixed order."""
        return self._assigned.keys()

    def highwater(self, tp: TopicPartition) -> int | None:
        """Return where a partition ended at the last fetch."""
        return self._ends.get(tp)

    async def position(self, tp: TopicPartition) -> int:
        """Return the offset that is read next, as soon as it is known."""
        await self._assigned[tp].wait()
        return self._positions[tp]

    async def commit(self, offsets: Mapping[TopicPartition, int]) -> None:
        """Commit; raises IllegalStateError and CommitFailedError where the partitions are not ours any more."""
        if not offsets.keys() <= self._assigned.keys():
            raise IllegalStateError("not assigned")
        await self._member.commit({TP(*tp): offset for tp, offset in offsets.items()})

    async def stop(self) -> None:
        """Leave."""
        if self._coordinating is not None:
            self._coordinating.cancel()
        self._forget()
        await self._member.leave()


class SimulatedReader(LogReader):
    """The real reader of the sink over a simulated consumer."""

    def __init__(self, process: Process, broker: Broker, group: Group) -> None:
        super().__init__({})
        self._parts = process, broker, group

    async def start(self, topics: Iterable[str]) -> None:
        """Join the group; topics are those of the group."""
        assert list(topics)
        self._consumer = Consumer(*self._parts)
        await self._consumer.start()
