"""Handlers whose results are on their way while the next batch is handled: acks, commits, hand-overs, failures."""

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
        yield lambda name, **settings: stack.enter_context(
            BatchWorkerProcess(tmp_path, name, **log.basics(), **settings)
        )


def most_under_way(worker: BatchWorkerProcess) -> int:
    """Return how many batches were handled and not settled at the same time, at most."""
    under_way = most = 0
    for entry in worker.entries():
        under_way += {"batch": 1, "settled": -1}.get(entry["step"], 0)
        most = max(most, under_way)
    return most


def test_batches_settle_while_the_next_are_handled(log: Log, start: Start) -> None:
    """Four are under way at most; in the end everything is handled once and committed."""
    log.append(400)

    worker = start("one", records_max=50, settling_takes_s=0.05)
    log.wait_until_caught_up()

    assert worker.seen() == Counter(log.all_offsets())
    assert most_under_way(worker) == 4
    assert worker.stop() == 0


def test_a_stop_waits_for_what_is_under_way(log: Log, start: Start) -> None:
    """Everything that was handled is settled, acked and committed before the worker has gone."""
    log.append(400)
    worker = start("one", records_max=20, settling_takes_s=0.3, commit_interval=600.0)
    log.feed_until(lambda: len(worker.steps("batch")) > 5, "at work")

    assert worker.stop() == 0

    handled = {batch["partition"]: batch["next"] for batch in worker.steps("batch")}
    settled = {batch["partition"]: batch["next"] for batch in worker.steps("settled")}
    assert handled == settled
    assert {number: offset for number, offset in log.committed().items() if offset} == handled


def test_results_that_fail_end_the_process_with_nothing_acked_after_them(log: Log, start: Start) -> None:
    """The batch and those handled after it are read again."""
    log.append(600)

    failing = start("failing", records_max=100, settling_takes_s=0.05, settling_fails_at=(2, 350))
    assert failing.process.wait(30) == 1

    assert "ValueError: the results cannot be written" in failing.stderr()
    assert log.committed()[2] <= 300
    settled = {(batch["partition"], batch["next"]) for batch in failing.steps("settled")}
    for partition, offset in log.committed().items():
        assert offset == 0 or (partition, offset) in settled
    second = start("second")
    log.wait_until_caught_up()
    assert set(failing.seen() + second.seen()) == log.all_offsets()


def test_a_handler_whose_work_somebody_gives_up_ends_the_process(
    embedded_broker: BrokerUnderTest, fresh_name: Callable[[str], str], tmp_path: Path
) -> None:
    """Faust takes a cancellation for a rebalance and starts the agent again, without the batch and without a word."""
    log = Log(embedded_broker, fresh_name("topic"), fresh_name("group"))
    log.append(200)
    with BatchWorkerProcess(tmp_path, "given-up", **log.basics(), records_max=50, cancelled_at=(1, 20)) as worker:
        assert worker.process.wait(30) == 1

        assert "CancelledError" in worker.stderr()
        assert log.committed()[1] == 0


def test_hand_overs_while_batches_are_under_way(log: Log, start: Start) -> None:
    """Three workers come and two go, each with batches under way: every record is handled exactly once."""
    workers = []
    for name in ("one", "two", "three"):
        worker = start(name, records_max=20, settling_takes_s=0.05)
        workers.append(worker)
        log.feed_until(lambda worker=worker: bool(worker.seen()), f"worker {name} at work")  # type: ignore[misc]
    for worker in workers[:2]:
        assert worker.stop() == 0
    log.append(50)
    log.wait_until_caught_up()

    assert workers[0].seen() + workers[1].seen() + workers[2].seen() == Counter(log.all_offsets())
    assert most_under_way(workers[2]) > 1


