"""The count"""

from tests.support.timeline import Timeline


def test_a_done_check_ends_the_count(timeline: Timeline) -> None:
    """The count runs from the latest due time backwards to the first `done`: a made check between two misses parts them."""
    story = timeline("""
        02-02 20:00 | open O1 P1 home, last exposure 02-02
        02-03 15:00 | visit P1 seen 36.5 axillary
        02-04 12:35 | tick
    """)

    assert story.states("P1", "visit", "02-03", "am") == ["missed"]
    assert story.states("P1", "visit", "02-04", "am") == ["missed"]
    assert story.alerts("contact_lost") == []


def test_a_late_check_ends_the_count(timeline: Timeline) -> None:
    """A `late` check ends the count as a `done` one does."""
    story = timeline("""
        02-02 20:00 | open O1 P1 home, last exposure 02-02
        02-03 12:35 | tick
        02-03 13:00 | visit P1 seen 36.5 axillary, taken 02-03 09:00
        02-03 20:35 | tick
    """)

    assert story.alerts("contact_lost") == []


def test_waived_checks_are_passed_over(timeline: Timeline) -> None:
    """A waived check neither counts nor ends the count: misses on both sides of it are in a row."""
    story = timeline("""
        02-02 20:00 | open O1 P1 home, last exposure 02-02
        02-03 13:00 | waive P1 visit 02-03 pm
        02-04 12:35 | tick
    """)

    assert "visit/02-04/am" in story.raised("contact_lost")


def test_the_order_is_that_of_due_times(timeline: Timeline) -> None:
    """Due times order the checks, not verdicts: a miss that is judged after the next check was made is not in a row."""
    story = timeline("""
        02-01 08:00 | policy checks=visit visit.settle_minutes=600 visit.lost_after=1
        02-02 20:00 | open O1 P1 home, last exposure 02-02
        02-03 15:00 | visit P1 seen
        02-03 22:35 | tick
    """)

    assert story.states("P1", "visit", "02-03", "am") == ["missed"]
    assert story.alerts("contact_lost") == []


def test_the_count_goes_on_through_an_extension(timeline: Timeline) -> None:
    """An extension is the same observation: misses before and after it are in a row."""
    story = timeline("""
        02-02 20:00 | open O1 P1 home, last exposure 02-02
        02-03 12:35 | tick
        02-03 13:00 | extend O1 P1, last exposure 02-03
        02-03 20:35 | tick
    """)

    assert "visit/02-03/pm" in story.raised("contact_lost")
