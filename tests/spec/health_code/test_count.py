"""The count"""

from tests.support.timeline import Timeline


def test_while_it_is_open_a_further_scan_adds_nothing(timeline: Timeline) -> None:
    """A further scan of the same day and colour neither raises nor changes an alert while it is open or acknowledged."""
    story = timeline("""
        02-03 09:00 | scan P1 in held, code red
        02-03 09:10 | scan P1 in held, code red
        02-03 09:20 | acknowledge health_code P1 02-03/red/1
        02-03 09:30 | scan P1 in held, code red
    """)

    assert [len(outcome.alerts) for outcome in story.outcomes] == [1, 0, 1, 0]


def test_after_it_was_resolved_the_next_scan_opens_n_plus_1(timeline: Timeline) -> None:
    """After the alert was resolved, the next scan of the day and colour opens one with the next number."""
    story = timeline("""
        02-03 09:00 | scan P1 in held, code red
        02-03 09:10 | resolve health_code P1 02-03/red/1
        02-03 09:20 | scan P1 in held, code red
    """)

    assert story.raised("health_code") == ["02-03/red/1", "02-03/red/2"]


def test_every_colour_and_day_counts_by_itself(timeline: Timeline) -> None:
    """Yellow and red of one day, and the same colour of two days, are different alerts."""
    story = timeline("""
        02-03 09:00 | scan P1 in held, code yellow
        02-03 10:00 | scan P1 in held, code red
        02-04 09:00 | scan P1 in held, code red
    """)

    assert story.raised("health_code") == ["02-03/yellow/1", "02-03/red/1", "02-04/red/1"]


def test_nothing_but_staff_resolves_it(timeline: Timeline) -> None:
    """Neither a green code nor the closing of an observation resolves it."""
    story = timeline("""
        02-02 20:00 | open O1 P1 home, last exposure 02-02
        02-03 09:00 | scan P1 in held, code red
        02-03 10:00 | scan P1 in passed, code green
        02-03 11:00 | close O1 P1 moved, taken 02-03 08:00
    """)

    assert story.alert("health_code", "P1", "02-03/red/1") == [("open", "critical", "opened")]
