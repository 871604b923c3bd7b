"""What gridwatch leans on in a broker, asked of the embedded one and of Apache Kafka alike.

Where the embedded broker answers otherwise the test states that answer, so that the day it changes is seen; the
list for readers is in `streams.embedded.broker`.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, closing
from typing import Any

import pytest
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, TopicPartition
from aiokafka.errors import (
    KafkaTimeoutError,
    MessageSizeTooLargeError,
    OffsetOutOfRangeError,
    UnknownError,
    UnknownTopicOrPartitionError,
)
from faust.types import TP
from kafka.admin import ConfigResource, ConfigResourceType, NewPartitions, NewTopic
from kafka.errors import IncompatibleBrokerVersion, KafkaConnectionError, TopicAlreadyExistsError
from kafka.structs import OffsetAndMetadata
from kafka.structs import TopicPartition as AdminPartition

from streams.batching.ends import LogEnds
from tests.support.brokers import BrokerUnderTest
from tests.support.processes import wait_until

pytestmark = pytest.mark.timeout(60)

Fresh = Callable[[str], str]


@pytest.fixture
def topic(broker: BrokerUnderTest, fresh_name: Fresh) -> str:
    """Give a topic of three partitions."""
    name = fresh_name("topic")
    broker.create_topic(name, 3)
    return name


@asynccontextmanager
async def producing(broker: BrokerUnderTest, **options: Any) -> AsyncIterator[AIOKafkaProducer]:
    async with AIOKafkaProducer(bootstrap_servers=broker.bootstrap, acks="all", **options) as producer:
        yield producer


async def read(broker: BrokerUnderTest, topic: str, count: int, *, partition: int = 0, start: int = 0) -> list[Any]:
    """Read `count` records of one partition."""
    async with asyncio.timeout(15), AIOKafkaConsumer(bootstrap_servers=broker.bootstrap) as consumer:
        tp = TopicPartition(topic, partition)
        consumer.assign([tp])
        consumer.seek(tp, start)
        records: list[Any] = []
        while len(records) < count:
            for part in (await consumer.getmany(timeout_ms=200)).values():
                records += part
    return records


async def test_records_keep_partition_key_value_headers_and_timestamp(broker: BrokerUnderTest, topic: str) -> None:
    """Keys and values may be null, each on its own; an explicit partition is obeyed; headers and a create time stay."""
    async with producing(broker) as producer:
        await producer.send_and_wait(
            topic, b"value", key=b"key", partition=2, timestamp_ms=1_700_000_000_123, headers=[("name", b"content")]
        )
        await producer.send_and_wait(topic, None, key=b"tombstone", partition=2)
        await producer.send_and_wait(topic, b"no key", partition=2)

    records = await read(broker, topic, 3, partition=2)

    assert [(record.key, record.value) for record in records] == [
        (b"key", b"value"),
        (b"tombstone", None),
        (None, b"no key"),
    ]
    assert [record.offset for record in records] == [0, 1, 2]
    assert (records[0].timestamp, records[0].timestamp_type) == (1_700_000_000_123, 0)
    assert tuple(records[0].headers) == (("name", b"content"),)


async def test_large_batches_are_appended_whole_and_read_from_any_offset(broker: BrokerUnderTest, topic: str) -> None:
    """`send_batch` writes one batch; a fetch may begin in the middle of it, as after a commit there."""
    async with producing(broker) as producer:
        batch = producer.create_batch()
        for number in range(100):
            assert batch.append(key=b"%d" % number, value=b"v", timestamp=1_700_000_000_000 + number) is not None
        batch.close()
        await (await producer.send_batch(batch, topic, partition=1))

    records = await read(broker, topic, 40, partition=1, start=60)

    assert [record.key for record in records] == [b"%d" % number for number in range(60, 100)]


async def test_the_end_of_a_partition_counts_every_acknowledged_record(broker: BrokerUnderTest, topic: str) -> None:
    """The clock's promise rests on this."""
    async with LogEnds(broker.bootstrap) as ends, producing(broker) as producer:
        assert await ends.read([TP(topic, 0), TP(topic, 1)]) == {TP(topic, 0): 0, TP(topic, 1): 0}
        for expected in (10, 20):
            await asyncio.gather(*[await producer.send(topic, b"v", partition=0) for _ in range(10)])
            assert await ends.read([TP(topic, 0), TP(topic, 1)]) == {TP(topic, 0): expected, TP(topic, 1): 0}


