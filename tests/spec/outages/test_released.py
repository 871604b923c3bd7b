"""What becomes of an unknown check"""

from tests.support.timeline import Timeline


def test_back_fill_makes_it_done(timeline: Timeline) -> None:
    """A record that comes after all makes an unknown check `done`, as revision 2: it was made in time."""
    story = timeline("""
        02-02 20:00 | open O1 P1 home, last exposure 02-02
        02-03 10:00 | outage B1 source_silent, since 02-03 09:30
        02-03 12:40 | tick
        02-03 15:00 | visit P1 seen 36.5 ear, taken 02-03 10:30, as e9
    """)

    assert story.states("P1", "visit", "02-03", "am") == ["unknown", "done"]
    verdict = story.verdict("P1", "visit", "02-03", "am")
    assert (verdict.revision, verdict.evidence) == (2, ("e9",))


def test_missed_when_the_outage_is_settled(timeline: Timeline) -> None:
    """When the clock reaches the end of back-fill and nothing has come, the check is `missed` and its alert opens."""
    story = timeline("""
        02-02 20:00 | open O1 P1 home, last exposure 02-02
        02-03 10:00 | outage B1 source_silent, since 02-03 09:30
        02-03 12:40 | tick
        02-03 13:00 | restore B1, until 02-03 13:00, back-filled 02-03 16:00
        02-03 15:59 | tick
        02-03 16:00 | tick
    """)

    assert story.states("P1", "visit", "02-03", "am") == ["unknown", "missed"]
    assert story.local(story.verdict("P1", "visit", "02-03", "am").decided_at) == "02-03 16:00"
    assert story.raised("missed_check", "P1") == ["temperature/02-03/am", "visit/02-03/am"]


def test_late_after_that(timeline: Timeline) -> None:
    """A record that comes when the check is missed already makes it `late`, as revision 3."""
    story = timeline("""
        02-02 20:00 | open O1 P1 home, last exposure 02-02
        02-03 10:00 | outage B1 source_silent, since 02-03 09:30
        02-03 12:40 | tick
        02-03 13:00 | restore B1, until 02-03 13:00, back-filled 02-03 16:00
        02-03 16:00 | tick
        02-03 18:00 | visit P1 seen 36.5 ear, taken 02-03 10:30
    """)

    assert story.states("P1", "visit", "02-03", "am") == ["unknown", "missed", "late"]
    assert story.alert("missed_check", "P1", "visit/02-03/am")[-1][0] == "resolved"


def test_waived(timeline: Timeline) -> None:
    """A waiver, or a closing before its end, waives an unknown check."""
    story = timeline("""
        02-02 20:00 | open O1 P1 home, last exposure 02-02
        02-02 20:00 | open O2 P2 home, last exposure 02-02
        02-03 10:00 | outage B1 source_silent, since 02-03 09:30
        02-03 12:40 | tick
        02-03 13:00 | waive P1 visit 02-03 am
        02-03 13:00 | close O2 P2 moved, taken 02-03 11:00
    """)

    assert story.states("P1", "visit", "02-03", "am") == ["unknown", "waived"]
    assert story.states("P2", "visit", "02-03", "am") == ["unknown", "waived"]


def test_the_last_outage_counts(timeline: Timeline) -> None:
    """With several outages over a check it is released when all of them are settled."""
    story = timeline("""
        02-02 20:00 | open O1 P1 home, last exposure 02-02
        02-03 10:00 | outage B1 source_silent, since 02-03 09:30
        02-03 11:00 | outage B2 sequence_gap, since 02-03 10:30
        02-03 11:30 | restore B1, until 02-03 11:00, back-filled 02-03 14:00
        02-03 12:40 | tick
        02-03 14:30 | tick
        02-03 15:00 | restore B2, until 02-03 15:00, back-filled 02-03 17:00
        02-03 17:00 | tick
    """)

    assert story.states("P1", "visit", "02-03", "am") == ["unknown", "missed"]
    assert story.local(story.verdict("P1", "visit", "02-03", "am").decided_at) == "02-03 17:00"


def test_one_late_tick_brings_both(timeline: Timeline) -> None:
    """One tick past the deadline and past the back-fill brings both verdicts, the one after the other."""
    story = timeline("""
        02-02 20:00 | open O1 P1 home, last exposure 02-02
        02-03 10:00 | outage B1 source_silent, since 02-03 09:30
        02-03 11:00 | restore B1, until 02-03 11:00, back-filled 02-03 13:00
        02-03 18:00 | tick
    """)

    assert story.states("P1", "visit", "02-03", "am") == ["unknown", "missed"]


def test_a_back_fill_that_is_past_already(timeline: Timeline) -> None:
    """A closing whose back-fill lies behind the clock releases at the next tick that raises the clock."""
    story = timeline("""
        02-02 20:00 | open O1 P1 home, last exposure 02-02
        02-03 10:00 | outage B1 source_silent, since 02-03 09:30
        02-03 15:00 | tick
        02-03 15:10 | restore B1, until 02-03 11:00, back-filled 02-03 12:00
        02-03 15:11 | tick
    """)

    assert len(story.outcome(4).verdicts) == 0
    assert story.states("P1", "visit", "02-03", "am") == ["unknown", "missed"]


def test_unknown_for_good(timeline: Timeline) -> None:
    """What is unknown `late_days` after its due time stays unknown: no verdict changes any more."""
    story = timeline("""
        02-02 20:00 | open O1 P1 home, last exposure 02-02
        02-03 10:00 | outage B1 source_silent, since 02-03 09:30
        03-04 12:30 | tick
        03-04 13:00 | restore B1, until 02-04 00:00, back-filled 02-04 00:00
        03-05 00:00 | tick
    """)

    assert story.states("P1", "visit", "02-03", "am") == ["unknown"]


def test_a_miss_after_the_closing_of_the_observation_opens_nothing(timeline: Timeline) -> None:
    """A check that ended before the closing of its observation is judged when it is released, and raises no alert."""
    story = timeline("""
        02-02 20:00 | open O1 P1 home, last exposure 02-02
        02-03 10:00 | outage B1 source_silent, since 02-03 09:30
        02-03 12:40 | tick
        02-03 13:00 | close O1 P1 moved, taken 02-03 12:30
        02-03 14:00 | restore B1, until 02-03 14:00, back-filled 02-03 15:00
        02-03 15:00 | tick
    """)

    assert story.states("P1", "visit", "02-03", "am") == ["unknown", "missed"]
    assert story.alerts("missed_check") == []
