"""Local days and clock times as instants."""

from datetime import UTC, date, datetime

import pytest

from events.timezones import load_timezone
from streams.core.calendar import local_day, local_instant

HALF_PAST_TWO = 2 * 60 + 30


@pytest.mark.parametrize(
    ("zone", "day", "minute", "instant"),
    [
        ("Asia/Shanghai", "2020-02-03", 6 * 60, "2020-02-02T22:00"),
        ("Asia/Shanghai", "2020-02-03", 1440, "2020-02-03T16:00"),
        ("Asia/Kathmandu", "2020-02-03", 0, "2020-02-02T18:15"),
        ("Europe/Berlin", "2020-03-29", HALF_PAST_TWO, "2020-03-29T01:30"),
        ("Europe/Berlin", "2020-03-29", 1440, "2020-03-29T22:00"),
        ("Europe/Berlin", "2020-10-25", HALF_PAST_TWO, "2020-10-25T00:30"),
        ("Europe/Berlin", "2020-10-25", 1440, "2020-10-25T23:00"),
        ("America/Sao_Paulo", "2018-11-04", 0, "2018-11-04T03:00"),
        ("America/Sao_Paulo", "2018-11-03", 1440, "2018-11-04T03:00"),
        ("America/Sao_Paulo", "2018-02-17", 1440, "2018-02-18T03:00"),
        ("Asia/Beirut", "2020-03-29", 0, "2020-03-28T22:00"),
        ("Pacific/Apia", "2011-12-30", 12 * 60, "2011-12-30T22:00"),
    ],
)
def test_local_instant(zone: str, day: str, minute: int, instant: str) -> None:
    """A skipped time is read with the offset before the change, of a repeated one the first; 1440 is the next midnight."""
    expected = datetime.fromisoformat(instant).replace(tzinfo=UTC)

    assert local_instant(date.fromisoformat(day), minute, load_timezone(zone)) == expected


def test_local_instant_is_utc() -> None:
    """Instants are in UTC, so that they compare and subtract as elapsed time."""
    assert local_instant(date(2020, 2, 3), 0, load_timezone("Europe/Berlin")).tzinfo is UTC


@pytest.mark.parametrize(
    ("zone", "instant", "day"),
    [
        ("Asia/Shanghai", "2020-02-02T15:59:59.999999", "2020-02-02"),
        ("Asia/Shanghai", "2020-02-02T16:00", "2020-02-03"),
        ("Pacific/Kiritimati", "2020-02-02T10:00", "2020-02-03"),
        ("America/New_York", "2020-02-03T04:59", "2020-02-02"),
    ],
)
def test_local_day(zone: str, instant: str, day: str) -> None:
    """The day of an instant is its local date."""
    at = datetime.fromisoformat(instant).replace(tzinfo=UTC)

    assert local_day(at, load_timezone(zone)) == date.fromisoformat(day)
