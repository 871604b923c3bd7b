"""Forgetting"""

import pytest

from tests.support.timeline import Timeline


def test_what_a_tick_forgets_does_not_depend_on_how_often_it_comes(timeline: Timeline) -> None:
    """A command that comes very late has the same effect whether one tick or several brought the clock there."""
    table = """
        02-02 20:00 | open O1 P1 home, last exposure 02-25
        02-03 12:37 | tick
        02-03 12:38 | temperature P1 30.0, from gate-7
        02-03 12:39 | resolve implausible_reading source:gate-7 02-03/P1, under P1
        03-04 00:00 | tick
        {}
        03-04 13:00 | resolve implausible_reading source:gate-7 02-03/P1, under P1
    """
    often = timeline(table.format("03-04 12:36 | tick\n03-04 12:38 | tick"))
    once = timeline(table.format("03-04 12:38 | tick"))

    assert once.dead_letters == often.dead_letters


def test_a_repeat_after_a_long_time_never_stops_the_rest(timeline: Timeline) -> None:
    """A reading repeated weeks later, after its alert was resolved, brings nothing and stops nothing."""
    story = timeline("""
        02-03 09:00 | temperature P1 38.0 axillary, as e7
        03-20 09:00 | tick
        03-20 09:10 | resolve fever P1 e7
        03-20 09:20 | temperature P1 38.0 axillary, taken 02-03 09:00, as e7
    """)

    assert story.alert("fever", "P1", "e7")[-1] == ("resolved", "critical", "by_staff")


@pytest.mark.parametrize("late_days", [0, 1])
def test_numbers_of_a_day_go_on(timeline: Timeline, late_days: int) -> None:
    """After an alert was resolved the next scan of the day opens N + 1, however soon resolved alerts may be forgotten."""
    story = timeline(f"""
        02-01 08:00 | policy late_days={late_days}
        02-03 07:00 | tick
        02-03 07:05 | scan P1 in held, code red
        02-03 07:20 | resolve health_code P1 02-03/red/1
        02-03 08:00 | tick
        02-03 09:30 | scan P1 in held, code red
    """)

    assert story.raised("health_code") == ["02-03/red/1", "02-03/red/2"]


def test_a_check_is_judged_once_for_ever(timeline: Timeline) -> None:
    """A check belongs to the first observation that had it, also when that one is closed and final."""
    story = timeline("""
        02-01 08:00 | policy late_days=0
        02-02 20:00 | open O1 P1 home, last exposure 02-02
        02-03 09:00 | visit P1 seen
        02-03 13:00 | close O1 P1 moved
        02-05 00:00 | tick
        02-05 09:00 | open O2 P1 home, last exposure 02-02, taken 02-03 05:00
        02-05 09:01 | tick
    """)

    assert story.states("P1", "visit", "02-03", "am") == ["done"]
