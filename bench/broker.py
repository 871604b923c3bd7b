"""The broker of the benchmarks, topics of their own on it, and records written into them quickly."""

import asyncio
import os
import subprocess
import time
import uuid
import zlib
from collections.abc import Iterable, Iterator
from contextlib import closing, contextmanager
from functools import cache
from typing import Any

from aiokafka import AIOKafkaProducer
from kafka import KafkaAdminClient
from kafka.admin import NewTopic

from bench.places import ROOT, other_cores, pin, tell
from bench.town import Line, Town
from events.topics import CATALOGUE, topic_configs
from streams.settings import KafkaSettings, Settings

VARIABLE = "GRIDWATCH_BENCH_KAFKA"
_PORT = 19_392
_SETTLE_S = 1.0
_SCRIPT = ROOT / "deploy" / "kafka" / "kafka.sh"


@cache
def brokers() -> str:
    """Return host and port of the broker; one is started, and kept off the measured core, where none is named."""
    named = os.environ.get(VARIABLE)
    if named:
        return named
    tell("starting Apache Kafka")
    subprocess.run([_SCRIPT, "start", "--port", str(_PORT)], check=True, capture_output=True)
    pin(int((ROOT / ".kafka" / f"node-{_PORT}" / "kafka.pid").read_text(encoding="ascii")), other_cores())
    return f"127.0.0.1:{_PORT}"


def stop_broker() -> None:
    """Stop the broker that `brokers` started, if it did, and take its data away."""
    if brokers.cache_info().currsize and not os.environ.get(VARIABLE):
        subprocess.run([_SCRIPT, "clean", "--port", str(_PORT)], check=True, capture_output=True)


def settings(**more: str) -> dict[str, str]:
    """Return the variables that lead gridwatch to the broker; `more` are further settings, sections joined by `__`."""
    return {"GRIDWATCH_KAFKA__BROKERS": brokers()} | {
        f"GRIDWATCH_{name.upper()}": value for name, value in more.items()
    }


def settings_under(prefix: str) -> Settings:
    """Return the settings of gridwatch for topics and groups under a prefix, whatever the environment says."""
    return Settings(topic_prefix=prefix, group_prefix=prefix, kafka=KafkaSettings(brokers=brokers()))


@contextmanager
def topics(partitions: int = 8) -> Iterator[str]:
    """Make all topics of the catalogue under a prefix of their own, yield it, and take everything under it away again."""
    prefix = f"bench-{uuid.uuid4().hex[:8]}-"
    with closing(KafkaAdminClient(bootstrap_servers=brokers())) as admin:
        make_topics(admin, [(prefix + spec.name, partitions, topic_configs(spec)) for spec in CATALOGUE])
        try:
            yield prefix
        finally:
            admin.delete_topics([name for name in admin.list_topics() if prefix in name])


def make_topics(admin: KafkaAdminClient, wanted: Iterable[tuple[str, int, dict[str, str]]]) -> None:
    """Make topics of one copy and wait until they have leaders."""
    listed = [NewTopic(name, partitions, 1, topic_configs=configs) for name, partitions, configs in wanted]
    admin.create_topics(listed)
    admin.wait_for_topics([topic.name for topic in listed])
    # The controller's word is ahead of the broker's: clients would be told to come again.
    time.sleep(_SETTLE_S)


def load_timeline(town: Town, prefix: str, partitions: int = 8) -> int:
    """Write the timeline of a town and return how many records all partitions hold together."""
    return asyncio.run(write((("timeline", line) for line in town.timeline()), prefix, partitions))


def load_raw(town: Town, prefix: str, partitions: int = 8) -> int:
    """Write what the devices of a town send and return how many records that are."""
    return asyncio.run(write(town.raw(), prefix, partitions))


async def write(lines: Iterable[tuple[str, Line]], prefix: str, partitions: int) -> int:
    """Write records to the partitions of their keys in large batches and return how many were written."""
    producer = AIOKafkaProducer(bootstrap_servers=brokers(), acks="all", max_batch_size=900_000, linger_ms=0)
    await producer.start()
    try:
        writer = _Writer(producer)
        for topic, line in lines:
            places = range(partitions) if line.key is None else (zlib.crc32(line.key) % partitions,)
            for partition in places:
                await writer.add(prefix + topic, partition, line)
        return await writer.finish()
    finally:
        await producer.stop()


class _Writer:
    def __init__(self, producer: Any) -> None:
        self._producer = producer
        self._batches: dict[tuple[str, int], Any] = {}
        self._sent: list[asyncio.Future[Any]] = []
        self._written = 0

    async def add(self, topic: str, partition: int, line: Line) -> None:
        self._written += 1
        batch = self._batches.get((topic, partition))
        if batch is None or batch.append(key=line.key, value=line.value, timestamp=None) is None:
            await self._send(topic, partition)
            batch = self._batches[topic, partition] = self._producer.create_batch()
            batch.append(key=line.key, value=line.value, timestamp=None)

    async def _send(self, topic: str, partition: int) -> None:
        batch = self._batches.pop((topic, partition), None)
        if batch is not None:
            batch.close()
            self._sent.append(await self._producer.send_batch(batch, topic, partition=partition))

    async def finish(self) -> int:
        for topic, partition in list(self._batches):
            await self._send(topic, partition)
        await asyncio.gather(*self._sent)
        return self._written
