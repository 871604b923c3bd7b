"""Raised"""

from tests.support.timeline import Timeline


def test_at_the_midnight_after_the_last_day_plus_grace(timeline: Timeline) -> None:
    """It opens when the clock reaches the local midnight after the last day + grace, which is its `due_at`."""
    story = timeline("""
        02-02 20:00           | open O1 P1 home, last exposure 02-02
        02-17 11:59:59.999999 | tick
        02-17 12:00           | tick
    """)

    assert [alert.rule for alert in story.outcome(3).alerts] == ["observation_overdue"]
    assert story.alert("observation_overdue", "P1", "O1/02-16") == [("open", "warning", "opened")]
    assert story.local(story.alerts("observation_overdue")[0].due_at) == "02-17 12:00"


def test_the_midnight_is_local(timeline: Timeline) -> None:
    """Midnight is that of the policy's zone; grace is elapsed time, so a change of the clocks moves the hour shown."""
    story = timeline("""
        03-01 08:00 | policy timezone=Europe/Berlin
        03-14 20:00 | open O1 P1 home, last exposure 03-14
        03-30 00:00 | tick
    """)

    assert [story.local(alert.due_at) for alert in story.alerts("observation_overdue")] == ["03-29 13:00"]


def test_not_for_a_closed_observation(timeline: Timeline) -> None:
    """An observation that was closed in time is not overdue, whatever the outcome."""
    story = timeline("""
        02-02 20:00 | open O1 P1 home, last exposure 02-02
        02-17 11:00 | close O1 P1 released
        02-18 00:00 | tick
    """)

    assert story.alerts("observation_overdue") == []


def test_once_for_a_last_day(timeline: Timeline) -> None:
    """A last day is judged once, also when staff resolved the alert."""
    story = timeline("""
        02-02 20:00 | open O1 P1 home, last exposure 02-02
        02-18 00:00 | tick
        02-18 08:00 | resolve observation_overdue P1 O1/02-16
        02-25 00:00 | tick
    """)

    assert story.raised("observation_overdue") == ["O1/02-16"]


def test_an_opening_after_the_last_day(timeline: Timeline) -> None:
    """An observation that is opened when its last day is long past is overdue at the next tick that raises the clock."""
    story = timeline("""
        02-20 08:00 | tick
        02-20 09:00 | open O1 P1 home, last exposure 02-02
        02-20 09:01 | tick
    """)

    assert story.raised("observation_overdue") == ["O1/02-16"]
    assert story.outcome(2).alerts == ()


def test_an_extension_in_time_moves_it(timeline: Timeline) -> None:
    """After an extension only the new last day is judged."""
    story = timeline("""
        02-02 20:00 | open O1 P1 home, last exposure 02-02
        02-17 09:00 | extend O1 P1, last exposure 02-04
        02-18 00:00 | tick
        02-20 00:00 | tick
    """)

    assert story.raised("observation_overdue") == ["O1/02-18"]


def test_the_observation_is_named_by_its_first_id(timeline: Timeline) -> None:
    """The occurrence names the observation by its first id, though a later opening gave it another name."""
    story = timeline("""
        02-02 20:00 | open O1 P1 home, last exposure 02-02
        02-02 21:00 | open O2 P1 home, last exposure 02-03
        02-19 00:00 | tick
    """)

    assert story.raised("observation_overdue") == ["O1/02-17"]
