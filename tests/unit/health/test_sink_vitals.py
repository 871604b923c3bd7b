"""When the sink's partitions are due; ClickHouse that is tried again is waited for, an attempt without an end is not."""

from collections import Counter
from types import SimpleNamespace
from typing import Any

import pytest
from faust.types import TP

from sinks.clickhouse.driver import Attempts
from sinks.clickhouse.loop import SinkInsight
from streams.cli.sink_vitals import SinkVitals
from streams.health.pulses import Pulse
from streams.health.survey import Answer
from streams.settings import KafkaSettings, Settings, SinkSettings, WatchdogSettings
from tests.unit.health.parts import AnsweringSurvey

PLACE = ("timeline", 3)
SEEN = SinkInsight(frozenset({PLACE}), {PLACE: 7}, {PLACE: 10}, 4, 1, is_joining=False, is_writing=False)


class Scene:
    """A sink with one partition: ten records in the log, of which seven are committed."""

    def __init__(self, **seen: Any) -> None:
        settings = Settings(
            watchdog=WatchdogSettings(stall_seconds=100, survey_seconds=5),
            sink=SinkSettings(flush_seconds=2),
            kafka=KafkaSettings(rebalance_timeout_seconds=40),
        )
        self.seen = SEEN._replace(**seen)
        self.attempts = Attempts()
        self.survey = AnsweringSurvey(settings, dict)
        self.survey._answer = Answer({"sink": {TP(*PLACE): 10}}, {"sink": {TP(*PLACE): 7}})
        loop: Any = SimpleNamespace(insight=lambda: self.seen, event_loop=None)
        writer: Any = SimpleNamespace(rows=Counter(), inserts=Counter())
        database: Any = SimpleNamespace(attempts=self.attempts)
        self.vitals = SinkVitals(loop, writer, database, settings, self.survey)

    def pulse(self, what: str) -> Pulse:
        (found,) = [pulse for pulse in self.vitals.pulses() if what in pulse.what]
        return found


def test_records_to_commit_are_due() -> None:
    """The limit leaves room for one attempt of the client, a batch that waits to be full, and the next survey."""
    pulse = Scene().pulse("timeline:3")

    assert (pulse.is_due, pulse.limit_s) == (True, 100 + 120 + 10 * 2 + 5)
    assert pulse.detail == {"records to commit": 3, "committed offset": 7, "read to offset": 10}


def test_clickhouse_that_is_tried_again_is_waited_for() -> None:
    """That has a bound of its own, after which the sink ends by itself."""
    scene = Scene(is_writing=True)
    scene.attempts.is_retrying = True

    assert not scene.pulse("timeline:3").is_due


@pytest.mark.parametrize(("is_joining", "is_answering"), [(True, True), (False, False)])
def test_what_else_is_rightly_waited_for(is_joining: bool, is_answering: bool) -> None:
    scene = Scene(is_joining=is_joining)
    scene.survey.is_answering = is_answering  # type: ignore[assignment,misc]

    assert not scene.pulse("timeline:3").is_due
    assert scene.pulse("hand-over").is_due is (is_joining and is_answering)


def test_an_attempt_without_an_end_is_a_stall_whatever_the_brokers_say() -> None:
    """Each attempt counts as going on, each batch too."""
    scene = Scene(is_writing=True)
    scene.survey.is_answering = False  # type: ignore[assignment,misc]
    marks = [scene.pulse("attempt").mark]
    scene.attempts.made += 1
    marks.append(scene.pulse("attempt").mark)
    scene.seen = scene.seen._replace(batches_written=5)
    marks.append(scene.pulse("attempt").mark)

    assert scene.pulse("attempt").is_due
    assert len(set(marks)) == 3
    scene.seen = scene.seen._replace(is_writing=False)
    assert not scene.pulse("attempt").is_due


def test_what_counts_as_going_on() -> None:
    """What was read, and what the brokers say is committed."""
    scene = Scene()
    marks = [scene.pulse("timeline:3").mark]
    scene.seen = scene.seen._replace(read_to={PLACE: 11})
    marks.append(scene.pulse("timeline:3").mark)
    scene.survey._answer = Answer({"sink": {TP(*PLACE): 10}}, {"sink": {TP(*PLACE): 9}})
    marks.append(scene.pulse("timeline:3").mark)

    assert len(set(marks)) == 3


@pytest.mark.parametrize(
    ("is_retrying", "is_pinged", "reason"),
    [
        (False, True, ""),
        (True, True, "the last attempt failed; it is tried again"),
        (False, False, "it does not answer"),
    ],
)
def test_ready_needs_clickhouse(is_retrying: bool, is_pinged: bool, reason: str) -> None:
    scene = Scene()
    scene.attempts.is_retrying, scene.survey.is_pinged = is_retrying, is_pinged

    (check,) = [check for check in scene.vitals.checks() if check.name == "clickhouse"]

    assert (check.is_good, check.reason) == (not reason, reason)


def test_a_batch_that_was_written_is_progress() -> None:
    """All batches of a round are committed together: slow inserts must not look like a partition that stands still."""
    scene = Scene(is_writing=True)
    before = scene.pulse("timeline:3").mark
    scene.seen = scene.seen._replace(batches_written=5)

    assert scene.pulse("timeline:3").mark != before
