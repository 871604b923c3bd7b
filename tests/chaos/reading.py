"""What stands in the topics of a run, read from outside by a plain consumer."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from aiokafka import AIOKafkaConsumer, TopicPartition

from events.records import RAW_TOPICS
from streams.settings import Settings
from tests.chaos.progress import SUNK_TOPICS, GroupProgress
from tests.chaos.scene import Scene

_FETCH_BYTES = 8 << 20


class Stored(NamedTuple):
    """One record of a topic; satisfies streams.partition.LogRecord."""

    partition: int
    offset: int
    timestamp: int
    key: bytes | None
    value: bytes | None


@dataclass(slots=True)
class Log:
    """Topics by their names in the catalogue: all records, partition after partition, in offset order."""

    topics: dict[str, list[Stored]] = field(default_factory=dict)

    def values(self, topic: str) -> Iterable[bytes]:
        """Return the values of a topic."""
        return (record.value or b"" for record in self.topics[topic])

    def partitions(self, topic: str) -> dict[int, list[Stored]]:
        """Return the records of a topic by partition."""
        found: dict[int, list[Stored]] = {}
        for record in self.topics[topic]:
            found.setdefault(record.partition, []).append(record)
        return found


async def read_log(scene: Scene) -> Log:
    """Read every topic that the judge looks at, each up to where it ends now."""
    log = Log()
    for topic in (*RAW_TOPICS, *SUNK_TOPICS):
        log.topics[topic] = await read_topic(scene.progress, scene.settings, topic)
    return log


async def read_topic(progress: GroupProgress, settings: Settings, topic: str) -> list[Stored]:
    """Read a topic of the catalogue up to where it ends now, partition after partition, in offset order."""
    found: list[Stored] = []
    ends = {tp: end for tp, end in (await progress.ends(topic)).items() if end > 0}
    if not ends:
        return found
    options: dict[str, Any] = {
        "bootstrap_servers": settings.kafka.brokers,
        "max_partition_fetch_bytes": _FETCH_BYTES,
        "enable_auto_commit": False,
    }
    async with AIOKafkaConsumer(**options) as consumer:
        for (name, number), end in sorted(ends.items()):
            partition = TopicPartition(name, number)
            consumer.assign([partition])
            await consumer.seek_to_beginning(partition)
            while await consumer.position(partition) < end:
                fetched = await consumer.getmany(partition, timeout_ms=200)
                found += (
                    Stored(number, record.offset, record.timestamp, record.key, record.value)
                    for record in fetched.get(partition, [])
                    if record.offset < end
                )
    return found
