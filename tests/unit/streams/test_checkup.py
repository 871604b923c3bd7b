"""What the doctor says of the clock of the log."""

from datetime import UTC, datetime, timedelta

import pytest

from streams.checkup import Health, judge_clock

NOW = datetime(2020, 2, 3, 4, tzinfo=UTC)


@pytest.mark.parametrize(
    ("late_s", "health", "found"),
    [
        (-3600, Health.BROKEN, "3,600 s ahead of this machine"),
        (-4, Health.GOOD, "0 s behind this machine"),
        (15, Health.GOOD, "15 s behind this machine"),
        (121, Health.SLOW, "121 s behind this machine"),
    ],
)
def test_the_clock_against_this_machine(late_s: int, health: Health, found: str) -> None:
    """One that is ahead stands still until it is passed: that is worse than one that is late."""
    finding = judge_clock(NOW - timedelta(seconds=late_s), NOW)
    assert finding.health is health
    assert finding.found.startswith(found)


def test_no_clock_at_all() -> None:
    assert judge_clock(None, NOW).health is Health.SLOW
