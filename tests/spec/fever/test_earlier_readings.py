"""Readings that came before"""

import pytest

from tests.support.timeline import Timeline


def test_a_low_reading_that_came_before_refutes_in_the_same_step(timeline: Timeline) -> None:
    """Under observation, a confirm reading that arrived before but was taken after the first settles it as revision 2."""
    story = timeline("""
        02-02 20:00 | open O1 P1 home, last exposure 02-02
        02-03 09:20 | temperature P1 36.5 axillary, taken 02-03 09:10
        02-03 09:30 | scan P1 in passed 37.9 forehead, taken 02-03 09:00
    """)

    assert [(alert.revision, alert.reason) for alert in story.outcome(3).alerts if alert.rule == "fever"] == [
        (1, "screened"),
        (2, "not_confirmed"),
    ]
    assert story.revisions("fever", "P1", "e3")[-1].evidence == ("e2", "e3")


def test_a_high_reading_that_came_before_confirms_in_the_same_step(timeline: Timeline) -> None:
    """Such a reading confirms when it is high, though the alert that it raised itself was resolved meanwhile."""
    story = timeline("""
        02-02 20:00 | open O1 P1 home, last exposure 02-02
        02-03 09:20 | temperature P1 38.0 axillary, taken 02-03 09:10
        02-03 09:25 | resolve fever P1 e2
        02-03 09:30 | temperature P1 37.9 forehead, taken 02-03 09:00
    """)

    assert story.alert("fever", "P1", "e4") == [("open", "warning", "screened"), ("open", "critical", "confirmed")]
    assert story.revisions("fever", "P1", "e4")[-1].evidence == ("e2", "e4")


def test_only_for_people_under_observation(timeline: Timeline) -> None:
    """Readings of people without observation are not kept: the alert stays `screened`."""
    story = timeline("""
        02-03 09:20 | temperature P1 36.5 axillary, taken 02-03 09:10
        02-03 09:30 | scan P1 in passed 37.9 forehead, taken 02-03 09:00
    """)

    assert story.alert("fever", "P1", "e2") == [("open", "warning", "screened")]


def test_only_readings_that_arrived_since_the_opening(timeline: Timeline) -> None:
    """A reading that waited for the opening settles nothing: it arrived before it."""
    story = timeline("""
        02-03 09:20 | temperature P1 36.5 axillary, taken 02-03 09:10
        02-03 09:25 | open O1 P1 home, last exposure 02-02, taken 02-02 20:00
        02-03 09:30 | scan P1 in passed 37.9 forehead, taken 02-03 09:00
    """)

    assert story.alert("fever", "P1", "e3") == [("open", "warning", "screened")]


def test_not_those_of_a_closed_observation(timeline: Timeline) -> None:
    """Readings that arrived during an earlier observation settle nothing in the next one."""
    story = timeline("""
        02-02 20:00 | open O1 P1 home, last exposure 02-02
        02-03 09:20 | temperature P1 36.5 axillary, taken 02-03 09:10
        02-03 09:22 | close O1 P1 moved
        02-03 09:25 | open O2 P1 home, last exposure 02-02
        02-03 09:30 | temperature P1 37.9 forehead, taken 02-03 09:00
    """)

    assert story.alert("fever", "P1", "e5") == [("open", "warning", "screened")]


@pytest.mark.parametrize(
    ("taken", "revisions"),
    [("09:00", 2), ("09:30", 2), ("08:59:59.999999", 1), ("09:30:00.000001", 1)],
)
def test_taken_between_the_first_and_the_due_time(timeline: Timeline, taken: str, revisions: int) -> None:
    """Those taken in `[first, due_at]` count, both ends included."""
    story = timeline(f"""
        02-02 20:00 | open O1 P1 home, last exposure 02-02
        02-03 09:40 | temperature P1 36.5 axillary, taken 02-03 {taken}
        02-03 09:50 | temperature P1 37.9 forehead, taken 02-03 09:00
    """)

    assert len(story.alerts("fever")) == revisions


def test_the_latest_taken_settles(timeline: Timeline) -> None:
    """Of several such readings the one taken last settles, in whichever order they came."""
    story = timeline("""
        02-02 20:00 | open O1 P1 home, last exposure 02-02
        02-03 09:40 | temperature P1 36.5 axillary, taken 02-03 09:20
        02-03 09:45 | temperature P1 36.9 axillary, taken 02-03 09:05
        02-03 09:50 | temperature P1 37.9 forehead, taken 02-03 09:00
    """)

    assert story.revisions("fever", "P1", "e4")[-1].evidence == ("e2", "e4")


def test_a_high_reading_before_the_first_confirms_nothing_when_it_came_before(timeline: Timeline) -> None:
    """The 24 hours backwards are for readings that arrive after the alert; those that came before must be taken after it."""
    story = timeline("""
        02-02 20:00 | open O1 P1 home, last exposure 02-02
        02-03 08:00 | temperature P1 38.0 axillary
        02-03 08:10 | resolve fever P1 e2
        02-03 09:00 | temperature P1 37.9 forehead
    """)

    assert story.alert("fever", "P1", "e4") == [("open", "warning", "screened")]


@pytest.mark.parametrize("change", ["confirm_sites=neck", "implausible_below_c=36.6"])
def test_an_earlier_reading_counts_by_the_policy_that_holds(timeline: Timeline, change: str) -> None:
    """One at a site that confirms nothing any more, or that is not plausible any more, settles nothing."""
    story = timeline(f"""
        02-01 08:00 | policy first
        02-02 20:00 | open O1 P1 home, last exposure 02-02
        02-03 09:20 | temperature P1 36.5 axillary, taken 02-03 09:10
        02-03 09:25 | policy second {change}
        02-03 09:30 | scan P1 in passed 37.9 forehead, taken 02-03 09:00
    """)

    assert story.alert("fever", "P1", "e5") == [("open", "warning", "screened")]
