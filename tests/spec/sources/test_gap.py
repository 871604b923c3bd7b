"""The alert of missing numbers"""

import pytest

from tests.support.timeline import Timeline


def test_opened_ten_minutes_after_the_hole_was_seen(timeline: Timeline) -> None:
    """Records may be under way: the clock opens the alert ten minutes after the hole was first seen."""
    story = timeline("""
        02-03 09:00 | tick
        02-03 09:00 | source gate-1 every 0 t/c1
        02-03 09:02 | heard gate-1 until 02-03 09:05 1-4, until 02-03 09:02
        02-03 09:03 | heard gate-1 until 02-03 09:05 7-9 12, since 02-03 09:04, until 02-03 09:05
        02-03 09:09 | tick
        02-03 09:10 | tick
    """)

    assert story.outcome(5).alerts == ()
    (alert,) = story.outcome(6).alerts
    assert (alert.rule, alert.state, alert.severity, alert.reason) == ("sequence_gap", "open", "warning", "opened")
    assert (alert.subject, alert.key, alert.person_id) == ("source:gate-1", "source:gate-1", None)
    assert (alert.area, alert.occurrence) == ("t/c1", "5/20200203T010000Z")
    assert (alert.due_at, alert.evidence) == (None, ())
    assert alert.detail == {
        "first": 5,
        "last": 11,
        "missing": 4,
        "holes": 2,
        "since": "2020-02-03T01:02:00Z",
        "until": "2020-02-03T01:05:00Z",
        "areas": ["t/c1"],
    }


def test_records_under_way(timeline: Timeline) -> None:
    """What comes within the ten minutes leaves no alert."""
    story = timeline("""
        02-03 09:00 | tick
        02-03 09:02 | heard gate-1 until 02-03 09:05 1-4 6
        02-03 09:03 | heard gate-1 until 02-03 09:05 5
        02-03 10:00 | tick
    """)

    assert story.alerts() == []


def test_resolved_when_all_came(timeline: Timeline) -> None:
    """The alert is resolved when no hole is left, and not before; more holes open no other."""
    story = timeline("""
        02-03 09:00 | tick
        02-03 09:02 | heard gate-1 until 02-03 09:05 1-4 6
        02-03 09:10 | tick
        02-03 09:12 | heard gate-1 until 02-03 09:15 8
        02-03 09:30 | tick
        02-03 09:32 | heard gate-1 until 02-03 09:35 5
        02-03 09:33 | heard gate-1 until 02-03 09:35 7, as late
    """)

    assert story.outcome(6).alerts == ()
    assert story.alert("sequence_gap", "source:gate-1", "5/20200203T010000Z") == [
        ("open", "warning", "opened"),
        ("resolved", "warning", "backfilled"),
    ]
    assert story.outcome(7).alerts[0].evidence == ("late",)
    assert len(story.alerts()) == 2


def test_given_up_after_the_late_days(timeline: Timeline) -> None:
    """A hole is given up after `late_days`, 30 at least; the alert is resolved when no other is left."""
    story = timeline("""
        02-03 09:00 | policy v1 late_days=30
        02-03 09:00 | tick
        02-03 09:02 | heard gate-1 until 02-03 09:05 1-4 6
        02-03 09:10 | tick
        02-10 09:00 | tick
        02-10 09:02 | heard gate-1 until 02-10 09:05 8
        03-04 09:00 | tick
        03-11 08:59 | tick
        03-11 09:00 | tick
    """)

    states = [alert.state for alert in story.alerts("sequence_gap")]
    assert states == ["open", "resolved"]
    (last,) = story.outcome(9).alerts
    assert (last.reason, last.evidence) == ("given_up", ())
    assert story.source("gate-1").missing == 0


def test_a_source_that_is_silent_too(timeline: Timeline) -> None:
    """One late tick opens both alerts of a source in the order of the instants that the clock had to reach."""
    story = timeline("""
        02-03 09:00 | tick
        02-03 09:00 | source gate-1 every 3600
        02-03 09:02 | heard gate-1 until 02-03 09:05 1-4 6
        02-03 18:00 | tick
    """)

    assert [alert.rule for alert in story.alerts()] == ["sequence_gap", "source_silent"]


@pytest.mark.parametrize("ticks", [["02-03 18:00"], ["02-03 09:10", "02-03 09:30", "02-03 10:05", "02-03 18:00"]])
def test_how_finely_time_is_cut(timeline: Timeline, ticks: list[str]) -> None:
    """One late tick brings what many small ones would, and dates it by itself."""
    lines = "\n".join(f"{at} | tick" for at in ticks)
    story = timeline(f"""
        02-03 09:00 | tick
        02-03 09:00 | source gate-1 every 3600
        02-03 09:02 | heard gate-1 until 02-03 09:05 1-4 6
        {lines}
    """)

    assert [(alert.rule, alert.occurrence, alert.revision) for alert in story.alerts()] == [
        ("sequence_gap", "5/20200203T010000Z", 1),
        ("source_silent", "20200203T010500Z", 1),
    ]