async def test_list_offsets_gives_the_end(broker: BrokerUnderTest, topic: str) -> None:
    """Embedded: first offset of the last batch plus one. So `end_offsets`, `seek_to_end` and "latest" are too low there."""
    async with producing(broker) as producer:
        await asyncio.gather(*[await producer.send(topic, b"v", partition=0) for _ in range(10)])
    async with AIOKafkaConsumer(bootstrap_servers=broker.bootstrap) as consumer:
        tp = TopicPartition(topic, 0)
        assert await consumer.beginning_offsets([tp]) == {tp: 0}
        assert (await consumer.end_offsets([tp]))[tp] == (10 if broker.is_kafka else 1)


async def test_offsets_can_be_looked_up_by_time(broker: BrokerUnderTest, topic: str) -> None:
    """The first record at or after an instant. Embedded: always the first record."""
    async with producing(broker) as producer:
        for number in range(5):
            await producer.send_and_wait(topic, b"v", partition=0, timestamp_ms=1_700_000_000_000 + 1000 * number)
    async with AIOKafkaConsumer(bootstrap_servers=broker.bootstrap) as consumer:
        tp = TopicPartition(topic, 0)
        found = (await consumer.offsets_for_times({tp: 1_700_000_001_500}))[tp]
    assert found is not None
    assert found.offset == (2 if broker.is_kafka else 0)


async def test_the_broker_stamps_records_where_the_topic_says_so(broker: BrokerUnderTest, fresh_name: Fresh) -> None:
    """LogAppendTime: the broker's clock wins over the producer's. Embedded: ignored, the producer's time stays."""
    name = fresh_name("stamped")
    await asyncio.to_thread(broker.create_topic, name, 1, message_timestamp_type="LogAppendTime")
    began_ms = time.time() * 1000
    async with producing(broker) as producer:
        await producer.send_and_wait(name, b"v", partition=0, timestamp_ms=1_700_000_000_000)
    (record,) = await read(broker, name, 1)

    if broker.is_kafka:
        assert record.timestamp_type == 1
        assert record.timestamp >= int(began_ms)
    else:
        assert (record.timestamp, record.timestamp_type) == (1_700_000_000_000, 0)


async def test_a_consumer_may_be_told_that_its_place_is_gone(broker: BrokerUnderTest, topic: str) -> None:
    """Whoever follows a table and resets nowhere hears of it, and reads all anew. Embedded: it waits for ever."""
    async with AIOKafkaConsumer(bootstrap_servers=broker.bootstrap, auto_offset_reset="none") as consumer:
        consumer.assign([TopicPartition(topic, 0)])
        consumer.seek(TopicPartition(topic, 0), 1000)
        if broker.is_kafka:
            with pytest.raises(OffsetOutOfRangeError):
                await consumer.getmany(timeout_ms=10_000)
        else:
            assert await consumer.getmany(timeout_ms=1000) == {}


def test_topics_are_created_with_their_settings(broker: BrokerUnderTest, fresh_name: Fresh) -> None:
    """Partitions, cleanup.policy, retention.ms, message.timestamp.type are read back as given. Embedded: partitions only."""
    name = fresh_name("configured")
    settings = {"cleanup.policy": "compact", "retention.ms": "86400000", "message.timestamp.type": "LogAppendTime"}
    with closing(broker.admin()) as admin:
        admin.create_topics([NewTopic(name, 2, 1, topic_configs=settings)])
        admin.wait_for_topics([name])
        described = admin.describe_configs([ConfigResource(ConfigResourceType.TOPIC, name)])
        (found,) = admin.describe_topics([name])

    configs = {key: config["value"] for key, config in described["topic"][name].items()}
    assert configs == (settings if broker.is_kafka else {})
    assert len(found["partitions"]) == 2


def test_a_topic_that_exists_is_not_created_again(broker: BrokerUnderTest, topic: str) -> None:
    """Creating is safe to repeat: it is refused by name."""
    with closing(broker.admin()) as admin, pytest.raises(TopicAlreadyExistsError):
        admin.create_topics([NewTopic(topic, 3, 1)])


