"""Raised"""

import pytest

from tests.support.timeline import Timeline


@pytest.mark.parametrize(("code", "severity"), [("yellow", "warning"), ("red", "critical")])
def test_by_a_yellow_or_red_code(timeline: Timeline, code: str, severity: str) -> None:
    """A yellow code raises a warning, a red one a critical alert, for observed and other people alike."""
    story = timeline(f"""
        02-02 20:00 | open O1 P1 home, last exposure 02-02
        02-03 09:00 | scan P1 in held, code {code}
        02-03 09:00 | scan P2 in held, code {code}
    """)

    assert story.alert("health_code", "P1", f"02-03/{code}/1") == [("open", severity, "opened")]
    assert story.alert("health_code", "P2", f"02-03/{code}/1") == [("open", severity, "opened")]
    assert {alert.due_at for alert in story.alerts("health_code")} == {None}


def test_not_by_a_green_code_or_none(timeline: Timeline) -> None:
    """A green code, or none, raises nothing."""
    story = timeline("""
        02-03 09:00 | scan P1 in passed, code green
        02-03 09:00 | scan P1 in passed
    """)

    assert story.alerts() == []


def test_the_day_is_the_local_date_of_the_scan(timeline: Timeline) -> None:
    """The day is that of the scan's `occurred_at`, not of its arrival."""
    story = timeline("""
        02-04 09:00 | scan P1 in held, taken 02-03 23:59, code red
    """)

    assert story.raised("health_code") == ["02-03/red/1"]
