"""The state topic itself: read once when partitions are assigned, written by the worker that owns them."""

import asyncio
import time
import uuid
from collections.abc import Iterable
from itertools import islice

from aiokafka import AIOKafkaConsumer, TopicPartition
from faust.types import TP

from streams.batching.ends import LogEnds
from streams.broker.outputs import Output
from streams.broker.publisher import Publisher
from streams.broker.state_log import LoadedState, Snapshot, SnapshotChain, StateRecord
from streams.broker.state_reader import StateReader
from streams.logs import get_logger
from streams.settings import Settings

log = get_logger(__name__)

_CHUNKS_AT_ONCE = 4
_PROGRESS_S = 3.0
_FETCH = {"fetch_max_bytes": 16 << 20, "max_partition_fetch_bytes": 2 << 20, "fetch_max_wait_ms": 100}


class StateStore:
    """Keeps the state of a worker's scopes in one compacted topic; a scope lives in one partition of it."""

    def __init__(self, settings: Settings, publisher: Publisher, topic: str) -> None:
        """Use the catalogue topic `topic`; the publisher must be started before anything is written."""
        self._settings = settings
        self._publisher = publisher
        self._topic = topic
        # Of this process so far; read by whoever shows them.
        self.records_read = 0
        self.records_written = 0
        self.bytes_written = 0

    async def load(self, scopes: Iterable[tuple[str, int]]) -> dict[str, tuple[SnapshotChain, LoadedState | None]]:
        """Return of every scope a chain to go on with, and the newest whole state where there is one.

        Scopes come with their partition. All partitions are read at once; the log shows how far that is.
        """
        wanted = sorted(set(scopes))
        reader = StateReader()
        await self._read_partitions(sorted({partition for _, partition in wanted}), reader)
        found: dict[str, tuple[SnapshotChain, LoadedState | None]] = {}
        for scope, _ in wanted:
            records = reader.records(scope)
            loaded = reader.newest(scope)
            chain = SnapshotChain(scope, self._new_writer(), loaded)
            chain.note(records)
            found[scope] = (chain, loaded)
            await asyncio.sleep(0)  # a state is large: others get their turn
        return found

    def _new_writer(self) -> str:
        """Return a name that nobody has who ever wrote or will write here."""
        return uuid.uuid4().hex

    async def _read_partitions(self, partitions: list[int], reader: StateReader) -> None:
        topic = self._settings.topic(self._topic)
        options = self._settings.kafka.async_client_options()
        async with LogEnds(self._settings.kafka.brokers, **options) as ends_of:
            ends = await ends_of.read(TP(topic, partition) for partition in partitions)
        ends = {tp: end for tp, end in ends.items() if end > 0}
        if not ends:
            return
        consumer = AIOKafkaConsumer(**options, **_FETCH, enable_auto_commit=False)
        await consumer.start()
        await asyncio.sleep(0)  # a consumer stopped before its tasks have begun raises CancelledError (aiokafka 0.14)
        try:
            await self._read_to(consumer, {TopicPartition(*tp): end for tp, end in ends.items()}, reader)
        finally:
            await consumer.stop()

    async def _read_to(self, consumer: AIOKafkaConsumer, ends: dict[TopicPartition, int], reader: StateReader) -> None:
        consumer.assign(list(ends))
        await consumer.seek_to_beginning(*ends)
        began_at = shown_at = time.monotonic()
        size_bytes = 0
        behind = set(ends)
        while behind:
            for part in (await consumer.getmany(*behind, timeout_ms=200)).values():
                for record in part:
                    reader.add(record.key, record.value)
                    size_bytes += len(record.value or b"")
                self.records_read += len(part)
            behind = {tp for tp in behind if await consumer.position(tp) < ends[tp]}
            if time.monotonic() - shown_at >= _PROGRESS_S:
                shown_at = time.monotonic()
                shares = [min(1.0, await consumer.position(tp) / end) for tp, end in ends.items()]
                percent = int(100 * sum(shares) / len(shares))
                log.info("loading state", percent=percent, megabytes=size_bytes >> 20, partitions=len(ends))
        log.debug("state read", megabytes=size_bytes >> 20, seconds=round(time.monotonic() - began_at, 2))

    async def write(self, chain: SnapshotChain, snapshot: Snapshot, partition: int) -> None:
        """Write a snapshot, wait until it is acknowledged, and delete what it makes superfluous; raises KafkaError."""
        records = chain.records(snapshot)
        waiting = list(islice(records, _CHUNKS_AT_ONCE))
        while following := list(islice(records, _CHUNKS_AT_ONCE)):
            await self._publish(waiting, partition)
            waiting = following
        await self._publish(waiting[:-1], partition)
        await self._publish(waiting[-1:], partition)  # the seal, when all it seals is acknowledged
        await self._publisher.delete(self._topic, chain.superfluous(snapshot), partition)

    async def _publish(self, records: list[StateRecord], partition: int) -> None:
        await self._publisher.publish([Output(self._topic, key, value, partition) for key, value in records])
        self.records_written += len(records)
        self.bytes_written += sum(len(record.value) for record in records)
