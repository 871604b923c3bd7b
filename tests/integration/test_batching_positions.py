"""Pausing, resuming and seeking inside a running worker, and errors from elsewhere than the handler."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from collections.abc import Set as AbstractSet
from typing import cast

import pytest
import uvloop
from faust.transport.consumer import Consumer
from faust.types import TP

from streams.batching import Batch, BatchApp, WorkerFailed, batch_app, batch_topic, commit_now, consume, serve_worker
from streams.batching.insight import event_loops
from tests.support.brokers import BrokerUnderTest, end_offsets_of, produce

pytestmark = pytest.mark.timeout(60)

PARTITIONS = 2
Fresh = Callable[[str], str]


class Reader:
    """A worker in this event loop; what it handled by partition, and a hook that runs inside the handler."""

    def __init__(self, broker: BrokerUnderTest, topic: str, group: str, **limits: int) -> None:
        self.broker, self.topic, self.group = broker, topic, group
        self.app: BatchApp = batch_app(
            group, broker.bootstrap, session_timeout=6, heartbeat_interval=1, rebalance_timeout=10, commit_interval=0.2
        )
        self.seen: dict[int, list[int]] = {number: [] for number in range(PARTITIONS)}
        self.stop = asyncio.Event()
        self.hook: Callable[[Batch], object] = lambda batch: None  # noqa: ARG005
        consume(self.app, batch_topic(self.app, topic, **({"records_max": 10} | limits)), self.handle)

    async def handle(self, batch: Batch) -> None:
        self.seen[batch.partition] += [record.offset for record in batch]
        result = self.hook(batch)
        if asyncio.iscoroutine(result):
            await result

    async def run_until(self, is_true: Callable[[], bool]) -> None:
        running = asyncio.create_task(serve_worker(self.app, self.stop))
        try:
            async with asyncio.timeout(30):
                while not is_true() and not running.done():
                    await asyncio.sleep(0.02)
        finally:
            self.stop.set()
            await running

    @property
    def consumer(self) -> Consumer:
        return cast(Consumer, self.app.consumer)


@pytest.fixture
async def reader(broker: BrokerUnderTest, fresh_name: Fresh) -> Reader:
    """Give a worker on a topic with 100 records in each of two partitions."""
    topic = fresh_name("topic")
    await asyncio.to_thread(broker.create_topic, topic, PARTITIONS)
    await produce(broker.bootstrap, topic, {number: [b"v"] * 100 for number in range(PARTITIONS)})
    return Reader(broker, topic, fresh_name("group"))


@pytest.mark.parametrize("make_loop", [asyncio.new_event_loop, uvloop.new_event_loop], ids=["asyncio", "uvloop"])
def test_records_are_fetched_in_a_loop_of_the_application_s_kind(
    broker: BrokerUnderTest, fresh_name: Fresh, make_loop: Callable[[], asyncio.AbstractEventLoop]
) -> None:
    """And it is closed when the worker has ended, as its connections are."""

    async def main() -> list[tuple[str, asyncio.AbstractEventLoop]]:
        topic = fresh_name("topic")
        await asyncio.to_thread(broker.create_topic, topic, PARTITIONS)
        await produce(broker.bootstrap, topic, {number: [b"v"] * 100 for number in range(PARTITIONS)})
        reader = Reader(broker, topic, fresh_name("group"))
        await reader.run_until(lambda: all(len(offsets) == 100 for offsets in reader.seen.values()))
        return list(event_loops(reader.app))

    with asyncio.Runner(loop_factory=make_loop) as runner:
        loops = dict(runner.run(main()))
    assert type(loops["fetching loop"]) is type(loops["event loop"])
    assert loops["fetching loop"] is not loops["event loop"]
    assert loops["fetching loop"].is_closed()


async def test_a_paused_partition_gives_nothing_and_loses_nothing(reader: Reader) -> None:
    """What was fetched before the pause and thrown away is read again after it."""
    paused = TP(reader.topic, 0)
    seen_while_paused: list[int] = []

    def hook(batch: Batch) -> None:
        if batch.partition == 0 and len(reader.seen[0]) == 10:
            reader.consumer.pause_partitions({paused})
        if batch.partition == 1 and len(reader.seen[1]) == 100:
            seen_while_paused.extend(reader.seen[0])
            reader.consumer.resume_partitions({paused})

    reader.hook = hook
    await reader.run_until(lambda: all(len(offsets) >= 100 for offsets in reader.seen.values()))

    assert reader.seen == {0: list(range(100)), 1: list(range(100))}
    assert len(seen_while_paused) <= 40  # at most what stood in the stream's buffer already


async def test_the_rest_of_a_fetch_comes_after_a_pause(broker: BrokerUnderTest, fresh_name: Fresh) -> None:
    """One fetch is many batches here, all but the first thrown away; nothing is written after it that would show so."""
    topic = fresh_name("topic")
    await asyncio.to_thread(broker.create_topic, topic, PARTITIONS)
    await produce(broker.bootstrap, topic, {number: [b"v"] * 100 for number in range(PARTITIONS)})
    reader = Reader(broker, topic, fresh_name("group"), records_max=1000, bytes_max=10)
    paused = TP(topic, 0)

    def hook(batch: Batch) -> None:
        if batch.partition == 0 and len(reader.seen[0]) == 10:
            reader.consumer.pause_partitions({paused})
            asyncio.get_running_loop().call_later(1, reader.consumer.resume_partitions, {paused})

    reader.hook = hook
    await reader.run_until(lambda: all(len(offsets) >= 100 for offsets in reader.seen.values()))

    assert reader.seen == {0: list(range(100)), 1: list(range(100))}


async def test_a_seek_back_repeats_and_a_commit_stays(reader: Reader) -> None:
    """Going back hands out the records again; the committed offset never goes back."""
    went_back = False

    async def hook(batch: Batch) -> None:
        nonlocal went_back
        if batch.partition == 0 and batch.next_offset == 100 and not went_back:
            went_back = True
            await reader.consumer.seek(TP(reader.topic, 0), 70)

    reader.hook = hook
    await reader.run_until(lambda: len(reader.seen[0]) >= 130 and len(reader.seen[1]) >= 100)

    assert reader.seen[0] == [*range(100), *range(70, 100)]
    committed = await asyncio.to_thread(reader.broker.committed, reader.group, reader.topic)
    ends = await end_offsets_of(reader.broker.bootstrap, [TP(reader.topic, number) for number in range(PARTITIONS)])
    assert committed == {tp.partition: end for tp, end in ends.items()} == {0: 100, 1: 100}


async def test_commit_now_commits_what_is_acked(reader: Reader) -> None:
    """A user need not wait for the interval; the batch in work is not acked yet and not committed."""
    reader.app.conf.broker_commit_interval = 600
    committed: dict[int, int] = {}

    async def hook(batch: Batch) -> None:
        if batch.partition == 0 and batch.start_offset == 50:
            await commit_now(reader.app)
            committed.update(await asyncio.to_thread(reader.broker.committed, reader.group, reader.topic))

    reader.hook = hook
    await reader.run_until(lambda: bool(committed))

    assert committed[0] == 50


class FailingListener:
    """Fails when partitions are assigned."""

    async def on_assigned(self, positions: Mapping[TP, int]) -> None:  # noqa: ARG002
        raise ValueError("the state cannot be loaded")

    async def on_revoked(self, partitions: AbstractSet[TP]) -> None:
        """Do nothing."""


async def test_a_listener_that_raises_ends_the_worker_before_the_first_batch(reader: Reader) -> None:
    """Without its state a user must not get records."""
    reader.app.assignment_listener = FailingListener()

    with pytest.raises(WorkerFailed, match="ValueError: the state cannot be loaded"):
        await reader.run_until(lambda: False)

    assert reader.seen == {0: [], 1: []}


async def test_fail_ends_the_worker_from_outside(reader: Reader) -> None:
    """A task beside the agent may find out that going on is wrong."""
    reader.hook = lambda batch: reader.app.fail(ValueError("a task beside it failed"))  # noqa: ARG005

    with pytest.raises(WorkerFailed, match="ValueError: a task beside it failed"):
        await reader.run_until(lambda: False)
