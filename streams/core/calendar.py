"""Local days and clock times of a policy's zone as instants of the log (contract section 3)."""

from datetime import UTC, date, datetime, time, timedelta
from functools import lru_cache
from zoneinfo import ZoneInfo


@lru_cache(maxsize=4096)
def local_instant(day: date, minute: int, zone: ZoneInfo) -> datetime:
    """Return the instant at which a local clock shows `minute` minutes after midnight of `day`; 1440 is the next midnight.

    A time that daylight saving skips is read with the offset before the change, of a repeated one the first is meant:
    both are what PEP 495 calls fold 0.
    """
    shown = datetime.combine(day, time()) + timedelta(minutes=minute)
    return shown.replace(tzinfo=zone, fold=0).astimezone(UTC)


def local_day(instant: datetime, zone: ZoneInfo) -> date:
    """Return the local date on which `instant` falls."""
    return instant.astimezone(zone).date()


# Dates are held as small numbers: days since the last one of 1969.
_DAYS_BEFORE = date(1969, 12, 31).toordinal()


def day_number(day: date) -> int:
    """Return the number under which a date is held; 1970-01-01 is 1."""
    return day.toordinal() - _DAYS_BEFORE


def numbered_day(number: int) -> date:
    """Return the date that is held under a number."""
    return date.fromordinal(number + _DAYS_BEFORE)


_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def microseconds(instant: datetime) -> int:
    """Return an instant as microseconds since 1970."""
    passed = instant - _EPOCH
    return (passed.days * 86_400 + passed.seconds) * 1_000_000 + passed.microseconds
