"""What gridwatch leans on in a broker, asked of the embedded one and of Apache Kafka alike.

Where the embedded broker answers otherwise, the test says so by name: `lacks`. Its list is in `streams.embedded.broker`.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, closing
from typing import Any

import pytest
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, TopicPartition
from aiokafka.errors import KafkaError, MessageSizeTooLargeError, UnknownTopicOrPartitionError
from faust.types import TP
from kafka.admin import ConfigResource, ConfigResourceType, NewPartitions, NewTopic
from kafka.errors import TopicAlreadyExistsError
from kafka.structs import TopicPartition as AdminPartition

from streams.batching.ends import LogEnds
from tests.support.brokers import BrokerUnderTest

pytestmark = pytest.mark.timeout(60)

Fresh = Callable[[str], str]


def lacks(broker: BrokerUnderTest, what: str, *, raises: type[BaseException] | None = None) -> Any:
    """Expect a failure on the embedded broker, and none on Kafka: the day it learns to, the test says so."""
    if broker.is_kafka:
        return pytest.MonkeyPatch.context()
    return pytest.raises(raises or (AssertionError, KafkaError, Exception))


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
    """The first record at or after an instant."""
    async with producing(broker) as producer:
        for number in range(5):
            await producer.send_and_wait(topic, b"v", partition=0, timestamp_ms=1_700_000_000_000 + 1000 * number)
    async with AIOKafkaConsumer(bootstrap_servers=broker.bootstrap) as consumer:
        tp = TopicPartition(topic, 0)
        found = (await consumer.offsets_for_times({tp: 1_700_000_001_500}))[tp]
        assert found is not None
        assert found.offset == 2
        assert (await consumer.offsets_for_times({tp: 1_800_000_000_000}))[tp] is None


def test_topics_are_created_with_their_settings(broker: BrokerUnderTest, fresh_name: Fresh) -> None:
    """cleanup.policy, retention.ms, message.timestamp.type: given at creation, read back as given."""
    name = fresh_name("configured")
    settings = {"cleanup.policy": "compact", "retention.ms": "86400000", "message.timestamp.type": "LogAppendTime"}
    with closing(broker.admin()) as admin:
        admin.create_topics([NewTopic(name, 2, 1, topic_configs=settings)])
        admin.wait_for_topics([name])
        described = admin.describe_configs([ConfigResource(ConfigResourceType.TOPIC, name)])
        print("DESCRIBED", described)
        topics = admin.describe_topics([name])
        print("TOPICS", topics)


def test_a_topic_that_exists_is_not_created_again(broker: BrokerUnderTest, topic: str) -> None:
    """Creating is safe to repeat: it is refused by name."""
    with closing(broker.admin()) as admin, pytest.raises(TopicAlreadyExistsError):
        admin.create_topics([NewTopic(topic, 3, 1)])


def test_partitions_can_be_added(broker: BrokerUnderTest, topic: str) -> None:
    with closing(broker.admin()) as admin:
        print("CP", admin.create_partitions({topic: NewPartitions(5)}))
        print(admin.describe_topics([topic]))


def test_records_can_be_deleted_up_to_an_offset(broker: BrokerUnderTest, topic: str) -> None:
    broker.produce(topic, {0: [b"v"] * 10})
    with closing(broker.admin()) as admin:
        print("DR", admin.delete_records({AdminPartition(topic, 0): 4}))

    async def first() -> Any:
        async with AIOKafkaConsumer(bootstrap_servers=broker.bootstrap) as consumer:
            return await consumer.beginning_offsets([TopicPartition(topic, 0)])

    print(asyncio.run(first()))


async def test_log_append_time(broker: BrokerUnderTest, fresh_name: Fresh) -> None:
    name = fresh_name("stamped")
    await asyncio.to_thread(broker.create_topic, name, 1, message_timestamp_type="LogAppendTime")
    async with producing(broker) as producer:
        before = time.time() * 1000
        meta = await producer.send_and_wait(name, b"v", partition=0, timestamp_ms=1_700_000_000_000)
    (record,) = await read(broker, name, 1)
    print("LAT", meta, record.timestamp, record.timestamp_type, before)


def test_committed(broker: BrokerUnderTest, topic: str, fresh_name: Fresh) -> None:
    group = fresh_name("g")
    with closing(broker.admin()) as admin:
        print("NOGROUP", admin.list_group_offsets(group))
        from kafka.structs import OffsetAndMetadata

        try:
            print("ALTER", admin.alter_group_offsets(group, {AdminPartition(topic, 0): OffsetAndMetadata(3, "", -1)}))
            print(admin.list_group_offsets(group))
            print("GROUPS", admin.list_groups(), admin.describe_groups([group]))
        except Exception as e:
            print(repr(e))
        try:
            print("DEL", admin.delete_groups([group]))
        except Exception as e:
            print("DEL", repr(e))
        try:
            print("DELT", admin.delete_topics([topic]), topic in admin.list_topics())
        except Exception as e:
            print("DELT", repr(e))


async def test_idem(broker: BrokerUnderTest, topic: str) -> None:
    try:
        async with asyncio.timeout(10), producing(broker, enable_idempotence=True) as producer:
            print(await producer.send_and_wait(topic, b"v"))
    except BaseException as e:
        print("IDEM", repr(e))


async def test_unknown_topic(broker: BrokerUnderTest, fresh_name: Fresh) -> None:
    try:
        async with asyncio.timeout(10), producing(broker, request_timeout_ms=3000) as producer:
            print("UNKN", await producer.send_and_wait(fresh_name("nope"), b"v"))
    except BaseException as e:
        print("UNKN", repr(e))


async def test_big(broker: BrokerUnderTest, topic: str) -> None:
    for size in (60_000, 900_000, 2_000_000, 20_000_000):
        try:
            async with asyncio.timeout(10), producing(broker, max_request_size=1 << 26) as producer:
                print("BIG", size, await producer.send_and_wait(topic, b"v" * size))
        except BaseException as e:
            print("BIG", size, repr(e))


async def test_compr(broker: BrokerUnderTest, topic: str) -> None:
    for c in ("gzip", "lz4", "zstd", "snappy"):
        try:
            async with asyncio.timeout(10), producing(broker, compression_type=c) as producer:
                m = await producer.send_and_wait(topic, b"v" * 10000, partition=0)
            print("COMP", c, (await read(broker, topic, 1, start=m.offset))[0].value == b"v" * 10000)
        except BaseException as e:
            print("COMP", c, repr(e))
