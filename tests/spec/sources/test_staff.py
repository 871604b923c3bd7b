"""What staff say about a source"""

import json

from events.results import alert_id
from events.vocabulary import RuleName
from tests.support.timeline import Timeline


def test_a_silence_that_staff_resolve(timeline: Timeline) -> None:
    """Staff acknowledge and resolve under the key of the source; the same silence opens no other alert."""
    story = timeline("""
        02-03 09:00 | tick
        02-03 09:00 | source gate-1 every 3600
        02-03 10:00 | tick
        02-03 10:10 | acknowledge source_silent source:gate-1 20200203T010000Z
        02-03 10:20 | resolve source_silent source:gate-1 20200203T010000Z
        02-04 10:20 | tick
        02-04 10:21 | resolve source_silent source:gate-1 20200203T010000Z
    """)

    states = [state for state, _, _ in story.alert("source_silent", "source:gate-1", "20200203T010000Z")]
    assert states == ["open", "acknowledged", "resolved"]
    assert len(story.alerts()) == 3
    assert story.dead_letters == []


def test_holes_that_staff_write_off(timeline: Timeline) -> None:
    """When staff resolve the alert of missing numbers, these are written off; what is missing later is another alert."""
    story = timeline("""
        02-03 09:00 | tick
        02-03 09:02 | heard gate-1 until 02-03 09:05 1-4 6
        02-03 09:10 | tick
        02-03 09:20 | acknowledge sequence_gap source:gate-1 5/20200203T010000Z
        02-03 09:30 | resolve sequence_gap source:gate-1 5/20200203T010000Z
        02-03 11:00 | tick
        02-03 11:02 | heard gate-1 until 02-03 11:05 8
        02-03 11:10 | tick
    """)

    states = [state for state, _, _ in story.alert("sequence_gap", "source:gate-1", "5/20200203T010000Z")]
    assert states == ["open", "acknowledged", "resolved"]
    assert story.raised("sequence_gap") == ["5/20200203T010000Z", "7/20200203T030000Z"]


def test_an_alert_that_is_not_there(timeline: Timeline) -> None:
    """A command for an alert that a source does not have is refused."""
    story = timeline("""
        02-03 09:00 | tick
        02-03 09:00 | source gate-1 every 3600
        02-03 10:00 | tick
        02-03 10:10 | resolve source_silent source:gate-1 20200203T020000Z
        02-03 10:10 | resolve source_silent source:gate-2 20200203T010000Z
        02-03 10:10 | resolve source_silent source:gate-1 20200203T010000Z, under gate-1
    """)

    assert story.dead_letters == ["no_such_alert"] * 3


def test_a_person_who_is_called_as_a_source_is(timeline: Timeline) -> None:
    """A person and a source may live under the same key: a command concerns the alert that it names."""
    hot = alert_id(RuleName.FEVER, "person:source:gate-1", "hot")
    resolved = {
        "kind": "alert_resolved",
        "event_id": "c1",
        "source_id": "S1",
        "occurred_at": "2020-02-03T02:10:00Z",
        "alert_id": hot,
        "key": "source:gate-1",
        "actor_id": "A1",
    }
    story = timeline(f"""
        02-03 09:00 | tick
        02-03 09:00 | source gate-1 every 3600
        02-03 09:30 | temperature source:gate-1 38.5 axillary, as hot
        02-03 10:00 | tick
        02-03 10:10 | raw {json.dumps(resolved)}
    """)

    by_rule = {alert.rule.value: alert for alert in story.alerts()}
    assert (by_rule["fever"].state, by_rule["fever"].person_id) == ("resolved", "source:gate-1")
    assert (by_rule["source_silent"].state, by_rule["source_silent"].person_id) == ("open", None)
    assert story.dead_letters == []
