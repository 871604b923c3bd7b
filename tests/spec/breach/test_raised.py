"""Raised"""

import pytest

from tests.support.timeline import Timeline


@pytest.mark.parametrize(
    "scan", ["out passed", "in passed", "out held", "in held", "out turned_back", "in turned_back"]
)
def test_by_any_scan_of_a_person_under_observation(timeline: Timeline, scan: str) -> None:
    """A scan raises a critical alert without `due_at`, whichever way the person went and whatever the gate decided."""
    story = timeline(f"""
        02-02 20:00 | open O1 P1 home, last exposure 02-02
        02-03 09:00 | scan P1 {scan}
    """)

    assert story.alert("breach", "P1", "O1/02-03/1") == [("open", "critical", "opened")]
    assert story.alerts("breach")[0].due_at is None


def test_not_for_people_without_observation(timeline: Timeline) -> None:
    """Others go through checkpoints as they like."""
    story = timeline("""
        02-03 09:00 | scan P1 out passed
    """)

    assert story.alerts() == []


def test_only_for_the_categories_of_the_policy(timeline: Timeline) -> None:
    """A category that the policy does not name as one of a breach may be met at a checkpoint."""
    story = timeline("""
        02-01 08:00 | policy breach_categories=lockdown
        02-02 20:00 | open O1 P1 home, last exposure 02-02
        02-02 20:00 | open O2 P2 lockdown, last exposure 02-02
        02-03 09:00 | scan P1 out passed
        02-03 09:00 | scan P2 out passed
    """)

    assert [alert.subject for alert in story.alerts("breach")] == ["person:P2"]


def test_from_the_opening(timeline: Timeline) -> None:
    """A scan made exactly at the opening is a breach, one made a microsecond before it is none."""
    story = timeline("""
        02-02 20:00 | open O1 P1 home, last exposure 02-02
        02-02 20:01 | scan P1 in passed, taken 02-02 19:59:59.999999
        02-02 20:02 | scan P1 in passed, taken 02-02 20:00, as met
    """)

    assert [alert.evidence for alert in story.alerts("breach")] == [("met",)]


def test_until_the_closing(timeline: Timeline) -> None:
    """A scan made a microsecond before the closing is a breach though it arrives after it; one made at it is none."""
    story = timeline("""
        02-02 20:00 | open O1 P1 home, last exposure 02-02
        02-17 09:00 | close O1 P1 released
        02-17 09:10 | scan P1 out passed, taken 02-17 09:00
        02-17 09:20 | scan P1 out passed, taken 02-17 08:59:59.999999, as met
    """)

    assert [alert.evidence for alert in story.alerts("breach")] == [("met",)]


def test_not_by_a_scan_that_arrives_before_the_opening(timeline: Timeline) -> None:
    """A scan counts only when it stands in the log after the opening, though it was made later."""
    story = timeline("""
        02-03 09:00 | scan P1 out passed
        02-03 10:00 | open O1 P1 home, last exposure 02-02, taken 02-02 20:00
    """)

    assert story.alerts("breach") == []


def test_before_day_1_too(timeline: Timeline) -> None:
    """A breach depends on the opening, not on the days of the checks."""
    story = timeline("""
        02-02 08:00 | open O1 P1 home, last exposure 02-02
        02-02 09:00 | scan P1 out passed
        02-28 09:00 | scan P1 out passed
    """)

    assert story.raised("breach") == ["O1/02-02/1", "O1/02-28/1"]


def test_long_after_the_closing(timeline: Timeline) -> None:
    """A scan uploaded weeks after the closing is a breach of the observation in which it was made."""
    story = timeline("""
        02-02 20:00 | open O1 P1 home, last exposure 02-02
        02-17 09:00 | close O1 P1 released
        04-30 00:00 | tick
        04-30 09:00 | scan P1 out passed, taken 02-10 09:00
    """)

    assert story.raised("breach") == ["O1/02-10/1"]


def test_of_two_observations_the_one_opened_last(timeline: Timeline) -> None:
    """A scan that lies in the time of two observations is a breach of the one that was opened last."""
    story = timeline("""
        02-02 20:00 | open O1 P1 home, last exposure 02-02
        02-03 09:00 | close O1 P1 moved
        02-03 10:00 | open O2 P1 home, last exposure 02-02, taken 02-03 07:00
        02-03 11:00 | scan P1 out passed, taken 02-03 08:00
    """)

    assert story.raised("breach") == ["O2/02-03/1"]


def test_each_observation_has_its_own(timeline: Timeline) -> None:
    """A scan belongs to the observation in whose time it was made."""
    story = timeline("""
        02-02 20:00 | open O1 P1 home, last exposure 02-02
        02-03 09:00 | close O1 P1 moved
        02-03 10:00 | open O2 P1 home, last exposure 02-02
        02-03 11:00 | scan P1 out passed, taken 02-03 08:00
        02-03 11:10 | scan P1 out passed
        02-03 11:20 | scan P1 out passed, taken 02-03 09:30
    """)

    assert story.raised("breach") == ["O1/02-03/1", "O2/02-03/1"]