def test_topics_are_listed_and_deleted(broker: BrokerUnderTest, topic: str) -> None:
    """A topic that is not there is told by its error code, and asking does not create it."""
    with closing(broker.admin()) as admin:
        (missing,) = admin.describe_topics([f"{topic}-missing"])
        assert missing["error_code"] == 3
        assert topic in admin.list_topics()
        admin.delete_topics([topic])
        wait_until(lambda: topic not in admin.list_topics(), "the topic gone")
        assert f"{topic}-missing" not in admin.list_topics()


def test_partitions_can_be_added(broker: BrokerUnderTest, topic: str) -> None:
    """Embedded: not supported."""
    with closing(broker.admin()) as admin:
        if broker.is_kafka:
            admin.create_partitions({topic: NewPartitions(5)})
            wait_until(lambda: len(admin.describe_topics([topic])[0]["partitions"]) == 5, "five partitions")
        else:
            with pytest.raises(IncompatibleBrokerVersion):
                admin.create_partitions({topic: NewPartitions(5)})


def test_records_can_be_deleted_up_to_an_offset(broker: BrokerUnderTest, topic: str) -> None:
    """Embedded: the connection is cut."""
    broker.produce(topic, {0: [b"v"] * 10})
    with closing(broker.admin()) as admin:
        if broker.is_kafka:
            deleted = admin.delete_records({AdminPartition(topic, 0): 4})
            assert [part["low_watermark"] for part in deleted.values()] == [4]
        else:
            with pytest.raises(KafkaConnectionError):
                admin.delete_records({AdminPartition(topic, 0): 4})


def test_committed_offsets_of_a_group_are_seen_from_outside(
    broker: BrokerUnderTest, topic: str, fresh_name: Fresh
) -> None:
    """The clock and `doctor` look at them without being a member; a group that never was has none."""
    group = fresh_name("group")
    assert broker.committed(group, topic) == {}
    with closing(broker.admin()) as admin:
        admin.alter_group_offsets(group, {AdminPartition(topic, 1): OffsetAndMetadata(3, "", -1)})
        assert broker.committed(group, topic) == {1: 3}
        assert group in {found["group_id"] for found in admin.list_groups()}
        admin.delete_groups([group])
    assert broker.committed(group, topic) == {}


async def test_an_unknown_topic_is_refused(broker: BrokerUnderTest, fresh_name: Fresh) -> None:
    """A misspelt name must not become a topic. Embedded: it does, by producing or subscribing."""
    name = fresh_name("unknown")
    async with producing(broker, request_timeout_ms=1500) as producer:
        if broker.is_kafka:
            with pytest.raises((UnknownTopicOrPartitionError, KafkaTimeoutError)):
                await producer.send_and_wait(name, b"v")
        else:
            assert (await producer.send_and_wait(name, b"v")).topic == name


async def test_a_record_may_be_of_64_kib_and_not_of_any_size(broker: BrokerUnderTest, topic: str) -> None:
    """The largest record of the contract passes with the default settings; 2 MB does not. Embedded: no limit."""
    async with producing(broker, max_request_size=1 << 23) as producer:
        await producer.send_and_wait(topic, b"v" * (64 * 1024))
        if broker.is_kafka:
            with pytest.raises(MessageSizeTooLargeError):
                await producer.send_and_wait(topic, b"v" * 2_000_000)
        else:
            await producer.send_and_wait(topic, b"v" * 2_000_000)


@pytest.mark.parametrize("codec", ["gzip", "lz4", "zstd"])
async def test_batches_may_be_compressed(broker: BrokerUnderTest, topic: str, codec: str) -> None:
    """By every codec that the clients bring."""
    async with producing(broker, compression_type=codec) as producer:
        await producer.send_and_wait(topic, b"v" * 10_000, partition=0)

    (record,) = await read(broker, topic, 1)
    assert record.value == b"v" * 10_000


@pytest.mark.filterwarnings(
    "ignore::pytest.PytestUnraisableExceptionWarning"
)  # aiokafka leaves the failed producer open
async def test_an_idempotent_producer_can_be_had(broker: BrokerUnderTest, topic: str) -> None:
    """Retries of the client that repeat nothing. Embedded: InitProducerId fails."""
    producer = AIOKafkaProducer(bootstrap_servers=broker.bootstrap, enable_idempotence=True)
    try:
        async with asyncio.timeout(10):
            if broker.is_kafka:
                await producer.start()
                await producer.send_and_wait(topic, b"v")
            else:
                with pytest.raises(UnknownError):
                    await producer.start()
    finally:
        await producer.stop()
