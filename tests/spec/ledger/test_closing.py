"""What a closing does to the ledger"""

from tests.support.timeline import Timeline


def test_checks_to_come_are_taken_away(timeline: Timeline) -> None:
    """Checks that start at or after the closing, and that the clock has not begun, go without a verdict."""
    story = timeline("""
        02-02 20:00 | open O1 P1 home, last exposure 02-02
        02-03 12:40 | tick
        02-03 14:00 | close O1 P1 released
        02-28 00:00 | tick
    """)

    assert len(story.verdicts()) == 2
    assert list(story.expected("P1")) == ["temperature/02-03/am", "visit/02-03/am"]


def test_checks_that_the_clock_has_begun_are_waived(timeline: Timeline) -> None:
    """A check that starts after a closing that arrives late is `waived` when the clock has reached its start."""
    story = timeline("""
        02-02 20:00 | open O1 P1 home, last exposure 02-02
        02-03 14:00 | tick
        02-03 14:10 | close O1 P1 moved, taken 02-03 13:00
    """)

    assert story.states("P1", "visit", "02-03", "pm") == ["waived"]
    assert "visit/02-04/am" not in story.expected("P1")


def test_a_check_within_whose_window_the_closing_lies_is_waived(timeline: Timeline) -> None:
    """A closing in the middle of a window waives its check, whether the clock has begun it or not."""
    story = timeline("""
        02-02 20:00 | open O1 P1 home, last exposure 02-02
        02-03 05:00 | tick
        02-03 09:00 | close O1 P1 hospital
    """)

    assert story.states("P1", "visit", "02-03", "am") == ["waived"]
    assert list(story.expected("P1")) == ["temperature/02-03/am", "visit/02-03/am"]


def test_checks_that_ended_before_the_closing_are_judged(timeline: Timeline) -> None:
    """A check that ended at or before the closing is judged as if it had not come: here one is made, one missed."""
    story = timeline("""
        02-02 20:00 | open O1 P1 home, last exposure 02-02
        02-03 12:00 | close O1 P1 released
        02-03 12:20 | visit P1 seen
        02-03 12:40 | tick
    """)

    assert story.states("P1", "visit", "02-03", "am") == ["done"]
    assert story.states("P1", "temperature", "02-03", "am") == ["missed"]


def test_a_closing_just_before_the_end_waives(timeline: Timeline) -> None:
    """A closing a microsecond before the end of the window waives the check."""
    story = timeline("""
        02-02 20:00           | open O1 P1 home, last exposure 02-02
        02-03 11:59:59.999999 | close O1 P1 released
        02-03 12:40           | tick
    """)

    assert story.states("P1", "visit", "02-03", "am") == ["waived"]


def test_a_late_closing_waives_what_was_missed_after_it(timeline: Timeline) -> None:
    """A closing that arrives late makes misses whose windows ended after it `waived`, as revision 2."""
    story = timeline("""
        02-02 20:00 | open O1 P1 home, last exposure 02-02
        02-04 12:40 | tick
        02-04 13:00 | close O1 P1 moved, taken 02-03 13:00
    """)

    assert story.states("P1", "visit", "02-03", "am") == ["missed"]
    assert story.states("P1", "visit", "02-03", "pm") == ["missed", "waived"]
    assert story.states("P1", "visit", "02-04", "am") == ["missed", "waived"]


def test_a_closing_leaves_what_was_done(timeline: Timeline) -> None:
    """A check that was made stays `done`, though the closing lies before it."""
    story = timeline("""
        02-02 20:00 | open O1 P1 home, last exposure 02-02
        02-03 09:00 | visit P1 seen
        02-03 10:00 | close O1 P1 moved, taken 02-03 05:00
    """)

    assert story.states("P1", "visit", "02-03", "am") == ["done"]


def test_a_late_record_clears_a_miss_after_the_closing_too(timeline: Timeline) -> None:
    """A visit made in time that is uploaded after the closing still turns `missed` into `late`."""
    story = timeline("""
        02-02 20:00 | open O1 P1 home, last exposure 02-02
        02-03 12:40 | tick
        02-03 13:00 | close O1 P1 released
        02-03 13:30 | visit P1 seen, taken 02-03 09:00
    """)

    assert story.states("P1", "visit", "02-03", "am") == ["missed", "late"]


def test_a_waiver_after_the_closing(timeline: Timeline) -> None:
    """A check of a closed observation can still be waived."""
    story = timeline("""
        02-02 20:00 | open O1 P1 home, last exposure 02-02
        02-03 12:40 | tick
        02-03 13:00 | close O1 P1 released
        02-03 13:30 | waive P1 visit 02-03 am
    """)

    assert story.states("P1", "visit", "02-03", "am") == ["missed", "waived"]
