"""Reading by the broker's stamps: stretches that follow each other hold every record once, on both brokers."""

import asyncio
from collections.abc import Callable
from datetime import UTC, datetime

import pytest
from aiokafka import AIOKafkaProducer
from faust.types import TP

from streams.broker.hours import LogHours
from streams.settings import Settings
from tests.support.brokers import BrokerUnderTest, end_offsets_of

pytestmark = pytest.mark.timeout(90)

COUNT = 300
# Stamps that a broker would give now, so that none is refused or thrown away.
BASE_MS = int(datetime.now(UTC).timestamp()) * 1000 - 3_600_000


async def filled(broker: BrokerUnderTest, topic: str, stamps: list[int], compression: str | None) -> dict[TP, int]:
    """Write records with the given stamps into two partitions, in small wire batches, and return the ends."""
    await asyncio.to_thread(broker.create_topic, topic, 2)
    options = {"bootstrap_servers": broker.bootstrap, "compression_type": compression, "max_batch_size": 2_000}
    async with AIOKafkaProducer(acks="all", linger_ms=20, **options) as producer:
        sent = [
            await producer.send(topic, b"record %d" % number, partition=partition, timestamp_ms=BASE_MS + stamp)
            for number, stamp in enumerate(stamps)
            for partition in range(2)
        ]
        await asyncio.gather(*sent)
    return await end_offsets_of(broker.bootstrap, [TP(topic, 0), TP(topic, 1)])


def settings_of(broker: BrokerUnderTest) -> Settings:
    """Return settings that name the broker."""
    return Settings.model_validate({"kafka": {"brokers": broker.bootstrap}})


async def read(reader: LogHours, at_ms: int | None) -> dict[int, list[int]]:
    """Return the offsets of a stretch by partition."""
    offsets: dict[int, list[int]] = {0: [], 1: []}
    async with asyncio.timeout(30):
        async for tp, records in reader.until(at_ms):
            assert all(record.value == b"record %d" % record.offset for record in records)
            offsets[tp.partition] += [record.offset for record in records]
    return offsets


@pytest.mark.parametrize("compression", [None, "gzip"])
async def test_stretches(broker: BrokerUnderTest, fresh_name: Callable[[str], str], compression: str | None) -> None:
    """Each ends before the first record of its end, also where a broker's clock went back a little."""
    stamps = [10 * number for number in range(COUNT)]
    stamps[100] -= 15  # stamped before the 99th, and counted with the 100th
    ends = await filled(broker, fresh_name("hours"), stamps, compression)
    async with LogHours(settings_of(broker), ends) as reader:
        await reader.begin_at(BASE_MS + 495)
        assert set(reader.positions().values()) == {50}

        first = await read(reader, BASE_MS + 990)
        assert set(reader.positions().values()) == {99}
        second = await read(reader, BASE_MS + 1_505)
        again = await read(reader, BASE_MS + 1_000)
        rest = await read(reader, None)

    for partition in range(2):
        assert first[partition] == list(range(50, 99))
        assert second[partition] == list(range(99, 151))
        assert again[partition] == []
        assert rest[partition] == list(range(151, COUNT))


async def test_an_end_that_is_known_beforehand(broker: BrokerUnderTest, fresh_name: Callable[[str], str]) -> None:
    """What comes later is left alone; who stops in between goes on where he was; and one can begin again."""
    topic = fresh_name("hours")
    ends = await filled(broker, topic, [0] * COUNT, None)
    ends = {TP(topic, 0): ends[TP(topic, 0)] - 10, TP(topic, 1): ends[TP(topic, 1)]}
    async with LogHours(settings_of(broker), ends) as reader:
        await reader.begin_at(BASE_MS - 1)
        seen: dict[int, int] = {0: 0, 1: 0}
        async for tp, records in reader.until():
            seen[tp.partition] += len(records)
            break
        for partition, offsets in (await read(reader, None)).items():
            seen[partition] += len(offsets)
        assert seen == {0: COUNT - 10, 1: COUNT}
        assert reader.positions() == ends

        await reader.begin_at(BASE_MS)
        assert {part: len(found) for part, found in (await read(reader, None)).items()} == {0: COUNT - 10, 1: COUNT}
        await reader.begin_at(BASE_MS + 1)
        assert await read(reader, None) == {0: [], 1: []}
        await reader.begin_at_offsets({TP(topic, 0): 5, TP(topic, 1): COUNT - 1})
        found = await read(reader, None)
        assert (found[0], found[1]) == (list(range(5, COUNT - 10)), [COUNT - 1])


async def test_nothing_to_read(broker: BrokerUnderTest) -> None:
    """No partitions, no records."""
    async with LogHours(settings_of(broker), {}) as reader:
        await reader.begin_at(BASE_MS)
        assert [each async for each in reader.until()] == []
        assert reader.positions() == {}
