"""Resolved"""

from tests.support.timeline import Timeline


def test_by_a_late_closing_before_all_its_scans(timeline: Timeline) -> None:
    """A closing that arrives late resolves alerts whose scans were all taken at or after it."""
    story = timeline("""
        02-02 20:00 | open O1 P1 home, last exposure 02-02
        02-03 09:00 | scan P1 out passed
        02-03 10:00 | close O1 P1 moved, taken 02-03 09:00
    """)

    assert story.alert("breach", "P1", "O1/02-03/1")[-1] == ("resolved", "critical", "observation_closed")


def test_not_when_a_scan_was_made_before_the_closing(timeline: Timeline) -> None:
    """A breach that was one stays open after the closing."""
    story = timeline("""
        02-02 20:00 | open O1 P1 home, last exposure 02-02
        02-03 09:00 | scan P1 out passed
        02-03 10:00 | close O1 P1 moved, taken 02-03 09:00:00.000001
    """)

    assert story.alert("breach", "P1", "O1/02-03/1") == [("open", "critical", "opened")]


def test_scans_that_added_nothing_count(timeline: Timeline) -> None:
    """A scan that added nothing to an open alert still holds it open, when it was made before the closing."""
    story = timeline("""
        02-02 20:00 | open O1 P1 home, last exposure 02-02
        02-03 09:00 | scan P1 out passed
        02-03 09:10 | scan P1 out passed, taken 02-03 07:00
        02-03 10:00 | close O1 P1 moved, taken 02-03 08:00
    """)

    assert story.alert("breach", "P1", "O1/02-03/1") == [("open", "critical", "opened")]


def test_each_day_by_itself(timeline: Timeline) -> None:
    """A late closing resolves the alerts of the days after it and leaves those of the days before."""
    story = timeline("""
        02-02 20:00 | open O1 P1 home, last exposure 02-02
        02-03 09:00 | scan P1 out passed
        02-04 09:00 | scan P1 out passed
        02-04 10:00 | close O1 P1 moved, taken 02-03 18:00
    """)

    assert [alert.state for alert in story.revisions("breach", "P1", "O1/02-03/1")] == ["open"]
    assert [alert.state for alert in story.revisions("breach", "P1", "O1/02-04/1")] == ["open", "resolved"]
