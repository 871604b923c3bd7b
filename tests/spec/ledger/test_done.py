"""Done"""

from tests.support.timeline import Timeline


def test_from_the_start_of_the_window(timeline: Timeline) -> None:
    """A record made exactly at the start of the window satisfies the check, one a microsecond earlier does not."""
    story = timeline("""
        02-02 20:00           | open O1 P1 home, last exposure 02-02
        02-03 05:59:59.999999 | visit P1 seen
        02-03 06:00           | visit P1 seen, as begins
    """)

    assert story.verdict("P1", "visit", "02-03", "am").evidence == ("begins",)


def test_until_the_end_of_the_grace(timeline: Timeline) -> None:
    """A record made a microsecond before end + grace satisfies the check, one made exactly then does not."""
    story = timeline("""
        02-02 20:00           | open O1 P1 home, last exposure 02-02
        02-02 20:00           | open O2 P2 home, last exposure 02-02
        02-03 12:29:59.999999 | visit P1 seen
        02-03 12:30           | visit P2 seen
        02-03 12:35           | tick
    """)

    assert story.states("P1", "visit", "02-03", "am") == ["done"]
    assert story.states("P2", "visit", "02-03", "am") == ["missed"]


def test_a_record_made_in_the_settling_time_does_not_count(timeline: Timeline) -> None:
    """The settling time is for arrivals: what is made in it is made too late, even if it arrives before the verdict."""
    story = timeline("""
        02-02 20:00 | open O1 P1 home, last exposure 02-02
        02-03 12:31 | visit P1 seen
        02-03 12:35 | tick
    """)

    assert story.states("P1", "visit", "02-03", "am") == ["missed"]


def test_a_record_that_arrives_in_the_settling_time(timeline: Timeline) -> None:
    """A record made in time that arrives while the check settles makes it `done`, and nobody is accused."""
    story = timeline("""
        02-02 20:00 | open O1 P1 home, last exposure 02-02
        02-03 12:34 | tick
        02-03 12:34 | visit P1 seen, taken 02-03 11:00
        02-03 12:35 | tick
    """)

    assert story.states("P1", "visit", "02-03", "am") == ["done"]
    assert story.raised("missed_check") == ["temperature/02-03/am"]


def test_when_it_was_made_decides_not_when_it_arrived(timeline: Timeline) -> None:
    """A record counts for the window in which it was made, not for the one in which it arrives."""
    story = timeline("""
        02-02 20:00 | open O1 P1 home, last exposure 02-02
        02-03 15:00 | visit P1 seen, taken 02-03 09:00
    """)

    assert story.states("P1", "visit", "02-03", "am") == ["done"]
    assert story.states("P1", "visit", "02-03", "pm") == []


def test_a_second_visit_adds_nothing(timeline: Timeline) -> None:
    """The first satisfying record decides; a second one in the same window brings no revision."""
    story = timeline("""
        02-02 20:00 | open O1 P1 home, last exposure 02-02
        02-03 09:00 | visit P1 seen
        02-03 10:00 | visit P1 seen
    """)

    assert story.states("P1", "visit", "02-03", "am") == ["done"]
    assert story.verdict("P1", "visit", "02-03", "am").evidence == ("e2",)


def test_grace_may_reach_into_the_next_window(timeline: Timeline) -> None:
    """Where the grace of one window overlaps the next window, one record satisfies both."""
    story = timeline("""
        02-01 08:00 | policy visit.windows=am@06:00-12:00+pm@12:00-20:00
        02-02 20:00 | open O1 P1 home, last exposure 02-02
        02-03 12:15 | visit P1 seen
    """)

    assert [verdict.window for verdict in story.verdicts("P1", "visit")] == ["am", "pm"]
