"""What intake and watch decide live is what a replay of the timeline decides, wherever they are interrupted."""

from dataclasses import replace
from datetime import UTC, datetime

import pytest

from events.codec import encode
from events.policy import default_policy
from events.records import PolicyChanged
from tests.properties.logs import Log, by_identity, of_people, replay
from tests.properties.pipeline import raw_log, run_pipeline


@pytest.mark.seeds(share=0.15)
def test_a_timeline_partition_replayed(log: Log) -> None:
    """The records of a timeline partition in a file give the same verdicts and alerts, to the byte."""
    partitions = log.random("partitions").choice([1, 2, 3])

    live = run_pipeline(raw_log(log.lines, partitions), partitions)

    for number, values in enumerate(live.timeline):
        again = replay(values)
        assert live.values("checks", number) == again.verdicts
        assert live.values("alerts", number) == again.alerts
        assert len(live.values("dead-letters", number)) == len(again.refusals)


@pytest.mark.seeds(share=0.15)
def test_restarts_anywhere(log: Log) -> None:
    """Intake and watch written out and read back at any record give the same timeline, results and states, to the byte."""
    partitions = 2
    raw = raw_log(log.lines, partitions)

    through, interrupted = run_pipeline(raw, partitions), run_pipeline(raw, partitions, log.random("restarts"))

    assert interrupted == through


@pytest.mark.seeds(share=0.15)
def test_the_file_and_the_pipeline(log: Log) -> None:
    """A log of valid records gives the same results through the raw topics as straight from the file."""
    whole = replay(log.lines)
    lines = [line for number, line in enumerate(log.lines) if number not in whole.refusals]
    direct = replay(lines)

    live = run_pipeline(raw_log(lines, 1), 1)

    assert live.refused == []
    assert live.values("checks", 0) == direct.verdicts
    assert of_people(live.values("alerts", 0)) == of_people(direct.alerts)


@pytest.mark.seeds(share=0.15)
def test_partitions(log: Log) -> None:
    """However many partitions the timeline has, the revisions of every check and alert are the same.

    The log begins with a policy, as a live one does: the default would be used in one partition and not in another.
    """
    begin = PolicyChanged(
        event_id="begin",
        source_id="begin",
        occurred_at=datetime(1970, 1, 1, tzinfo=UTC),
        policy=replace(default_policy(), policy_version="begin"),
    )
    lines = [encode(begin), *log.lines]

    one, three = run_pipeline(raw_log(lines, 1), 1), run_pipeline(raw_log(lines, 3), 3)

    for topic, identity in (("checks", "check_id"), ("alerts", "alert_id")):
        together = [value for number in range(3) for value in three.values(topic, number)]
        alone = one.values(topic, 0)
        if topic == "alerts":
            together, alone = of_people(together), of_people(alone)
        assert by_identity(identity, together) == by_identity(identity, alone)
