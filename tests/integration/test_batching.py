"""The batch transport on real brokers, workers as processes: what is handed out, acked, committed, handed over."""

from __future__ import annotations

import signal
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from tests.support.brokers import BrokerUnderTest
from tests.support.logs import Log
from tests.support.processes import BatchWorkerProcess, wait_until

pytestmark = pytest.mark.timeout(120)

Start = Callable[..., BatchWorkerProcess]


@pytest.fixture
def log(broker: BrokerUnderTest, fresh_name: Callable[[str], str]) -> Log:
    """Give a topic of four partitions, empty."""
    return Log(broker, fresh_name("topic"), fresh_name("group"))


@pytest.fixture
def start(log: Log, tmp_path: Path) -> Iterator[Start]:
    """Give a function that starts a worker on the log."""
    with ExitStack() as stack:

        def start_worker(name: str, **settings: object) -> BatchWorkerProcess:
            return stack.enter_context(BatchWorkerProcess(tmp_path, name, **log.basics(), **settings))

        yield start_worker


def is_ready(worker: BatchWorkerProcess) -> Callable[[], bool]:
    return lambda: bool(worker.steps("ready"))


def assert_in_order(worker: BatchWorkerProcess) -> None:
    """Within an assignment every batch of a partition starts where the one before ended, its offsets ascending."""
    expected: dict[int, int] = {}
    for entry in worker.steps("batch"):
        start = expected.get(entry["partition"], entry["start"])
        assert entry["start"] == start
        assert entry["offsets"] == sorted(entry["offsets"])
        assert entry["start"] <= entry["offsets"][0] <= entry["offsets"][-1] < entry["next"]
        expected[entry["partition"]] = entry["next"]


def test_every_record_comes_once_in_offset_order_and_is_committed(log: Log, start: Start) -> None:
    """A worker alone hands out each partition without a gap, in bounded batches, and commits to the end."""
    log.append(2500)

    worker = start("one", records_max=400, bytes_max=60_000)
    log.wait_until_caught_up()

    assert worker.seen() == Counter(log.all_offsets())
    assert_in_order(worker)
    assert max(len(entry["offsets"]) for entry in worker.steps("batch")) == 300  # of 200 bytes: bytes_max comes first
    assert all(entry["size_bytes"] <= 60_000 for entry in worker.steps("batch"))
    assert worker.stop() == 0


def test_a_restart_goes_on_exactly_where_the_commit_stands(log: Log, start: Start) -> None:
    """After a graceful stop the next worker gets the new records and nothing else."""
    log.append(500)
    first = start("first")
    log.wait_until_caught_up()
    assert first.stop() == 0
    log.append(250)

    second = start("second")
    log.wait_until_caught_up()

    assert second.steps("assigned")[0]["positions"] == {str(number): 500 for number in range(4)}
    assert second.seen() == Counter({(number, offset) for number in range(4) for offset in range(500, 750)})


def test_a_stop_commits_what_was_acked_a_moment_ago(log: Log, start: Start) -> None:
    """The commit interval does not matter for a graceful stop."""
    log.append(100)
    worker = start("one", commit_interval=600.0)
    wait_until(lambda: len(worker.seen()) == 400, "all records handled")

    assert worker.stop() == 0

    assert log.committed() == log.ends()
    assert worker.steps("revoked")[-1]["partitions"] == [0, 1, 2, 3]


def test_a_handler_that_raises_ends_the_process_without_the_ack(log: Log, start: Start) -> None:
    """The failed batch is read again after the restart; Faust alone would have acked it."""
    log.append(600)

    failing = start("failing", records_max=100, fail_at=(2, 350))
    assert failing.process.wait(30) == 1

    assert "ValueError: the handler fails here" in failing.stderr()
    assert log.committed().get(2, 0) <= 300
    assert max(offset for partition, offset in failing.seen() if partition == 2) == 299
    second = start("second")
    log.wait_until_caught_up()
    assert failing.seen() + second.seen() >= Counter(log.all_offsets())
    assert (2, 350) in second.seen()


def test_a_killed_worker_loses_nothing(log: Log, start: Start) -> None:
    """Kill -9 under load: the other takes over; what was done and not committed comes twice, nothing is left out."""
    workers = [start(name, records_max=20, batch_takes_s=0.02) for name in ("one", "two")]
    log.feed_until(lambda: all(worker.seen() for worker in workers), "both at work")

    workers[0].signal(signal.SIGKILL)
    log.append(500)
    log.wait_until_caught_up()

    seen = workers[0].seen() + workers[1].seen()
    assert set(seen) == log.all_offsets()
    assert max(seen.values()) <= 2


def test_a_graceful_stop_hands_over_without_a_repeat(log: Log, start: Start) -> None:
    """Workers that join and leave in good order: every record is handled exactly once."""
    one = start("one", records_max=20, batch_takes_s=0.02)
    log.feed_until(lambda: bool(one.seen()), "the first at work")
    two = start("two", records_max=20, batch_takes_s=0.02)
    log.feed_until(lambda: bool(two.seen()), "the second at work")

    assert one.stop() == 0
    log.append(200)
    log.wait_until_caught_up()

    assert one.seen() + two.seen() == Counter(log.all_offsets())


def test_a_listener_may_begin_at_an_earlier_offset(log: Log, start: Start) -> None:
    """State from a snapshot is brought up to date by reading again from there; the commit goes on from where it stood."""
    log.append(400)
    first = start("first")
    log.wait_until_caught_up()
    assert first.stop() == 0
    log.append(100)

    second = start("second", start_at={"1": 150})
    log.wait_until_caught_up()

    expected = {(number, offset) for number in range(4) for offset in range(150 if number == 1 else 400, 500)}
    assert second.seen() == Counter(expected)
