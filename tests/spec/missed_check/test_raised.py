"""Raised"""

from tests.support.timeline import Timeline


def test_raised_when_a_check_becomes_missed(timeline: Timeline) -> None:
    """A check that becomes `missed` raises a warning, whose `due_at` is the window's end plus grace."""
    story = timeline("""
        02-02 20:00 | open O1 P1 home, last exposure 02-02
        02-03 12:40 | tick
    """)

    assert story.alert("missed_check", "P1", "visit/02-03/am") == [("open", "warning", "opened")]
    (alert,) = story.revisions("missed_check", "P1", "visit/02-03/am")
    assert (alert.subject, story.local(alert.due_at), alert.evidence) == ("person:P1", "02-03 12:30", ())


def test_one_for_every_check(timeline: Timeline) -> None:
    """Every missed check of every window has an alert of its own."""
    story = timeline("""
        02-02 20:00 | open O1 P1 home, last exposure 02-02
        02-03 09:00 | temperature P1 36.5 axillary
        02-04 12:40 | tick
    """)

    assert story.raised("missed_check") == [
        "visit/02-03/am",
        "temperature/02-03/pm",
        "visit/02-03/pm",
        "temperature/02-04/am",
        "visit/02-04/am",
    ]


def test_nothing_is_raised_for_what_was_done_or_waived(timeline: Timeline) -> None:
    """Checks that are done or waived raise nothing."""
    story = timeline("""
        02-02 20:00 | open O1 P1 home, last exposure 02-02
        02-03 09:00 | temperature P1 36.5 axillary
        02-03 09:10 | waive P1 visit 02-03 am
        02-03 12:40 | tick
    """)

    assert story.alerts() == []


def test_a_miss_judged_after_the_closing_opens_nothing(timeline: Timeline) -> None:
    """A miss that is judged after the closing (in the log) is a verdict and opens nothing."""
    story = timeline("""
        02-02 20:00 | open O1 P1 home, last exposure 02-02
        02-03 12:20 | close O1 P1 released
        02-03 12:40 | tick
    """)

    assert story.states("P1", "visit", "02-03", "am") == ["missed"]
    assert story.alerts("missed_check") == []


def test_a_miss_of_a_closed_observation_opens_nothing_while_another_is_open(timeline: Timeline) -> None:
    """A miss of the closed observation opens nothing, though the person is under observation again."""
    story = timeline("""
        02-02 20:00 | open O1 P1 home, last exposure 02-02
        02-03 12:20 | close O1 P1 moved
        02-03 12:25 | open O2 P1 home, last exposure 02-02
        02-03 12:40 | tick
    """)

    assert story.states("P1", "visit", "02-03", "am") == ["missed"]
    assert story.alerts("missed_check") == []
