"""What stands in for the Kafka clients, under the code that uses them: everything above them is the real thing."""

import asyncio
from collections import deque
from collections.abc import Iterable, Mapping
from typing import Any, NamedTuple, Self

from aiokafka.errors import (
    CommitFailedError,
    IllegalGenerationError,
    KafkaError,
    KafkaTimeoutError,
    RequestTimedOutError,
    UnknownMemberIdError,
)
from faust.types import TP

from streams.broker.offsets import OffsetReader
from streams.broker.publisher import Publisher
from streams.broker.state_reader import StateReader
from streams.broker.state_store import StateStore
from streams.settings import Settings
from streams.stateful import StatefulPartitions
from tests.simulation.broker import Broker, KeyValue, Numbered
from tests.simulation.groups import NO_GENERATION, Group, Joined, Notice
from tests.simulation.loop import Process, World

_BACKOFF_S = 0.1
_EXPIRES_S = 40.0  # waiting for a place in the queue; a batch of a producer that is not idempotent
_READ_AT_ONCE = 50


class Member:
    """A member of a group, as its client sees it."""

    def __init__(self, process: Process, group: Group) -> None:
        self._process = process
        self._group = group
        self.id = ""
        self.generation = NO_GENERATION
        self.must_rejoin = asyncio.Event()
        self.assigned: tuple[TP, ...] = ()

    async def join(self) -> Joined:
        """Join, however often that takes."""
        while True:
            try:
                joined: Joined = await self._group.join(self._process, self.id, self._on_notice)
            except KafkaError:
                await asyncio.sleep(_BACKOFF_S)
                continue
            self.must_rejoin.clear()
            self.id, self.generation, self.assigned = joined
            return joined

    def _on_notice(self, notice: Notice) -> None:
        if (notice.member_id, notice.generation) != (self.id, self.generation):
            return
        if notice.is_out:
            self._forget()
        self.must_rejoin.set()

    def _forget(self) -> None:
        self.id, self.generation = "", NO_GENERATION

    async def commit(self, offsets: Mapping[TP, int]) -> None:
        """Commit under the generation of now, trying again what may pass; raises CommitFailedError where it is not ours."""
        while True:
            try:
                await self._group.commit(self._process, self.id, self.generation, dict(offsets))
            except (UnknownMemberIdError, IllegalGenerationError):
                self._forget()
                self.must_rejoin.set()
                raise CommitFailedError("the group has already rebalanced") from None
            except KafkaError:
                await asyncio.sleep(_BACKOFF_S)
            else:
                return

    async def committed(self) -> dict[TP, int]:
        """Return what the group has committed."""
        while True:
            try:
                found: dict[TP, int] = await self._group.committed(self._process)
            except KafkaError:
                await asyncio.sleep(_BACKOFF_S)
            else:
                return found

    async def leave(self) -> None:
        """Leave the group, if that can be said to it."""
        try:
            await self._group.leave(self._process, self.id)
        except KafkaError:
            return


class Batch:
    """Records on their way to one partition; takes a few of them only, so that results travel in several."""

    def __init__(self, records_max: int) -> None:
        self._records_max = records_max
        self._is_closed = False
        self.values: list[KeyValue] = []

    def append(self, *, timestamp: int | None, key: bytes | None, value: bytes | None) -> object | None:
        """Take a record; None where there is no more room."""
        assert timestamp is None
        if self._is_closed or len(self.values) >= self._records_max:
            return None
        self.values.append((key, value))
        return self

    def close(self) -> None:
        """Take no more."""
        self._is_closed = True

    def size(self) -> int:
        """Return the bytes of the values."""
        return sum(len(value or b"") for _, value in self.values)

    def record_count(self) -> int:
        """Return how many records there are."""
        return len(self.values)


class Acknowledged(NamedTuple):
    """What brokers say of a batch that stands: when they appended it, in milliseconds, and that this is their own time."""

    timestamp: int
    timestamp_type: int = 1


class _Queued:
    def __init__(self, batch: Batch, process: Process) -> None:
        self.batch = batch
        self.sequence: int | None = None
        self.made_at = process.time()
        self.is_sent: asyncio.Future[None] = process.create_future()
        self.is_done: asyncio.Future[Acknowledged] = process.create_future()


