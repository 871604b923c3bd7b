"""Repeats"""

from tests.support.timeline import Timeline


def test_a_second_arrival_is_ignored(timeline: Timeline) -> None:
    """A record that arrives again brings nothing: here no second alert after staff resolved the first."""
    story = timeline("""
        02-02 20:00 | open O1 P1 home, last exposure 02-02
        02-03 09:00 | scan P1 out passed, as gate-7
        02-03 09:10 | resolve breach P1 O1/02-03/1
        02-03 09:20 | scan P1 out passed, taken 02-03 09:00, as gate-7
    """)

    assert story.raised("breach") == ["O1/02-03/1"]


def test_an_event_id_is_unique_for_ever(timeline: Timeline) -> None:
    """A record with an `event_id` that was taken is ignored, though its content differs."""
    story = timeline("""
        02-02 20:00 | open O1 P1 home, last exposure 02-02
        02-03 09:00 | temperature P1 36.5 axillary, as e7
        02-03 09:10 | visit P1 seen, as e7
    """)

    assert story.states("P1", "visit", "02-03", "am") == []


def test_a_repeat_of_an_opening_is_ignored(timeline: Timeline) -> None:
    """The second arrival of an opening after the closing is a repeat, no dead letter."""
    story = timeline("""
        02-02 20:00 | open O1 P1 home, last exposure 02-02, as e7
        02-03 09:00 | close O1 P1 cancelled
        02-03 09:10 | open O1 P1 home, last exposure 02-02, taken 02-02 20:00, as e7
    """)

    assert story.dead_letters == []


def test_a_repeat_after_days_changes_nothing(timeline: Timeline) -> None:
    """A repeat is recognised as long as it could still clear a miss; here a scan repeated after weeks opens nothing."""
    story = timeline("""
        02-02 20:00 | open O1 P1 home, last exposure 02-02
        02-03 09:00 | scan P1 out passed, as gate-7
        02-03 09:10 | resolve breach P1 O1/02-03/1
        02-28 09:00 | tick
        02-28 09:20 | scan P1 out passed, taken 02-03 09:00, as gate-7
    """)

    assert story.raised("breach") == ["O1/02-03/1"]


def test_a_dead_letter_is_no_arrival(timeline: Timeline) -> None:
    """A record that was refused can be sent in again after its cause is mended."""
    story = timeline("""
        02-03 05:00 | waive P1 visit 02-03 am, as e7
        02-03 05:10 | open O1 P1 home, last exposure 02-02, taken 02-02 20:00
        02-03 05:20 | waive P1 visit 02-03 am, as e7
    """)

    assert story.dead_letters == ["no_such_check"]
    assert story.states("P1", "visit", "02-03", "am") == ["waived"]


def test_a_repeated_command_is_ignored(timeline: Timeline) -> None:
    """A repeated command brings no further revision and no dead letter."""
    story = timeline("""
        02-03 09:00 | temperature P1 38.5 axillary
        02-03 09:10 | acknowledge fever P1 e1, as e7
        02-03 09:20 | acknowledge fever P1 e1, as e7
    """)

    assert len(story.revisions("fever", "P1", "e1")) == 2
    assert story.dead_letters == []


def test_a_scan_before_the_opening_is_no_breach_when_it_comes_again(timeline: Timeline) -> None:
    """A harmless scan that came before the opening brings nothing when it comes again shortly after."""
    story = timeline("""
        02-03 09:00 | scan P1 out passed, as e7
        02-03 10:00 | open O1 P1 home, last exposure 02-02, taken 02-02 20:00
        02-03 10:10 | scan P1 out passed, taken 02-03 09:00, as e7
    """)

    assert story.alerts("breach") == []


def test_an_event_id_counts_once_under_a_person(timeline: Timeline) -> None:
    """Whatever it stands for the second time, and also where the first was a scan that left nothing behind."""
    story = timeline("""
        02-03 09:00 | scan P1 out passed, as e7
        02-03 10:00 | open O1 P1 home, last exposure 02-02, taken 02-02 20:00, as e7
        02-05 00:00 | tick
    """)

    assert story.verdicts() == []
    assert story.dead_letters == []
