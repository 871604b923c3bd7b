"""Raised"""

import pytest

from tests.support.timeline import Timeline


def test_by_a_release_before_the_end_of_the_last_window(timeline: Timeline) -> None:
    """A release a microsecond before the last window of the last day ends raises a warning without `due_at`."""
    story = timeline("""
        02-02 20:00           | open O1 P1 home, last exposure 02-02
        02-16 19:59:59.999999 | close O1 P1 released
    """)

    assert story.alert("released_early", "P1", "O1") == [("open", "warning", "opened")]
    assert story.alerts("released_early")[0].due_at is None


def test_not_by_a_release_at_the_end(timeline: Timeline) -> None:
    """A release exactly at the end of the last window, before its grace has passed, is in time."""
    story = timeline("""
        02-02 20:00 | open O1 P1 home, last exposure 02-02
        02-16 20:00 | close O1 P1 released
    """)

    assert story.alerts("released_early") == []


def test_the_last_window_is_that_of_any_check(timeline: Timeline) -> None:
    """Of several checks the one whose last window ends latest decides."""
    story = timeline("""
        02-01 08:00 | policy visit.windows=am@06:00-12:00+pm@14:00-21:00
        02-02 20:00 | open O1 P1 home, last exposure 02-02
        02-16 20:30 | close O1 P1 released
    """)

    assert story.raised("released_early") == ["O1"]


def test_when_it_happened_decides(timeline: Timeline) -> None:
    """The closing's `occurred_at` decides, not its arrival."""
    story = timeline("""
        02-02 20:00 | open O1 P1 home, last exposure 02-02
        02-17 09:00 | close O1 P1 released, taken 02-16 18:00
    """)

    assert story.raised("released_early") == ["O1"]


@pytest.mark.parametrize("outcome", ["hospital", "moved", "cancelled"])
def test_only_a_release_can_be_early(timeline: Timeline, outcome: str) -> None:
    """Who goes to hospital, moves or was enrolled by mistake is not released early."""
    story = timeline(f"""
        02-02 20:00 | open O1 P1 home, last exposure 02-02
        02-05 09:00 | close O1 P1 {outcome}
    """)

    assert story.alerts("released_early") == []


def test_the_last_day_is_that_of_the_extension(timeline: Timeline) -> None:
    """After an extension the release is measured by the new last day."""
    story = timeline("""
        02-02 20:00 | open O1 P1 home, last exposure 02-02
        02-10 09:00 | extend O1 P1, last exposure 02-04
        02-17 09:00 | close O1 P1 released
    """)

    assert story.raised("released_early") == ["O1"]


def test_a_waived_window_counts_all_the_same(timeline: Timeline) -> None:
    """The last window counts, though its checks were waived."""
    story = timeline("""
        02-02 20:00 | open O1 P1 home, last exposure 02-02
        02-16 08:00 | waive P1 visit 02-16 pm
        02-16 08:00 | waive P1 temperature 02-16 pm
        02-16 13:00 | close O1 P1 released
    """)

    assert story.raised("released_early") == ["O1"]


def test_the_occurrence_is_the_first_id(timeline: Timeline) -> None:
    """The occurrence is the first id of the observation, under whichever name it is closed."""
    story = timeline("""
        02-02 20:00 | open O1 P1 home, last exposure 02-02
        02-02 21:00 | open O2 P1 home, last exposure 02-02
        02-05 09:00 | close O2 P1 released
    """)

    assert story.raised("released_early") == ["O1"]


def test_it_is_resolved_by_staff(timeline: Timeline) -> None:
    """Nothing but staff resolves it."""
    story = timeline("""
        02-02 20:00 | open O1 P1 home, last exposure 02-02
        02-05 09:00 | close O1 P1 released
        02-05 10:00 | open O2 P1 home, last exposure 02-02
        02-05 11:00 | resolve released_early P1 O1
    """)

    assert story.alert("released_early", "P1", "O1") == [
        ("open", "warning", "opened"),
        ("resolved", "warning", "by_staff"),
    ]
