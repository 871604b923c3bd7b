"""The alert of a silence"""

import pytest

from tests.support.timeline import Timeline


def test_opened_when_the_interval_is_over(timeline: Timeline) -> None:
    """The clock opens the alert when it reaches the last sign of life and the interval, and names that sign of life."""
    story = timeline("""
        02-03 09:00 | tick
        02-03 09:00 | source gate-1 every 3600 t/c1 t/c2
        02-03 09:02 | heard gate-1 until 02-03 09:05 1-4
        02-03 10:04 | tick
        02-03 10:05 | tick
    """)

    assert story.outcome(4).alerts == ()
    (alert,) = story.outcome(5).alerts
    assert (alert.rule, alert.state, alert.severity, alert.reason) == ("source_silent", "open", "warning", "opened")
    assert (alert.subject, alert.key, alert.person_id) == ("source:gate-1", "source:gate-1", None)
    assert (alert.area, alert.occurrence, alert.evidence) == ("t/c1", "20200203T010500Z", ())
    assert story.local(alert.due_at) == "02-03 10:05"
    assert alert.detail == {
        "heard_until": "2020-02-03T01:05:00Z",
        "interval_seconds": 3600,
        "areas": ["t/c1", "t/c2"],
    }


def test_a_source_that_was_never_heard(timeline: Timeline) -> None:
    """Of a source that was never heard the silence counts from the clock at its definition."""
    story = timeline("""
        02-03 09:00 | tick
        02-03 09:20 | source gate-1 every 3600
        02-03 10:00 | tick
    """)

    (alert,) = story.alerts("source_silent", "source:gate-1")
    assert (alert.area, alert.occurrence) == ("", "20200203T010000Z")
    assert alert.detail["heard_until"] is None


def test_resolved_when_it_is_heard_again(timeline: Timeline) -> None:
    """A later sign of life resolves the alert; the next silence is another alert."""
    story = timeline("""
        02-03 09:00 | tick
        02-03 09:00 | source gate-1 every 3600
        02-03 09:02 | heard gate-1 until 02-03 09:05
        02-03 11:00 | tick
        02-03 11:02 | heard gate-1 until 02-03 11:05
        02-03 13:00 | tick
    """)

    assert story.alert("source_silent", "source:gate-1", "20200203T010500Z") == [
        ("open", "warning", "opened"),
        ("resolved", "warning", "heard_again"),
    ]
    assert story.alert("source_silent", "source:gate-1", "20200203T030500Z") == [("open", "warning", "opened")]


def test_an_older_sign_of_life(timeline: Timeline) -> None:
    """A sign of life that is not later than the last one, as a repeat is, resolves nothing."""
    story = timeline("""
        02-03 09:00 | tick
        02-03 09:00 | source gate-1 every 3600
        02-03 09:02 | heard gate-1 until 02-03 09:05
        02-03 11:00 | tick
        02-03 11:02 | heard gate-1 until 02-03 09:05
    """)

    assert story.alert("source_silent", "source:gate-1", "20200203T010500Z") == [("open", "warning", "opened")]


@pytest.mark.parametrize("definition", ["every 0 t/c1", "unwatched t/c1"])
def test_a_source_of_which_no_silence_is_noticed(timeline: Timeline, definition: str) -> None:
    """No silence is noticed of a source with interval 0, or that is not active; an open alert is resolved."""
    story = timeline(f"""
        02-03 09:00 | tick
        02-03 09:00 | source gate-1 every 3600 t/c1
        02-03 10:00 | tick
        02-03 10:10 | source gate-1 {definition}
        02-09 10:00 | tick
    """)

    assert story.alert("source_silent", "source:gate-1", "20200203T010000Z") == [
        ("open", "warning", "opened"),
        ("resolved", "warning", "source_changed"),
    ]
    assert len(story.alerts()) == 2


def test_a_source_that_is_taken_into_service_again(timeline: Timeline) -> None:
    """A silence counts from when the source came to be watched, if it was heard before that."""
    story = timeline("""
        02-03 09:00 | tick
        02-03 09:00 | source gate-1 every 3600
        02-03 09:02 | heard gate-1 until 02-03 09:05
        02-03 09:10 | source gate-1 unwatched
        02-05 09:00 | tick
        02-05 09:10 | source gate-1 every 3600
        02-05 09:59 | tick
        02-05 10:00 | tick
    """)

    assert story.outcome(7).alerts == ()
    assert story.raised("source_silent") == ["20200205T010000Z"]


def test_the_last_definition_holds(timeline: Timeline) -> None:
    """The last definition in the log holds; one that comes again under its event id changes nothing."""
    story = timeline("""
        02-03 09:00 | tick
        02-03 09:00 | source gate-1 every 60 t/c1, as d1
        02-03 09:01 | source gate-1 every 7200 t/c2, as d2
        02-03 09:02 | source gate-1 every 60 t/c1, as d1
        02-03 10:59 | tick
        02-03 11:00 | tick
    """)

    assert story.outcome(5).alerts == ()
    (alert,) = story.outcome(6).alerts
    assert (alert.area, alert.detail["interval_seconds"]) == ("t/c2", 7200)


def test_a_source_that_nobody_defined(timeline: Timeline) -> None:
    """Of a source that nobody defined no silence is noticed."""
    story = timeline("""
        02-03 09:00 | tick
        02-03 09:02 | heard gate-1 until 02-03 09:05
        02-08 09:00 | tick
    """)

    assert story.alerts() == []
