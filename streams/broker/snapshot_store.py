"""The snapshot topic itself: read once when partitions are assigned, written by the worker that owns them."""

import asyncio
from collections.abc import Iterable

from aiokafka import AIOKafkaConsumer, TopicPartition
from faust.types import TP

from streams.batching.ends import LogEnds
from streams.broker.outputs import Output
from streams.broker.publisher import Publisher
from streams.broker.snapshots import Snapshot, SnapshotReader, seal_snapshot
from streams.settings import Settings


class SnapshotStore:
    """Keeps the snapshots of a worker's scopes in one compacted topic; a scope lives in one partition of it."""

    def __init__(self, settings: Settings, publisher: Publisher, topic: str) -> None:
        """Use the catalogue topic `topic`; the publisher must be started before anything is saved."""
        self._settings = settings
        self._publisher = publisher
        self._topic = topic
        self._written: dict[str, dict[int, list[bytes]]] = {}

    async def load(self, scopes: Iterable[tuple[str, int]]) -> dict[str, Snapshot]:
        """Return the newest whole snapshot of every scope that has one; scopes come with their partition."""
        wanted = sorted(set(scopes))
        reader = SnapshotReader()
        await self._read_partitions(sorted({partition for _, partition in wanted}), reader)
        found: dict[str, Snapshot] = {}
        for scope, _ in wanted:
            snapshot = reader.newest(scope)
            if snapshot is not None:
                found[scope] = snapshot
                self._written[scope] = reader.keys_before(scope, snapshot.next_offset + 1)
        return found

    async def _read_partitions(self, partitions: list[int], reader: SnapshotReader) -> None:
        topic = self._settings.topic(self._topic)
        async with LogEnds(self._settings.kafka.brokers, **self._settings.kafka.async_client_options()) as log:
            ends = await log.read(TP(topic, partition) for partition in partitions)
        ends = {tp: end for tp, end in ends.items() if end > 0}
        if not ends:
            return
        consumer = AIOKafkaConsumer(**self._settings.kafka.async_client_options(), enable_auto_commit=False)
        await consumer.start()
        await asyncio.sleep(0)  # a consumer stopped before its tasks have begun raises CancelledError (aiokafka 0.14)
        try:
            for tp, end in ends.items():
                await _read_to(consumer, TopicPartition(*tp), end, reader)
        finally:
            await consumer.stop()

    async def save(self, scope: str, partition: int, snapshot: Snapshot) -> None:
        """Write a snapshot, wait until it is acknowledged, and delete those before the last one."""
        records = list(seal_snapshot(scope, snapshot))
        await self._publisher.publish(Output(self._topic, record.key, record.value, partition) for record in records)
        written = self._written.setdefault(scope, {})
        written[snapshot.next_offset] = [record.key for record in records]
        for old in sorted(written)[:-2]:
            await self._publisher.delete(self._topic, written.pop(old), partition)


async def _read_to(consumer: AIOKafkaConsumer, tp: TopicPartition, end: int, reader: SnapshotReader) -> None:
    consumer.assign([tp])
    await consumer.seek_to_beginning(tp)
    while await consumer.position(tp) < end:
        for record in (await consumer.getmany(tp, timeout_ms=200)).get(tp, ()):
            reader.add(record.key, record.value)
