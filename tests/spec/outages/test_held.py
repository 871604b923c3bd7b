"""What an outage holds"""

from tests.support.timeline import Timeline


def test_a_check_in_an_outage_is_unknown(timeline: Timeline) -> None:
    """A check that falls due while the way is broken over its window becomes `unknown`, by the record of the outage."""
    story = timeline("""
        02-02 20:00 | open O1 P1 home, last exposure 02-02
        02-03 10:00 | outage B1 source_silent, since 02-03 09:30, as b1
        02-03 12:40 | tick
    """)

    assert story.states("P1", "visit", "02-03", "am") == ["unknown"]
    assert story.verdict("P1", "visit", "02-03", "am").evidence == ("b1",)
    assert story.alerts("missed_check") == []


def test_a_record_that_came_before_counts(timeline: Timeline) -> None:
    """What was done before the way broke is done."""
    story = timeline("""
        02-02 20:00 | open O1 P1 home, last exposure 02-02
        02-03 09:00 | visit P1 seen 36.5 ear
        02-03 10:00 | outage B1 source_silent, since 02-03 09:30
        02-03 12:40 | tick
    """)

    assert story.states("P1", "visit", "02-03", "am") == ["done"]


def test_the_outage_begins_before_the_check_is_due(timeline: Timeline) -> None:
    """An outage lies over a check when it begins before end + grace; at that instant it comes too late."""
    before = timeline("""
        02-02 20:00           | open O1 P1 home, last exposure 02-02
        02-03 12:30           | outage B1 declared, since 02-03 12:29:59.999999
        02-03 12:40           | tick
    """)
    at = timeline("""
        02-02 20:00 | open O1 P1 home, last exposure 02-02
        02-03 12:30 | outage B1 declared, since 02-03 12:30
        02-03 12:40 | tick
    """)

    assert before.states("P1", "visit", "02-03", "am") == ["unknown"]
    assert at.states("P1", "visit", "02-03", "am") == ["missed"]


def test_the_outage_ends_after_the_check_began(timeline: Timeline) -> None:
    """An outage that ended when the window began does not lie over it, even while back-fill may come."""
    story = timeline("""
        02-02 20:00 | open O1 P1 home, last exposure 02-02
        02-03 05:00 | outage B1 declared, since 02-03 03:00
        02-03 06:10 | restore B1, until 02-03 06:00, back-filled 02-03 18:00
        02-03 12:40 | tick
    """)

    assert story.states("P1", "visit", "02-03", "am") == ["missed"]


def test_a_verdict_stays_when_the_outage_is_known_later(timeline: Timeline) -> None:
    """An outage that becomes known after the verdict changes nothing: the record makes it `late` when it comes."""
    story = timeline("""
        02-02 20:00 | open O1 P1 home, last exposure 02-02
        02-03 12:40 | tick
        02-03 13:00 | outage B1 declared, since 02-03 06:00
        02-03 13:10 | visit P1 seen 36.5 ear, taken 02-03 09:00
    """)

    assert story.states("P1", "visit", "02-03", "am") == ["missed", "late"]


def test_a_settled_outage_holds_nothing(timeline: Timeline) -> None:
    """When all that was held back has come before the check is judged, the check is judged as any other."""
    story = timeline("""
        02-02 20:00 | open O1 P1 home, last exposure 02-02
        02-03 08:00 | outage B1 declared, since 02-03 07:00
        02-03 09:00 | restore B1, until 02-03 08:30, back-filled 02-03 12:35
        02-03 12:35 | tick
    """)

    assert story.states("P1", "visit", "02-03", "am") == ["missed"]


def test_unknown_is_no_miss_in_a_row(timeline: Timeline) -> None:
    """`contact_lost` passes over unknown checks: they neither count nor break the count."""
    story = timeline("""
        02-02 20:00 | open O1 P1 home, last exposure 02-02
        02-03 12:40 | tick
        02-03 14:00 | outage B1 declared, since 02-03 14:00
        02-03 21:00 | tick
        02-03 22:00 | restore B1, until 02-03 22:00, back-filled 02-05 22:00
        02-04 12:40 | tick
    """)

    assert story.states("P1", "visit", "02-03", "pm") == ["unknown"]
    assert story.raised("contact_lost", "P1") == ["temperature/02-04/am", "visit/02-04/am"]
