"""Writing outputs in batches: which partition, in which order, how large, and what an acknowledgement is worth."""

from __future__ import annotations

import asyncio
from collections import defaultdict
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass
from typing import Any

import pytest
from aiokafka import AIOKafkaConsumer, TopicPartition
from aiokafka.errors import KafkaError, MessageSizeTooLargeError

from streams.broker.outputs import Output, partition_of
from streams.broker.publisher import BATCH_BYTES, LARGEST_REQUEST_BYTES, Publisher
from streams.settings import KafkaSettings, Settings
from tests.support.brokers import BrokerUnderTest, end_offsets_of

PARTITIONS = 3


@dataclass
class Place:
    """A topic `alerts` of its own, and a publisher."""

    broker: BrokerUnderTest
    topic: str
    publisher: Publisher

    async def read(self) -> dict[int, list[tuple[bytes | None, bytes | None]]]:
        """Return keys and values by partition."""
        tps = [TopicPartition(self.topic, number) for number in range(PARTITIONS)]
        ends: Any = await end_offsets_of(self.broker.bootstrap, tps)  # type: ignore[arg-type]  # the same tuples
        found: dict[int, list[tuple[bytes | None, bytes | None]]] = defaultdict(list)
        async with AIOKafkaConsumer(bootstrap_servers=self.broker.bootstrap, auto_offset_reset="earliest") as consumer:
            consumer.assign(tps)
            while any([await consumer.position(tp) < ends[tp] for tp in tps]):
                for tp, records in (await consumer.getmany(timeout_ms=200)).items():
                    found[tp.partition] += [(record.key, record.value) for record in records]
        return found


@pytest.fixture
async def place(broker: BrokerUnderTest, fresh_name: Callable[[str], str]) -> AsyncIterator[Place]:
    """Give a topic of three partitions that takes records of 4 MiB."""
    prefix = fresh_name("publisher") + "."
    await asyncio.to_thread(broker.create_topic, f"{prefix}alerts", PARTITIONS, max_message_bytes=str(5 << 20))
    kafka = KafkaSettings(brokers=broker.bootstrap, idempotence=broker.is_kafka)
    async with Publisher(Settings(kafka=kafka, topic_prefix=prefix)) as publisher:
        yield Place(broker, f"{prefix}alerts", publisher)


async def test_a_key_has_its_partition_and_order_is_kept(place: Place) -> None:
    """Several calls at once, many batches: within a partition what was asked first stands first."""
    outputs = [Output("alerts", b"key-%d" % (number % 50), b"%06d" % number + b"x" * 300) for number in range(6000)]

    parts = await asyncio.gather(*(place.publisher.publish(outputs[at : at + 1000]) for at in range(0, 6000, 1000)))

    assert parts == [1000] * 6
    expected = defaultdict(list)
    for _, key, value, *_ in outputs:
        assert key is not None
        expected[partition_of(key, PARTITIONS)].append((key, value))
    assert await place.read() == expected


async def test_partitions_asked_for_and_all_of_them(place: Place) -> None:
    """An output may name its partition, or go to every one; each copy counts."""
    count = await place.publisher.publish(
        [
            Output("alerts", b"a", b"1", 2),
            Output("alerts", None, b"2", to_all_partitions=True),
            Output("alerts", b"a", b"3", 2),
        ]
    )

    assert count == 5
    assert await place.read() == {0: [(None, b"2")], 1: [(None, b"2")], 2: [(b"a", b"1"), (None, b"2"), (b"a", b"3")]}


async def test_a_record_larger_than_a_batch(place: Place) -> None:
    """Goes alone, in its place; one that no request can carry is refused."""
    large = b"x" * (3 * BATCH_BYTES)
    await place.publisher.publish([Output("alerts", b"k", value, 0) for value in (b"before", large, b"after")])

    assert [value for _, value in (await place.read())[0]] == [b"before", large, b"after"]
    with pytest.raises(MessageSizeTooLargeError):
        await place.publisher.publish([Output("alerts", b"k", b"x" * (LARGEST_REQUEST_BYTES + 1), 0)])


async def test_tombstones(place: Place) -> None:
    """Are records without a value."""
    await place.publisher.publish([Output("alerts", b"k", b"v", 1)])
    await place.publisher.delete("alerts", [b"k", b"other"], 1)
    await place.publisher.delete("alerts", [], 1)

    assert (await place.read())[1] == [(b"k", b"v"), (b"k", None), (b"other", None)]


async def test_nothing_to_publish(place: Place) -> None:
    """Is no record at all."""
    assert await place.publisher.publish([]) == 0


@pytest.mark.kafka
async def test_what_the_brokers_refuse_is_raised(
    kafka_broker: BrokerUnderTest, fresh_name: Callable[[str], str]
) -> None:
    """A record larger than its topic takes is an error of the caller that wrote it."""
    prefix = fresh_name("refused") + "."
    await asyncio.to_thread(kafka_broker.create_topic, f"{prefix}alerts", 1, max_message_bytes="1000")
    async with Publisher(
        Settings(kafka=KafkaSettings(brokers=kafka_broker.bootstrap), topic_prefix=prefix)
    ) as publisher:
        with pytest.raises(KafkaError):
            await publisher.publish([Output("alerts", b"k", b"x" * 2000)])
