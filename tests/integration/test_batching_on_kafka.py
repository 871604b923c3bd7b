"""What only Apache Kafka does: transaction markers, compaction, deleted records, zombies, three workers coming and going."""

from __future__ import annotations

import asyncio
import signal
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing
from pathlib import Path

import pytest
from aiokafka import AIOKafkaProducer
from kafka import TopicPartition

from tests.support.brokers import BrokerUnderTest
from tests.support.logs import Log
from tests.support.processes import BatchWorkerProcess, wait_until

pytestmark = [pytest.mark.timeout(120), pytest.mark.kafka]

Start = Callable[..., BatchWorkerProcess]


@pytest.fixture
def log(kafka_broker: BrokerUnderTest, fresh_name: Callable[[str], str]) -> Log:
    """Give a topic of six partitions on Apache Kafka, empty."""
    return Log(kafka_broker, fresh_name("topic"), fresh_name("group"), partitions=6)


@pytest.fixture
def start(log: Log, tmp_path: Path) -> Iterator[Start]:
    """Give a function that starts a worker on the log."""
    with ExitStack() as stack:
        yield lambda name, **settings: stack.enter_context(
            BatchWorkerProcess(tmp_path, name, **log.basics(), **settings)
        )


async def transact(bootstrap: str, topic: str, transactions: int) -> None:
    """Write transactions of five records; every third is aborted. Each ends with a marker that takes an offset."""
    async with AIOKafkaProducer(bootstrap_servers=bootstrap, transactional_id=f"{topic}-writer") as producer:
        for number in range(transactions):
            await producer.begin_transaction()
            for _ in range(5):
                await producer.send_and_wait(topic, b"in a transaction", partition=number % 2)
            await (producer.abort_transaction() if number % 3 == 2 else producer.commit_transaction())


def test_transaction_markers_do_not_hold_the_commit_back(log: Log, start: Start) -> None:
    """Offsets without a record are passed over: committed equals the end, also where the last offset is a marker."""
    asyncio.run(transact(log.broker.bootstrap, log.topic, 12))

    worker = start("one", records_max=3)
    log.wait_until_caught_up()

    assert log.ends() == {0: 36, 1: 36, 2: 0, 3: 0, 4: 0, 5: 0}
    markers = {5, 11, 17, 23, 29, 35}
    assert worker.seen() == Counter({(p, offset) for p in (0, 1) for offset in range(36) if offset not in markers})
    assert worker.stop() == 0
    second = start("second")
    wait_until(lambda: bool(second.steps("ready")), "the second worker ready")
    assert second.steps("assigned")[0]["positions"]["0"] == 36


def test_compacted_offsets_do_not_hold_the_commit_back(
    kafka_broker: BrokerUnderTest, fresh_name: Callable[[str], str], tmp_path: Path
) -> None:
    """In a compacted topic most offsets have no record any more; order and commit are as ever."""
    configs = {"cleanup_policy": "compact", "segment_ms": "200", "min_cleanable_dirty_ratio": "0.01"}
    configs |= {"min_compaction_lag_ms": "0", "max_compaction_lag_ms": "500"}
    log = Log(kafka_broker, fresh_name("compacted"), fresh_name("group"), partitions=1, **configs)
    written = 0

    def is_compacted() -> bool:
        nonlocal written
        kafka_broker.produce_keyed(log.topic, [(b"key-%d" % (number % 7), b"v" * 100) for number in range(200)])
        written += 200
        return kafka_broker.count_records(log.topic) < written - 150

    wait_until(is_compacted, "the cleaner at work", limit_s=60)
    with BatchWorkerProcess(tmp_path, "one", **log.basics(), records_max=50) as worker:
        log.wait_until_caught_up()
        offsets = [offset for batch in worker.steps("batch") for offset in batch["offsets"]]

    assert offsets == sorted(set(offsets))
    assert len(offsets) < written
    assert worker.steps("batch")[0]["start"] == 0
    assert all(a["next"] == b["start"] for a, b in zip(worker.steps("batch"), worker.steps("batch")[1:], strict=False))


def test_records_deleted_before_they_were_read_end_the_worker(log: Log, start: Start) -> None:
    """Retention overtook the group: that is said, not passed over."""
    log.append(50)
    first = start("first")
    log.wait_until_caught_up()
    assert first.stop() == 0
    log.append(50)
    with closing(log.broker.admin()) as admin:
        admin.delete_records({TopicPartition(log.topic, 3): 80})

    second = start("second")

    assert second.process.wait(30) == 1
    assert f"{log.topic}:3 begins at offset 80, expected 50: deleted before being read" in second.stderr()


def test_a_worker_frozen_beyond_its_session_cannot_commit(log: Log, start: Start) -> None:
    """A zombie: stopped in the middle of a batch, declared dead, woken up. Its late ack moves nothing, none is lost."""
    frozen = start("frozen", records_max=20, batch_takes_s=0.05)
    other = start("other", records_max=20, batch_takes_s=0.05)
    log.feed_until(lambda: bool(frozen.seen() and other.seen()), "both at work")

    frozen.signal(signal.SIGSTOP)
    log.feed_until(lambda: len(other.steps("assigned")[-1]["positions"]) == 6, "the other has all partitions")
    log.wait_until_caught_up()
    committed = log.committed()
    frozen.signal(signal.SIGCONT)
    log.feed_until(
        lambda: len(frozen.steps("assigned")) > 1 and bool(frozen.steps("revoked")), "the frozen one is back"
    )
    log.wait_until_caught_up()

    assert all(log.committed()[number] >= offset for number, offset in committed.items())
    seen = frozen.seen() + other.seen()
    assert set(seen) == log.all_offsets()
    assert frozen.process.poll() is None


def test_three_workers_come_and_go_without_a_repeat(log: Log, start: Start) -> None:
    """Joining and leaving in good order, under load: every record is handled exactly once, in order."""
    workers = []
    for name in ("one", "two", "three"):
        worker = start(name, records_max=20, batch_takes_s=0.01)
        workers.append(worker)
        log.feed_until(lambda worker=worker: bool(worker.seen()), f"worker {name} at work")  # type: ignore[misc]

    assert workers[1].stop() == 0
    log.feed_until(lambda: len(workers[0].steps("assigned")) >= 4, "the others share its partitions")
    assert workers[0].stop() == 0
    log.append(100)
    log.wait_until_caught_up()

    assert workers[0].seen() + workers[1].seen() + workers[2].seen() == Counter(log.all_offsets())
    for worker in workers:
        assert {tuple(batch["offsets"]) for batch in worker.steps("batch")} == {
            tuple(sorted(batch["offsets"])) for batch in worker.steps("batch")
        }