@pytest.mark.kafka
def test_batches_of_a_zombie_are_not_acked(
    kafka_broker: BrokerUnderTest, fresh_name: Callable[[str], str], tmp_path: Path
) -> None:
    """Frozen with batches under way, declared dead, woken up: what settles then moves no commit, and nothing is lost."""
    log = Log(kafka_broker, fresh_name("topic"), fresh_name("group"))
    with ExitStack() as stack:
        frozen, other = (
            stack.enter_context(
                BatchWorkerProcess(tmp_path, name, **log.basics(), records_max=10, settling_takes_s=0.2)
            )
            for name in ("frozen", "other")
        )
        log.feed_until(lambda: bool(frozen.seen() and other.seen()), "both at work")
        log.append(100)
        log.feed_until(lambda: len(frozen.steps("batch")) - len(frozen.steps("settled")) > 1, "batches under way")
        frozen.signal(signal.SIGSTOP)
        log.feed_until(lambda: len(other.steps("assigned")[-1]["positions"]) == 4, "the other has all partitions")
        committed = log.committed()
        frozen.signal(signal.SIGCONT)
        log.feed_until(lambda: len(frozen.steps("assigned")) > 1, "the frozen one is back")
        log.wait_until_caught_up()

        assert all(log.committed()[number] >= offset for number, offset in committed.items())
        assert set(frozen.seen() + other.seen()) == log.all_offsets()


@pytest.mark.kafka
def test_a_worker_killed_and_started_again_under_its_name_has_its_partitions_at_once(
    kafka_broker: BrokerUnderTest, fresh_name: Callable[[str], str], tmp_path: Path
) -> None:
    """Long before its session is over, and without a rebalance for the others; nothing is lost, nothing handled twice."""
    log = Log(kafka_broker, fresh_name("topic"), fresh_name("group"))
    log.append(50)
    with ExitStack() as stack:

        def start(name: str, instance_id: str) -> BatchWorkerProcess:
            settings = {**log.basics(), "instance_id": instance_id, "session_timeout": 60.0}
            return stack.enter_context(BatchWorkerProcess(tmp_path, name, **settings))

        other, killed = start("other", "b"), start("killed", "a")
        log.feed_until(lambda: bool(other.seen() and killed.seen()), "both at work")
        log.wait_until_caught_up()
        killed.signal(signal.SIGKILL)
        killed.process.wait()
        assignments = len(other.steps("assigned"))
        log.append(50)

        again = start("again", "a")
        log.wait_until_caught_up()  # gives up after 30 s, half the session

        assert again.steps("assigned")[0]["positions"].keys() == killed.steps("assigned")[-1]["positions"].keys()
        assert len(other.steps("assigned")) == assignments
        assert killed.seen() + other.seen() + again.seen() == Counter(log.all_offsets())


@pytest.mark.kafka
def test_loading_state_may_take_longer_than_a_session(
    kafka_broker: BrokerUnderTest, fresh_name: Callable[[str], str], tmp_path: Path
) -> None:
    """Signs of life go on meanwhile: one assignment, nothing handled before it or twice."""
    log = Log(kafka_broker, fresh_name("topic"), fresh_name("group"))
    log.append(50)
    with BatchWorkerProcess(tmp_path, "slow", **log.basics(), loading_takes_s=10.0, session_timeout=6.0) as worker:
        log.wait_until_caught_up()

        assert len(worker.steps("assigned")) == 1
        assert worker.seen() == Counter(log.all_offsets())


@pytest.mark.kafka
def test_a_worker_joins_while_another_loads_its_state(
    kafka_broker: BrokerUnderTest, fresh_name: Callable[[str], str], tmp_path: Path
) -> None:
    """Partitions may go while their state is being read: nobody handles a batch that is not theirs, none is lost."""
    log = Log(kafka_broker, fresh_name("topic"), fresh_name("group"))
    log.append(50)
    with ExitStack() as stack:
        workers = []
        for name in ("one", "two", "three"):
            settings = {**log.basics(), "loading_takes_s": 2.5}
            workers.append(stack.enter_context(BatchWorkerProcess(tmp_path, name, **settings)))
            wait_until(lambda: log.broker.members(log.group) == len(workers), f"{name} in the group")
        log.append(50)
        log.wait_until_caught_up()

        assert workers[0].seen() + workers[1].seen() + workers[2].seen() == Counter(log.all_offsets())
        assert all(worker.process.poll() is None for worker in workers)


def test_loading_state_may_take_longer_than_a_request(
    embedded_broker: BrokerUnderTest, fresh_name: Callable[[str], str], tmp_path: Path
) -> None:
    """The limit that Faust has for it left the worker standing there for ever; there is none."""
    log = Log(embedded_broker, fresh_name("topic"), fresh_name("group"))
    log.append(50)
    with BatchWorkerProcess(tmp_path, "slow", **log.basics(), loading_takes_s=9.0, request_timeout=7.0) as worker:
        log.wait_until_caught_up()

        assert len(worker.steps("assigned")) == 1
        assert worker.seen() == Counter(log.all_offsets())
