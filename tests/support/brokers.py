"""Brokers for tests: the embedded one, and a real Apache Kafka named in GRIDWATCH_TEST_KAFKA; the same questions to both."""

from __future__ import annotations

import asyncio
import os
import time
import uuid
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass
from typing import Any

import pytest
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, TopicPartition
from faust.types import TP
from kafka import KafkaAdminClient
from kafka.admin import NewTopic
from kafka.errors import KafkaError

from streams.batching.ends import LogEnds
from streams.embedded.broker import EmbeddedBroker

KAFKA_VARIABLE = "GRIDWATCH_TEST_KAFKA"
REQUIRE_VARIABLE = "GRIDWATCH_REQUIRE_KAFKA"
LEFT_OUT = f"left out: no Apache Kafka. `make kafka` starts one; name it in {KAFKA_VARIABLE}=host:port"


@dataclass(frozen=True)
class BrokerUnderTest:
    """One broker, and short ways to ask it what a test wants to know."""

    name: str
    bootstrap: str

    @property
    def is_kafka(self) -> bool:
        """Tell whether this is Apache Kafka itself."""
        return self.name == "kafka"

    def create_topic(self, topic: str, partitions: int = 1, **configs: str) -> None:
        """Create a topic and wait until the broker gives it leaders; `retention_ms` stands for `retention.ms`."""
        named = {key.replace("_", "."): value for key, value in configs.items()}
        with closing(self.admin()) as admin:
            admin.create_topics([NewTopic(topic, partitions, 1, topic_configs=named)])
            admin.wait_for_topics([topic])

    def admin(self) -> KafkaAdminClient:
        """Return an admin client; close it after use."""
        return KafkaAdminClient(bootstrap_servers=self.bootstrap)

    def produce(self, topic: str, values: Mapping[int, Sequence[bytes]]) -> None:
        """Append `values` by partition, and wait until all are acknowledged."""
        asyncio.run(produce(self.bootstrap, topic, values))

    def produce_keyed(self, topic: str, records: Sequence[tuple[bytes | None, bytes | None]]) -> None:
        """Append (key, value) pairs to partition 0, and wait until all are acknowledged."""
        asyncio.run(produce_keyed(self.bootstrap, topic, records))

    def count_records(self, topic: str) -> int:
        """Return how many records partition 0 holds, compacted away ones not counted."""
        return asyncio.run(count_records(self.bootstrap, topic))

    def committed(self, group: str, topic: str) -> dict[int, int]:
        """Return the committed offset by partition; partitions without one are missing."""
        with closing(self.admin()) as admin:
            offsets = _group_offsets(admin, group).get(group, {})
        return {tp.partition: found.offset for tp, found in offsets.items() if tp.topic == topic and found.offset >= 0}

    def members(self, group: str) -> int:
        """Return how many members a group has."""
        with closing(self.admin()) as admin:
            return len(admin.describe_groups([group])[group]["members"])

    def end_offsets(self, topic: str, partitions: int) -> dict[int, int]:
        """Return the offset after the last record by partition."""
        found = asyncio.run(end_offsets_of(self.bootstrap, [TP(topic, number) for number in range(partitions)]))
        return {tp.partition: offset for tp, offset in found.items()}


async def end_offsets_of(bootstrap: str, partitions: Sequence[TP]) -> dict[TP, int]:
    """Return the offset after the last record of each partition."""
    async with LogEnds(bootstrap) as ends:
        return await ends.read(partitions)


async def produce(bootstrap: str, topic: str, values: Mapping[int, Sequence[bytes]]) -> None:
    """Append `values` by partition with large batches."""
    async with AIOKafkaProducer(bootstrap_servers=bootstrap, acks="all", linger_ms=5) as producer:
        sent = [
            await producer.send(topic, value, partition=partition)
            for partition, part in values.items()
            for value in part
        ]
        await asyncio.gather(*sent)


async def produce_keyed(bootstrap: str, topic: str, records: Sequence[tuple[bytes | None, bytes | None]]) -> None:
    """Append (key, value) pairs to partition 0."""
    async with AIOKafkaProducer(bootstrap_servers=bootstrap, acks="all") as producer:
        sent = [await producer.send(topic, value, key=key, partition=0) for key, value in records]
        await asyncio.gather(*sent)


async def count_records(bootstrap: str, topic: str) -> int:
    """Read partition 0 from its beginning to its end and count."""
    end = (await end_offsets_of(bootstrap, [TP(topic, 0)]))[TP(topic, 0)]
    count = 0
    async with AIOKafkaConsumer(bootstrap_servers=bootstrap) as consumer:
        partition = TopicPartition(topic, 0)
        consumer.assign([partition])
        await consumer.seek_to_beginning(partition)
        while await consumer.position(partition) < end:
            count += sum(map(len, (await consumer.getmany(timeout_ms=1000)).values()))
    return count


@pytest.fixture(scope="session")
def embedded_broker(tmp_path_factory: pytest.TempPathFactory) -> Iterator[BrokerUnderTest]:
    """Run one embedded broker for the whole session."""
    with EmbeddedBroker(tmp_path_factory.mktemp("broker")) as broker:
        yield BrokerUnderTest("embedded", broker.bootstrap)


@pytest.fixture(scope="session")
def kafka_broker() -> BrokerUnderTest:
    """Use the Apache Kafka named in the environment; without one the test is left out, or fails where it is demanded."""
    bootstrap = os.environ.get(KAFKA_VARIABLE, "")
    if bootstrap:
        return BrokerUnderTest("kafka", bootstrap)
    if os.environ.get(REQUIRE_VARIABLE) == "1":
        pytest.fail(f"{REQUIRE_VARIABLE}=1, but {KAFKA_VARIABLE} names no broker")
    pytest.skip(LEFT_OUT)


@pytest.fixture(params=["embedded", "kafka"])
def broker(request: pytest.FixtureRequest) -> BrokerUnderTest:
    """Give the embedded broker, then Apache Kafka: the same test on both."""
    found: BrokerUnderTest = request.getfixturevalue(f"{request.param}_broker")
    return found


@pytest.fixture
def fresh_name() -> Callable[[str], str]:
    """Return a function that makes topic and group names nobody has used."""
    return lambda stem: f"{stem}-{uuid.uuid4().hex[:8]}"


def _group_offsets(admin: KafkaAdminClient, group: str) -> dict[str, Any]:
    """Ask again while a broker that has only just come up has no coordinator."""
    give_up_at = time.monotonic() + 30
    while True:
        try:
            found: dict[str, Any] = admin.list_group_offsets(group)
        except KafkaError as error:
            if not error.retriable or time.monotonic() > give_up_at:
                raise
        else:
            return found
