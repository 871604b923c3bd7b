"""The reader of the sink on real brokers: what it gives is what aiokafka's own consumer would give."""

import asyncio
from collections.abc import Callable

import pytest
from aiokafka import AIOKafkaProducer

from sinks.clickhouse.consumer import LogReader, build_consumer
from sinks.clickhouse.runs import Run
from tests.support.brokers import BrokerUnderTest

pytestmark = pytest.mark.timeout(90)

COUNT = 1_000
GROUP = {"session_timeout_ms": 6_000, "heartbeat_interval_ms": 1_000}


async def fill(bootstrap: str, topic: str, compression: str | None) -> None:
    """Append records to partition 0 in a few large wire batches; every tenth is a tombstone."""
    options = {"bootstrap_servers": bootstrap, "acks": "all", "linger_ms": 50, "compression_type": compression}
    async with AIOKafkaProducer(**options) as producer:
        values = [None if number % 10 == 0 else b"value %d" % number for number in range(COUNT)]
        sent = [await producer.send(topic, value, key=b"k", partition=0) for value in values]
        await asyncio.gather(*sent)


async def read_to_end(reader: LogReader) -> Run:
    """Return all that comes, up to the last record."""
    found: Run | None = None
    async with asyncio.timeout(60):
        while found is None or found.offsets[-1] < COUNT - 1:
            for run, end_seen in await reader.read(0.2):
                assert end_seen == COUNT
                if found is None:
                    found = run
                else:
                    found.extend(run)
    return found


@pytest.mark.parametrize("compression", [None, "gzip"])
@pytest.mark.parametrize("checks_crcs", [False, True])
async def test_from_the_middle_of_a_wire_batch(
    broker: BrokerUnderTest, fresh_name: Callable[[str], str], compression: str | None, checks_crcs: bool
) -> None:
    """A group that committed within a batch goes on exactly there, whichever way records are taken."""
    topic, group = fresh_name("topic"), fresh_name("group")
    broker.create_topic(topic, 1)
    await fill(broker.bootstrap, topic, compression)
    options = {"bootstrap_servers": broker.bootstrap, "check_crcs": checks_crcs}
    first = build_consumer(options, group, **GROUP)
    await first.start([topic])
    whole = await read_to_end(first)
    await first.commit({(topic, 0): 137})
    await first.stop()

    second = build_consumer(options, group, **GROUP)
    await second.start([topic])
    rest = await read_to_end(second)
    await second.stop()

    assert whole.offsets == list(range(COUNT))
    assert whole.values[:12] == [None, *(b"value %d" % number for number in range(1, 10)), None, b"value 11"]
    assert all(at > 1_600_000_000_000 for at in whole.appended_ms)
    assert (rest.offsets, rest.appended_ms, rest.values) == (
        whole.offsets[137:],
        whole.appended_ms[137:],
        whole.values[137:],
    )
