"""When a worker's partition is due, and what counts as its going on: records to commit, and nothing rightly waited for."""

import time
from types import SimpleNamespace
from typing import Any

import pytest
from faust.types import TP

from streams.batching.ledger import PartitionLedger
from streams.health.pulses import Pulse
from streams.health.survey import Answer
from streams.health.worker import WorkerVitals
from streams.owned import Insight
from streams.settings import KafkaSettings, Settings, WatchdogSettings
from tests.unit.health.parts import AnsweringSurvey

PLACE = TP("timeline", 3)
INSIGHT = Insight(clock=None, handed_over=0, unsaved_records=0, written_at=0.0, is_writing=False)


class Scene:
    """A watch worker with one partition as the test wants it: ten records in the log, of which seven are committed."""

    def __init__(self, end: int = 10, committed: int | None = 7, begin: int = 5) -> None:
        settings = Settings(
            watchdog=WatchdogSettings(stall_seconds=100, survey_seconds=5),
            kafka=KafkaSettings(rebalance_timeout_seconds=40, commit_interval_seconds=2),
        )
        self.ledger = PartitionLedger(begin)
        self.insight = INSIGHT
        self.state = (0, 0)
        self.app: Any = SimpleNamespace(_loop=None, rebalancing=False, rebalancing_count=1)
        self.app._consumer = SimpleNamespace(_ledgers={PLACE: self.ledger}, _acked_index={PLACE: set()}, _thread=None)
        partitions = SimpleNamespace(insights=lambda: {PLACE: self.insight}, state_progress=lambda: self.state)
        worker: Any = SimpleNamespace(role="watch", app=self.app, partitions=partitions)
        self.survey = AnsweringSurvey(settings, dict)
        self.say(end, committed)
        self.vitals = WorkerVitals(worker, settings, self.survey)

    def say(self, end: int, committed: int | None) -> None:
        """Let the brokers answer."""
        done = {} if committed is None else {PLACE: committed}
        self.survey._answer = Answer({"watch": {PLACE: end}}, {"watch": done})

    def pulse(self, what: str = "timeline:3") -> Pulse:
        (found,) = [pulse for pulse in self.vitals.pulses() if pulse.what == what]
        return found

    def mark(self) -> object:
        return self.pulse().mark


def test_records_to_commit_are_due() -> None:
    """The detail says how many, from where on, and which batch is the oldest not acknowledged."""
    scene = Scene()
    scene.ledger.seek(7)
    scene.ledger.deliver(9, 10, delivered_at=time.monotonic() - 30)

    pulse = scene.pulse()

    assert (pulse.is_due, pulse.limit_s) == (True, 100 + 2 + 5)
    assert pulse.detail == {
        "records to commit": 3,
        "committed offset": 7,
        "oldest batch not acknowledged begins at offset": 7,
        "seconds since its delivery": 30,
    }


@pytest.mark.parametrize(
    ("end", "committed", "is_due"),
    [
        (10, 10, False),  # all is done
        (10, 9, True),
        (5, None, False),  # it begins at the end: what lies before was deleted, and never committed
        (6, None, True),
        (0, None, False),  # an empty topic
    ],
)
def test_an_empty_partition_and_one_that_is_caught_up_with_are_not_due(
    end: int, committed: int | None, is_due: bool
) -> None:
    assert Scene(end, committed).pulse().is_due is is_due


def test_a_partition_of_which_the_brokers_have_not_said_anything_is_not_due() -> None:
    scene = Scene()
    scene.survey._answer = Answer({}, {})

    assert not scene.pulse().is_due


def test_nothing_is_due_while_the_brokers_are_away() -> None:
    """The clients try again; how long is for the connection's own limit."""
    scene = Scene()
    scene.app.rebalancing = True
    scene.insight = INSIGHT._replace(is_writing=True)
    assert [pulse.is_due for pulse in scene.vitals.pulses()] == [False, True, True]

    scene.survey.is_answering = False  # type: ignore[assignment,misc]

    assert not any(pulse.is_due for pulse in scene.vitals.pulses())


def test_while_partitions_are_dealt_out_the_hand_over_is_due_and_no_partition() -> None:
    """It may take the rebalance timeout longer than all else: the others of the group have that long."""
    scene = Scene()
    assert not scene.pulse("the hand-over of partitions").is_due
    scene.app.rebalancing = True

    hand_over = scene.pulse("the hand-over of partitions")

    assert (hand_over.is_due, hand_over.limit_s) == (True, 140)
    assert not scene.pulse().is_due


def test_a_worker_that_never_got_an_assignment_is_in_a_hand_over() -> None:
    scene = Scene()
    scene.app.rebalancing_count = 0

    assert scene.pulse("the hand-over of partitions").is_due


def test_what_counts_as_going_on() -> None:
    """Each of these alone: a delivery, an ack, results handed over, a commit."""
    scene = Scene()
    marks = [scene.mark()]
    scene.ledger.deliver(6, 7)
    marks.append(scene.mark())
    scene.ledger.deliver(9, 10)
    marks.append(scene.mark())
    scene.app._consumer._acked_index[PLACE].add(6)
    marks.append(scene.mark())
    scene.insight = INSIGHT._replace(handed_over=1)
    marks.append(scene.mark())
    scene.say(10, 8)
    marks.append(scene.mark())

    assert len(set(marks)) == len(marks)
    assert scene.mark() == marks[-1], "nothing has happened since"


def test_what_counts_as_going_on_in_a_hand_over() -> None:
    """A new generation, an ack of what is waited for, state read or written."""
    scene = Scene()
    scene.ledger.deliver(6, 7)
    marks = [scene.pulse("the hand-over of partitions").mark]
    scene.app.rebalancing_count += 1
    marks.append(scene.pulse("the hand-over of partitions").mark)
    scene.app._consumer._acked_index[PLACE].add(6)
    marks.append(scene.pulse("the hand-over of partitions").mark)
    scene.state = (1, 0)
    marks.append(scene.pulse("the hand-over of partitions").mark)

    assert len(set(marks)) == len(marks)


def test_a_snapshot_under_way_is_due_until_it_is_written() -> None:
    scene = Scene()
    assert not scene.pulse("snapshot of timeline:3").is_due

    scene.insight = INSIGHT._replace(is_writing=True)
    before = scene.pulse("snapshot of timeline:3")
    scene.state = (0, 1)

    assert before.is_due
    assert scene.pulse("snapshot of timeline:3").mark != before.mark


def test_a_snapshot_that_waits_for_results_goes_on_with_them() -> None:
    """A long tick's results come before it: while they are taken one by one nothing stands still."""
    scene = Scene()
    scene.insight = INSIGHT._replace(is_writing=True)
    before = scene.pulse("snapshot of timeline:3").mark
    scene.insight = scene.insight._replace(handed_over=1)

    assert scene.pulse("snapshot of timeline:3").mark != before


def test_a_worker_without_partitions_is_ready() -> None:
    """A spare one: there are more workers than partitions."""
    scene = Scene()
    scene.app._consumer._ledgers.clear()

    assert [check.is_good for check in scene.vitals.checks()] == [True, True]
    scene.app.rebalancing = True
    assert [check.is_good for check in scene.vitals.checks()] == [False, True]
