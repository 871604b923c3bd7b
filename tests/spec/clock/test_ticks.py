"""Ticks"""

from tests.support.timeline import Timeline


def test_the_clock_is_the_highest_tick(timeline: Timeline) -> None:
    """A verdict is dated by the clock, which is the highest tick so far and not the time of any record."""
    story = timeline("""
        02-02 20:00 | open O1 P1 home, last exposure 02-02
        02-03 09:00 | tick
        02-03 09:30 | temperature P1 36.6 axillary
    """)

    assert story.states("P1", "temperature", "02-03", "am") == ["done"]
    assert story.local(story.verdict("P1", "temperature", "02-03", "am").decided_at) == "02-03 09:00"


def test_a_lower_tick_changes_nothing(timeline: Timeline) -> None:
    """A tick below the clock neither turns the clock back nor decides anything."""
    story = timeline("""
        02-02 20:00 | open O1 P1 home, last exposure 02-02
        02-03 12:30 | tick
        02-03 09:00 | tick
        02-03 09:30 | temperature P1 36.6 axillary
    """)

    assert story.outcome(3).verdicts == ()
    assert story.local(story.verdict("P1", "temperature", "02-03", "am").decided_at) == "02-03 12:30"


def test_a_tick_of_the_same_instant_changes_nothing(timeline: Timeline) -> None:
    """A tick that repeats the clock decides nothing a second time."""
    story = timeline("""
        02-02 20:00 | open O1 P1 home, last exposure 02-02
        02-03 12:36 | tick
        02-03 12:36 | tick
    """)

    assert len(story.outcome(2).verdicts) == 2
    assert story.outcome(3).verdicts == ()


def test_the_times_of_records_do_not_move_the_clock(timeline: Timeline) -> None:
    """However late a record is received, it makes no deadline pass: only a tick does."""
    story = timeline("""
        02-02 20:00 | open O1 P1 home, last exposure 02-02
        02-03 05:00 | tick
        02-09 15:00 | temperature P1 36.6 axillary
        02-09 15:01 | temperature P1 36.6 axillary, taken 02-03 09:00
    """)

    assert story.states("P1", "temperature", "02-03", "am") == ["done"]
    assert story.alerts("missed_check") == []


def test_before_the_first_tick_results_are_dated_by_the_record(timeline: Timeline) -> None:
    """Before the first tick a verdict or alert is dated by the `occurred_at` of the record that brings it."""
    story = timeline("""
        02-02 20:00 | open O1 P1 home, last exposure 02-02
        02-03 09:45 | temperature P1 38.1 axillary, taken 02-03 09:30
    """)

    (fever,) = story.alerts("fever")
    assert story.local(story.verdict("P1", "temperature", "02-03", "am").decided_at) == "02-03 09:30"
    assert (story.local(fever.raised_at), story.local(fever.updated_at)) == ("02-03 09:30", "02-03 09:30")


def test_nothing_is_due_before_the_first_tick(timeline: Timeline) -> None:
    """Until a first tick has come, no check is missed and no observation is overdue."""
    story = timeline("""
        02-02 20:00 | open O1 P1 home, last exposure 02-02
        02-25 09:00 | temperature P1 36.6 axillary
    """)

    assert story.verdicts() == []
    assert story.alerts() == []