class Producer:
    """A producer as aiokafka's: one request to a node at a time, one batch of each partition in it, again until it stands.

    One that is not idempotent gives a batch up after 40 s, and may have written it twice.
    """

    def __init__(self, process: Process, broker: Broker, *, records_max: int, is_idempotent: bool) -> None:
        self._process = process
        self._broker = broker
        self._records_max = records_max
        self._is_idempotent = is_idempotent
        self._name = broker.new_producer(process.name)
        self._queues: dict[TP, deque[_Queued]] = {}
        self._sequences: dict[TP, int] = {}
        self._busy: set[int] = set()
        self._sending: set[asyncio.Task[None]] = set()

    async def partitions_for(self, topic: str) -> set[int]:
        """Return the partitions of a topic."""
        return set(range(self._broker.counts[topic]))

    def create_batch(self) -> Batch:
        """Make an empty batch."""
        return Batch(self._records_max)

    async def send_batch(self, batch: Batch, topic: str, *, partition: int) -> asyncio.Future[Acknowledged]:
        """Queue a batch, when the one before it has gone on its way; raises KafkaTimeoutError where it does not."""
        tp = TP(topic, partition)
        queue = self._queues.setdefault(tp, deque())
        until = self._process.time() + _EXPIRES_S
        while queue:
            if self._process.time() >= until:
                raise KafkaTimeoutError
            await asyncio.wait([queue[-1].is_sent], timeout=until - self._process.time())
        queued = _Queued(batch, self._process)
        queue.append(queued)
        self._send_what_can_be()
        return asyncio.shield(queued.is_done)

    def _send_what_can_be(self) -> None:
        by_node: dict[int, dict[TP, _Queued]] = {}
        for tp, queue in self._queues.items():
            if queue and (node := self._broker.leader(tp)) not in self._busy:
                by_node.setdefault(node, {})[tp] = queue.popleft()
        for node, batches in by_node.items():
            self._busy.add(node)
            for tp, queued in batches.items():
                if not queued.is_sent.done():
                    queued.is_sent.set_result(None)
                if queued.sequence is None and self._is_idempotent:
                    queued.sequence = self._sequences.get(tp, 0)
                    self._sequences[tp] = queued.sequence + 1
            task = asyncio.create_task(self._request(node, batches))
            self._sending.add(task)
            task.add_done_callback(self._sending.discard)

    async def _request(self, node: int, batches: dict[TP, _Queued]) -> None:
        wanted = {tp: (Numbered(self._name, queued.sequence), queued.batch.values) for tp, queued in batches.items()}
        try:
            results = await self._broker.produce(self._process, wanted)
        except RequestTimedOutError as error:
            results = dict.fromkeys(batches, error)
        again = {tp: queued for tp, queued in batches.items() if not self._is_settled(queued, results[tp])}
        if again:
            await asyncio.sleep(_BACKOFF_S)
        for tp, queued in again.items():
            queued.is_sent = self._process.create_future()
            self._queues[tp].appendleft(queued)
        self._busy.discard(node)
        self._send_what_can_be()

    def _is_settled(self, queued: _Queued, error: Exception | None) -> bool:
        if error is None:
            queued.is_done.set_result(Acknowledged(self._broker.now_ms()))
            return True
        is_expired = not self._is_idempotent and self._process.time() - queued.made_at > _EXPIRES_S
        if isinstance(error, KafkaError) and error.retriable and not is_expired:
            return False
        queued.is_done.set_exception(KafkaTimeoutError() if is_expired else error)
        return True

    async def stop(self) -> None:
        """Write what is left."""
        while self._sending or any(self._queues.values()):
            await asyncio.sleep(_BACKOFF_S)


class SimulatedPublisher(Publisher):
    """The real publisher over a simulated producer."""

    def __init__(self, settings: Settings, process: Process, broker: Broker, records_max: int) -> None:
        super().__init__(settings)
        self._parts = process, broker, records_max

    async def start(self) -> None:
        """Make a producer, which is a new one to the brokers."""
        process, broker, records_max = self._parts
        self._producer = Producer(
            process, broker, records_max=records_max, is_idempotent=self._settings.kafka.idempotence
        )


class SimulatedOffsets(OffsetReader):
    """Ends, starts and commits, asked over the network."""

    def __init__(self, process: Process, broker: Broker, groups: Mapping[str, Group]) -> None:
        self._process = process
        self._broker = broker
        self._groups = groups

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        return None

    async def partitions(self, topics: Iterable[str]) -> list[TP]:
        """Return every partition of topics."""
        names = list(topics)
        found: list[TP] = await self._broker.network.call(
            self._process, "describe", lambda: self._broker.of_topics(names)
        )
        return found

    async def ends(self, partitions: Iterable[TP]) -> dict[TP, int]:
        """Return where partitions end; raises KafkaError for one that cannot be reached."""
        asked = list(partitions)
        found: dict[TP, int] = await self._broker.network.call(
            self._process, "ends", lambda: {tp: self._broker.end(tp) for tp in asked}
        )
        return found

    async def starts(self, partitions: Iterable[TP]) -> dict[TP, int]:
        """Return where partitions begin: nothing is ever deleted here."""
        return dict.fromkeys(partitions, 0)

    async def committed(self, role: str) -> dict[TP, int]:
        """Return what the group of a role has committed."""
        found: dict[TP, int] = await self._groups[role].committed(self._process)
        return found


class SimulatedStore(StateStore):
    """The real store of state, reading from the simulated log."""

    def __init__(self, settings: Settings, publisher: Publisher, topic: str, process: Process, broker: Broker) -> None:
        super().__init__(settings, publisher, topic)
        self._process = process
        self._broker = broker
        self._writers = 0

    def _new_writer(self) -> str:
        self._writers += 1
        letters = self._process.world.random.choice("abcdef")  # which of two writers sorts first is chance
        name = "".join(filter(str.isalnum, self._process.name))
        return f"{letters}{name}x{self._writers}"

    async def _read_partitions(self, partitions: list[int], reader: StateReader) -> None:
        for partition in partitions:
            tp = TP(self._topic, partition)
            end = await self._patiently("ends", lambda tp=tp: self._broker.end(tp))
            position = 0
            while position < end:
                records, position = await self._patiently(
                    "state", lambda tp=tp, position=position: self._broker.partitions[tp].read(position, _READ_AT_ONCE)
                )
                for record in records:
                    reader.add(record.key, record.value)

    async def _patiently(self, request: str, work: Any) -> Any:
        while True:
            try:
                return await self._broker.network.call(self._process, request, work)
            except KafkaError:
                await asyncio.sleep(1.0)


class SimulatedPartitions(StatefulPartitions):
    """The real shell; every log begins at its beginning."""

    world: World

    async def _log_starts(self, partitions: Iterable[TP]) -> Mapping[TP, int]:
        return dict.fromkeys(partitions, 0)

    async def on_assigned(self, positions: Mapping[TP, int]) -> Mapping[TP, int]:
        """Take partitions over, and note in which situation."""
        starts = await super().on_assigned(positions)
        for tp, committed in positions.items():
            held = self._owned[tp].next_offset
            where = "at" if held == committed else "ahead of" if held > committed else "behind"
            self.world.met(f"a state {where} the commit" if held else "no state")
        return starts
