"""Deadlines"""

from tests.support.timeline import Timeline


def test_a_deadline_is_reached_when_the_clock_is_equal_to_it(timeline: Timeline) -> None:
    """A deadline at 12:35 is decided by a tick of 12:35, not by one a microsecond before it."""
    story = timeline("""
        02-02 20:00           | open O1 P1 home, last exposure 02-02
        02-03 12:34:59.999999 | tick
        02-03 12:35           | tick
    """)

    assert story.outcome(2).verdicts == ()
    assert [verdict.state for verdict in story.outcome(3).verdicts] == ["missed", "missed"]


def test_a_deadline_already_past_is_decided_by_the_next_tick_that_raises_the_clock(timeline: Timeline) -> None:
    """A check that comes into being after its deadline is decided by the next tick that raises the clock, not at once."""
    story = timeline("""
        02-03 13:00    | tick
        02-03 13:05    | open O1 P1 home, last exposure 02-02, taken 02-02 20:00
        02-03 13:00    | tick
        02-03 13:00:01 | tick
    """)

    assert [len(outcome.verdicts) for outcome in story.outcomes] == [0, 0, 0, 2]
    assert story.states("P1", "temperature", "02-03", "am") == ["missed"]


def test_a_past_deadline_leaves_room_for_a_record_before_the_tick(timeline: Timeline) -> None:
    """A record that arrives between the late opening and the next tick still makes the check `done`."""
    story = timeline("""
        02-03 13:00 | tick
        02-03 13:05 | open O1 P1 home, last exposure 02-02, taken 02-02 20:00
        02-03 13:06 | temperature P1 36.6 axillary, taken 02-03 09:00
        02-03 13:07 | tick
    """)

    assert story.states("P1", "temperature", "02-03", "am") == ["done"]
