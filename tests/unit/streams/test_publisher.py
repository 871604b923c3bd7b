"""Writing when something fails: what comes later never stands where what came before is missing."""

import asyncio
from typing import Any

import pytest
from aiokafka.errors import KafkaError, KafkaTimeoutError

from streams.broker.outputs import Output
from streams.broker.publisher import Publisher
from streams.settings import KafkaSettings, Settings


class Batch:
    """A batch that has room for one record."""

    def __init__(self) -> None:
        self.values: list[bytes] = []

    def append(self, *, timestamp: int | None, key: bytes | None, value: bytes) -> object | None:  # noqa: ARG002
        if self.values:
            return None
        self.values.append(value)
        return self

    def record_count(self) -> int:
        return len(self.values)

    def size(self) -> int:
        return 0

    def close(self) -> None:
        pass


class Producer:
    """A producer that queues as many batches as it is told, and lets the next wait until it gives up."""

    def __init__(self, places: int) -> None:
        self.queued: list[tuple[bytes, asyncio.Future[None]]] = []
        self.places = places
        self.gives_up = asyncio.Event()

    async def partitions_for(self, topic: str) -> set[int]:  # noqa: ARG002
        return {0}

    def create_batch(self) -> Batch:
        return Batch()

    async def send_batch(self, batch: Batch, topic: str, *, partition: int) -> asyncio.Future[None]:  # noqa: ARG002
        if self.places == 0:
            await self.gives_up.wait()
            self.places = 1000  # from now on there is room again
            raise KafkaTimeoutError
        self.places -= 1
        future = asyncio.get_running_loop().create_future()
        self.queued.append((batch.values[0], future))
        return future

    @property
    def values(self) -> list[bytes]:
        return [value for value, _ in self.queued]


def publisher_on(producer: Any, *, idempotence: bool = True) -> Publisher:
    """Return a publisher that writes through a producer of ours."""
    publisher = Publisher(Settings(kafka=KafkaSettings(idempotence=idempotence)))
    publisher._producer = producer
    return publisher


def outputs(*values: bytes) -> list[Output]:
    return [Output("timeline", b"key", value) for value in values]


async def test_what_waits_behind_a_write_that_found_no_place() -> None:
    """A partition that cannot be reached for long: half a call is queued, and the calls behind it are not written."""
    producer = Producer(places=1)
    publisher = publisher_on(producer)
    first = asyncio.create_task(publisher.publish(outputs(b"1", b"2")))
    second = asyncio.create_task(publisher.publish(outputs(b"3")))
    await asyncio.sleep(0)
    producer.gives_up.set()

    results = await asyncio.gather(first, second, return_exceptions=True)

    assert [type(result) for result in results] == [KafkaTimeoutError, KafkaError]
    assert producer.values == [b"1"]


async def test_what_waits_behind_a_write_that_was_cancelled() -> None:
    """The same."""
    producer = Producer(places=1)
    publisher = publisher_on(producer)
    first = asyncio.create_task(publisher.publish(outputs(b"1", b"2")))
    second = asyncio.create_task(publisher.publish(outputs(b"3")))
    while not producer.queued:
        await asyncio.sleep(0)
    first.cancel()
    producer.places = 1000

    results = await asyncio.gather(first, second, return_exceptions=True)

    assert [type(result) for result in results] == [asyncio.CancelledError, KafkaError]
    assert producer.values == [b"1"]


async def test_what_comes_after_a_write_that_failed() -> None:
    """The producer gave a batch up: whoever publishes then is told so."""
    producer = Producer(places=1000)
    publisher = publisher_on(producer)
    first = asyncio.create_task(publisher.publish(outputs(b"1")))
    while not producer.queued:
        await asyncio.sleep(0)
    producer.queued[0][1].set_exception(KafkaTimeoutError())
    with pytest.raises(KafkaTimeoutError):
        await first

    with pytest.raises(KafkaError, match="a write before it failed"):
        await publisher.publish(outputs(b"2"))

    assert producer.values == [b"1"]


async def test_a_producer_that_is_not_idempotent() -> None:
    """Gets the next batch of a partition when the one before stands: it would write it after one that it gave up."""
    producer = Producer(places=1000)
    publisher = publisher_on(producer, idempotence=False)
    publishing = asyncio.create_task(publisher.publish(outputs(b"1", b"2", b"3")))
    for _ in range(10):
        await asyncio.sleep(0)
    assert producer.values == [b"1"]
    producer.queued[0][1].set_result(None)
    while len(producer.queued) < 2:
        await asyncio.sleep(0)
    assert producer.values == [b"1", b"2"]
    producer.queued[1][1].set_exception(KafkaTimeoutError())

    with pytest.raises(KafkaError):
        await publishing

    assert producer.values == [b"1", b"2"]


async def test_a_connection_that_says_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    """Is given up after the time that one answer may take, not after that of a whole batch."""
    monkeypatch.setattr("streams.broker.publisher.ANSWER_MS", 100)
    is_over = asyncio.Event()

    async def say_nothing(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await is_over.wait()
        writer.close()

    async with await asyncio.start_server(say_nothing, "127.0.0.1", 0) as server:
        port = server.sockets[0].getsockname()[1]
        publisher = Publisher(Settings(kafka=KafkaSettings(brokers=f"127.0.0.1:{port}", idempotence=False)))
        async with asyncio.timeout(10):
            with pytest.raises(KafkaError):
                await publisher.start()
        is_over.set()
