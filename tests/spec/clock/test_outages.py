"""Outages"""

from typing import Any

from events.results import Alert, Verdict
from tests.support.timeline import Story, Timeline


def without_clock(story: Story) -> list[dict[str, Any]]:
    """Return all results in order, without the fields that hold the clock."""

    def fields(result: Verdict | Alert) -> dict[str, Any]:
        clocks = ("decided_at", "raised_at", "updated_at")
        return {name: getattr(result, name) for name in type(result).__struct_fields__ if name not in clocks}

    results: list[Verdict | Alert] = [*story.verdicts(), *story.alerts()]
    return [fields(result) for result in results]


def test_one_late_tick_brings_what_many_small_ones_would(timeline: Timeline) -> None:
    """After an outage one late tick brings everything that fell due, in the same order and with the same content."""
    often = timeline("""
        02-02 20:00 | open O1 P1 home, last exposure 02-02
        02-02 20:00 | open O2 P2 home, last exposure 02-02
        02-03 09:00 | temperature P2 38.0 ear
        02-03 09:10 | tick
        02-03 09:30 | tick
        02-03 12:34 | tick
        02-03 12:35 | tick
        02-03 20:35 | tick
        02-04 12:35 | tick
        02-04 20:40 | tick
    """)
    once = timeline("""
        02-02 20:00 | open O1 P1 home, last exposure 02-02
        02-02 20:00 | open O2 P2 home, last exposure 02-02
        02-03 09:00 | temperature P2 38.0 ear
        02-03 09:10 | tick
        02-04 20:40 | tick
    """)

    assert without_clock(once) == without_clock(often)
    assert {once.local(verdict.decided_at) for verdict in once.outcome(-1).verdicts} == {"02-04 20:40"}


def test_one_late_tick_dates_everything_by_itself(timeline: Timeline) -> None:
    """What a late tick brings keeps its own `due_at`; `raised_at` and `updated_at` are the clock."""
    story = timeline("""
        02-02 20:00 | open O1 P1 home, last exposure 02-02
        02-05 09:00 | tick
    """)

    (first, *_) = story.alerts("missed_check")
    assert story.local(first.due_at) == "02-03 12:30"
    assert (story.local(first.raised_at), story.local(first.updated_at)) == ("02-05 09:00", "02-05 09:00")


def test_the_same_log_gives_the_same_bytes(timeline: Timeline) -> None:
    """A log that is told twice gives the same verdicts and alerts, bit for bit."""
    table = """
        02-02 20:00 | open O1 P1 home, last exposure 02-02
        02-03 09:00 | temperature P1 38.0 ear
        02-03 09:20 | scan P1 out passed 37.9 axillary, code red
        02-05 09:00 | tick
        02-05 10:00 | close O1 P1 hospital
    """

    assert timeline(table).written == timeline(table).written
