"""Missed and late"""

from tests.support.timeline import Timeline


def test_missed_when_the_clock_reaches_end_grace_and_settle(timeline: Timeline) -> None:
    """A check without a satisfying record becomes `missed` when the clock reaches end + grace + settle, here 12:35."""
    story = timeline("""
        02-02 20:00 | open O1 P1 home, last exposure 02-02
        02-03 12:30 | tick
        02-03 12:35 | tick
    """)

    assert story.outcome(2).verdicts == ()
    assert story.states("P1", "visit", "02-03", "am") == ["missed"]


def test_a_late_record_turns_missed_into_late(timeline: Timeline) -> None:
    """A visit made in time but uploaded late clears the accusation."""
    story = timeline("""
        02-02 20:00 | open O1 P1 home, last exposure 02-02
        02-03 12:36 | tick
        02-03 13:10 | temperature P1 36.6 axillary, taken 02-03 09:00
    """)

    assert story.states("P1", "temperature", "02-03", "am") == ["missed", "late"]


def test_late_is_revision_2_of_the_same_check(timeline: Timeline) -> None:
    """The late verdict has the `check_id` and `due_at` of the missed one, and the later clock."""
    story = timeline("""
        02-02 20:00 | open O1 P1 home, last exposure 02-02
        02-03 12:36 | tick
        02-03 13:00 | tick
        02-03 13:10 | temperature P1 36.6 axillary, taken 02-03 09:00
    """)

    missed, late = story.verdicts("P1", "temperature", "02-03", "am")
    assert (missed.revision, late.revision) == (1, 2)
    assert (missed.check_id, missed.due_at) == (late.check_id, late.due_at)
    assert (story.local(missed.decided_at), story.local(late.decided_at)) == ("02-03 12:36", "02-03 13:00")


def test_a_record_made_after_the_grace_clears_nothing(timeline: Timeline) -> None:
    """A visit made after end + grace leaves the check `missed`."""
    story = timeline("""
        02-02 20:00 | open O1 P1 home, last exposure 02-02
        02-03 12:36 | tick
        02-03 12:40 | visit P1 seen
    """)

    assert story.states("P1", "visit", "02-03", "am") == ["missed"]


def test_a_second_late_record_adds_nothing(timeline: Timeline) -> None:
    """A check that is `late` stays so, whatever else is uploaded."""
    story = timeline("""
        02-02 20:00 | open O1 P1 home, last exposure 02-02
        02-03 12:36 | tick
        02-03 13:10 | visit P1 seen, taken 02-03 09:00
        02-03 13:11 | visit P1 seen, taken 02-03 10:00
    """)

    assert story.states("P1", "visit", "02-03", "am") == ["missed", "late"]
