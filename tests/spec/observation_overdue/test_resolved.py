"""Resolved"""

from tests.support.timeline import Timeline


def test_by_the_closing(timeline: Timeline) -> None:
    """The closing resolves it with reason `observation_closed`, also one that says it happened in time."""
    story = timeline("""
        02-02 20:00 | open O1 P1 home, last exposure 02-02
        02-18 00:00 | tick
        02-18 09:00 | close O1 P1 released, taken 02-17 09:00
    """)

    assert story.alert("observation_overdue", "P1", "O1/02-16")[-1] == ("resolved", "warning", "observation_closed")


def test_by_an_extension_that_moves_the_last_day(timeline: Timeline) -> None:
    """An extension that moves the last day resolves it with reason `extended`; the new day is judged on its own."""
    story = timeline("""
        02-02 20:00 | open O1 P1 home, last exposure 02-02
        02-18 00:00 | tick
        02-18 09:00 | extend O1 P1, last exposure 02-05
        02-20 11:00 | tick
        02-20 12:00 | tick
    """)

    assert story.alert("observation_overdue", "P1", "O1/02-16")[-1] == ("resolved", "warning", "extended")
    assert story.alert("observation_overdue", "P1", "O1/02-19") == [("open", "warning", "opened")]
    assert [alert.rule for alert in story.outcome(5).alerts] == ["observation_overdue"]


def test_an_opening_that_counts_as_an_extension_resolves_it(timeline: Timeline) -> None:
    """A second opening by a later exposure resolves it too."""
    story = timeline("""
        02-02 20:00 | open O1 P1 home, last exposure 02-02
        02-18 00:00 | tick
        02-18 09:00 | open O2 P1 home, last exposure 02-05
    """)

    assert story.alert("observation_overdue", "P1", "O1/02-16")[-1] == ("resolved", "warning", "extended")


def test_not_by_an_extension_that_moves_nothing(timeline: Timeline) -> None:
    """An extension by the same or an earlier exposure leaves it open."""
    story = timeline("""
        02-02 20:00 | open O1 P1 home, last exposure 02-02
        02-18 00:00 | tick
        02-18 09:00 | extend O1 P1, last exposure 02-02
        02-18 09:10 | extend O1 P1, last exposure 02-01
    """)

    assert story.alert("observation_overdue", "P1", "O1/02-16") == [("open", "warning", "opened")]


def test_not_by_an_extension_that_leaves_the_last_day(timeline: Timeline) -> None:
    """A later exposure under a shorter period may leave the last day as it is: nothing is resolved or raised."""
    story = timeline("""
        02-02 20:00 | open O1 P1 home, last exposure 02-02
        02-18 00:00 | tick
        02-18 08:00 | policy period_days=13
        02-18 09:00 | extend O1 P1, last exposure 02-03
        02-19 09:00 | tick
    """)

    assert story.alert("observation_overdue", "P1", "O1/02-16") == [("open", "warning", "opened")]
    assert story.raised("observation_overdue") == ["O1/02-16"]
