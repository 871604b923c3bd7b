"""Raised"""

import pytest

from tests.support.timeline import Timeline


@pytest.mark.parametrize(
    "record", ["temperature P1 33.9 forehead", "visit P1 seen 42.6 axillary", "scan P1 in passed 34.4 wrist"]
)
def test_by_a_reading_outside_the_plausible_range(timeline: Timeline, record: str) -> None:
    """A reading of any kind outside the plausible range raises an info about its source, without `due_at`."""
    story = timeline(f"""
        02-03 09:00 | {record}, from gate-7
    """)

    assert story.alert("implausible_reading", "source:gate-7", "02-03/P1") == [("open", "info", "opened")]
    assert story.alerts()[0].due_at is None


@pytest.mark.parametrize("celsius", [34.5, 42.5])
def test_not_by_the_bounds(timeline: Timeline, celsius: float) -> None:
    """The bounds themselves are plausible."""
    story = timeline(f"""
        02-03 09:00 | temperature P1 {celsius} rectal
    """)

    assert story.alerts("implausible_reading") == []


def test_not_by_what_was_not_measured(timeline: Timeline) -> None:
    """A temperature of 0 in a visit or scan means that none was measured."""
    story = timeline("""
        02-03 09:00 | visit P1 seen 0
        02-03 09:00 | scan P1 in passed 0 wrist
    """)

    assert story.alerts() == []


def test_it_is_no_fever(timeline: Timeline) -> None:
    """An implausibly high reading raises no fever."""
    story = timeline("""
        02-03 09:00 | temperature P1 45.0 ear
    """)

    assert [alert.rule for alert in story.alerts()] == ["implausible_reading"]


def test_it_concerns_the_person_who_was_read(timeline: Timeline) -> None:
    """The subject is the source; the person is the one who was read, under whose key the alert lives."""
    story = timeline("""
        02-03 09:00 | temperature P1 30.0 ear, from gate-7
        02-03 09:10 | resolve implausible_reading source:gate-7 02-03/P1, under P1
    """)

    assert [(alert.person_id, alert.key, alert.state) for alert in story.alerts()] == [
        ("P1", "P1", "open"),
        ("P1", "P1", "resolved"),
    ]


def test_once_for_source_day_and_person(timeline: Timeline) -> None:
    """A further implausible reading by the same source of the same person and day adds nothing, resolved or not."""
    story = timeline("""
        02-03 09:00 | temperature P1 30.0 ear, from gate-7
        02-03 09:10 | temperature P1 31.0 ear, from gate-7
        02-03 09:20 | resolve implausible_reading source:gate-7 02-03/P1, under P1
        02-03 09:30 | temperature P1 32.0 ear, from gate-7
    """)

    assert [alert.state for alert in story.alerts()] == ["open", "resolved"]


def test_another_source_day_or_person_is_another_alert(timeline: Timeline) -> None:
    """Every source, every local day and every person has an alert of its own."""
    story = timeline("""
        02-03 09:00 | temperature P1 30.0 ear, from gate-7
        02-03 09:00 | temperature P1 30.0 ear, from gate-8
        02-03 09:00 | temperature P2 30.0 ear, from gate-7
        02-04 09:00 | temperature P1 30.0 ear, taken 02-04 00:00, from gate-7
    """)

    assert [(alert.subject, alert.occurrence) for alert in story.alerts()] == [
        ("source:gate-7", "2020-02-03/P1"),
        ("source:gate-8", "2020-02-03/P1"),
        ("source:gate-7", "2020-02-03/P2"),
        ("source:gate-7", "2020-02-04/P1"),
    ]
