"""Raised"""

from tests.support.timeline import Timeline


def test_by_the_miss_that_brings_the_count_to_lost_after(timeline: Timeline) -> None:
    """Two misses of one check in a row raise a critical alert; occurrence and `due_at` are those of the second."""
    story = timeline("""
        02-02 20:00 | open O1 P1 home, last exposure 02-02
        02-03 12:35 | tick
        02-03 20:35 | tick
    """)

    assert [alert.rule for alert in story.outcome(2).alerts] == ["missed_check", "missed_check"]
    assert story.alert("contact_lost", "P1", "visit/02-03/pm") == [("open", "critical", "opened")]
    assert [story.local(alert.due_at) for alert in story.alerts("contact_lost")] == ["02-03 20:30"] * 2


def test_each_check_is_counted_by_itself(timeline: Timeline) -> None:
    """Misses of different checks do not add up."""
    story = timeline("""
        02-02 20:00 | open O1 P1 home, last exposure 02-02
        02-03 09:00 | visit P1 seen
        02-03 15:00 | temperature P1 36.5 axillary
        02-03 20:35 | tick
    """)

    assert story.raised("missed_check") == ["temperature/02-03/am", "visit/02-03/pm"]
    assert story.alerts("contact_lost") == []


def test_a_further_miss_adds_nothing(timeline: Timeline) -> None:
    """While the alert is open, acknowledged or not, further misses neither raise nor change one."""
    story = timeline("""
        02-02 20:00 | open O1 P1 home, last exposure 02-02
        02-03 20:35 | tick
        02-04 08:00 | acknowledge contact_lost P1 visit/02-03/pm
        02-05 20:35 | tick
    """)

    assert story.raised("contact_lost") == ["temperature/02-03/pm", "visit/02-03/pm"]
    assert len(story.alerts("contact_lost")) == 3


def test_after_staff_resolved_it_the_next_miss_opens_another(timeline: Timeline) -> None:
    """A miss that finds the count at or above `lost_after`, and none open, opens an alert of its own."""
    story = timeline("""
        02-02 20:00 | open O1 P1 home, last exposure 02-02
        02-03 20:35 | tick
        02-04 08:00 | resolve contact_lost P1 visit/02-03/pm
        02-04 12:35 | tick
    """)

    assert story.raised("contact_lost")[2:] == ["visit/02-04/am"]
    assert story.revisions("contact_lost", "P1", "visit/02-04/am")[0].detail["missed"] == 3


def test_lost_after_1_opens_with_every_first_miss(timeline: Timeline) -> None:
    """With `lost_after` 1 the first miss opens it."""
    story = timeline("""
        02-01 08:00 | policy visit.lost_after=1
        02-02 20:00 | open O1 P1 home, last exposure 02-02
        02-03 12:35 | tick
    """)

    assert story.raised("contact_lost") == ["visit/02-03/am"]


def test_lost_after_0_is_never(timeline: Timeline) -> None:
    """With `lost_after` 0 no number of misses opens it."""
    story = timeline("""
        02-01 08:00 | policy visit.lost_after=0 temperature.lost_after=0
        02-02 20:00 | open O1 P1 home, last exposure 02-02
        02-18 00:00 | tick
    """)

    assert len(story.raised("missed_check")) == 56
    assert story.alerts("contact_lost") == []


def test_lost_after_is_that_of_the_window_that_was_missed(timeline: Timeline) -> None:
    """A window that began under `lost_after` 3 does not open it at two, though the policy asks for two by then."""
    story = timeline("""
        02-01 08:00 | policy visit.lost_after=3
        02-02 20:00 | open O1 P1 home, last exposure 02-02
        02-03 14:00 | tick
        02-03 15:00 | policy later visit.lost_after=2
        02-03 20:35 | tick
        02-04 12:35 | tick
    """)

    assert story.raised("contact_lost")[-1] == "visit/02-04/am"


def test_after_the_closing_none_opens(timeline: Timeline) -> None:
    """Misses that are judged after the closing count for nothing."""
    story = timeline("""
        02-02 20:00 | open O1 P1 home, last exposure 02-02
        02-03 12:35 | tick
        02-03 20:10 | close O1 P1 released
        02-03 20:35 | tick
    """)

    assert story.states("P1", "visit", "02-03", "pm") == ["missed"]
    assert story.alerts("contact_lost") == []


def test_the_next_observation_counts_anew(timeline: Timeline) -> None:
    """Misses of an earlier observation do not count for the next one."""
    story = timeline("""
        02-02 20:00 | open O1 P1 home, last exposure 02-02
        02-03 12:35 | tick
        02-03 13:00 | close O1 P1 moved
        02-03 13:10 | open O2 P1 home, last exposure 02-02
        02-03 20:35 | tick
        02-04 12:35 | tick
    """)

    assert story.raised("contact_lost") == ["temperature/02-04/am", "visit/02-04/am"]
