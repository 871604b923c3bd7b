"""Waivers"""

import pytest

from tests.support.timeline import Timeline


@pytest.mark.parametrize(
    "check",
    ["P1 visit 02-02 am", "P1 visit 02-17 am", "P1 visit 02-03 noon", "P1 curfew 02-03 am", "P2 visit 02-03 am"],
)
def test_a_waiver_of_nothing(timeline: Timeline, check: str) -> None:
    """A waiver of a check that nobody promised, outside the days or unknown, is a dead letter and changes nothing."""
    story = timeline(f"""
        02-02 20:00 | open O1 P1 home, last exposure 02-02
        02-02 21:00 | waive {check}
    """)

    assert story.dead_letters == ["no_such_check"]
    assert story.figures("P1") == {"pending": 56}


def test_a_waiver_of_a_check_that_a_closing_took_away(timeline: Timeline) -> None:
    """A check that a closing took away is no check any more: its waiver is a dead letter."""
    story = timeline("""
        02-02 20:00 | open O1 P1 home, last exposure 02-02
        02-03 05:00 | close O1 P1 cancelled
        02-03 05:10 | waive P1 visit 02-04 am
    """)

    assert story.dead_letters == ["no_such_check"]


def test_a_waiver_of_a_decided_check(timeline: Timeline) -> None:
    """A waiver of a check that is `done` has no effect and is no dead letter, for the check exists."""
    story = timeline("""
        02-02 20:00 | open O1 P1 home, last exposure 02-02
        02-03 09:00 | visit P1 seen
        02-03 10:00 | waive P1 visit 02-03 am
    """)

    assert story.states("P1", "visit", "02-03", "am") == ["done"]
    assert story.dead_letters == []


def test_a_waived_check_is_waived_once(timeline: Timeline) -> None:
    """A second waiver of the same check brings no revision."""
    story = timeline("""
        02-02 20:00 | open O1 P1 home, last exposure 02-02
        02-03 05:00 | waive P1 visit 02-03 am
        02-03 05:10 | waive P1 visit 02-03 am
    """)

    assert story.states("P1", "visit", "02-03", "am") == ["waived"]


def test_a_waiver_takes_one_check(timeline: Timeline) -> None:
    """A waiver is for one check in one window; the others of the day are expected as before."""
    story = timeline("""
        02-02 20:00 | open O1 P1 home, last exposure 02-02
        02-03 05:00 | waive P1 visit 02-03 am
        02-03 20:40 | tick
    """)

    assert sorted(story.raised("missed_check")) == ["temperature/02-03/am", "temperature/02-03/pm", "visit/02-03/pm"]
