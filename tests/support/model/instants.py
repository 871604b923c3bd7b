"""Instants, days and local times."""

import re
from datetime import UTC, date, datetime, timedelta
from functools import lru_cache
from zoneinfo import ZoneInfo

_INSTANT = re.compile(
    r"(\d{4})-(\d{2})-(\d{2})[Tt](\d{2}):(\d{2}):(\d{2})(?:\.(\d{1,6}))?([Zz]|[+-]\d{2}:\d{2})", re.ASCII
)
_DAY = re.compile(r"\d{4}-\d{2}-\d{2}", re.ASCII)


@lru_cache(maxsize=65_536)
def parse_instant(text: str) -> datetime:
    """Read an RFC 3339 instant with an offset, years 1970 to 2199; raises ValueError otherwise."""
    match = _INSTANT.fullmatch(text)
    if match is None:
        raise ValueError("not an instant")
    year, month, day, hour, minute, second, fraction, offset = match.groups()
    if not 1970 <= int(year) <= 2199:
        raise ValueError("year out of range")
    micros = int((fraction or "0").ljust(6, "0"))
    local = datetime(int(year), int(month), int(day), int(hour), int(minute), int(second), micros, tzinfo=UTC)
    return local - _offset(offset)


def _offset(text: str) -> timedelta:
    if text in "Zz":
        return timedelta(0)
    hours, minutes = int(text[1:3]), int(text[4:6])
    if hours > 23 or minutes > 59:
        raise ValueError("offset out of range")
    size = timedelta(hours=hours, minutes=minutes)
    return -size if text[0] == "-" else size


def parse_day(text: str) -> date:
    """Read a day `YYYY-MM-DD`; raises ValueError otherwise."""
    if _DAY.fullmatch(text) is None:
        raise ValueError("not a day")
    return date.fromisoformat(text)


def show(instant: datetime | None) -> str | None:
    """Write an instant in UTC with `Z`, with a fraction only where there is one (choice 1: six digits then)."""
    if instant is None:
        return None
    return instant.astimezone(UTC).replace(tzinfo=None).isoformat() + "Z"


def local_instant(day: date, time_of_day: str, timezone: str) -> datetime:
    """Find the instant of a local time; a skipped one is read with the offset before, of two the first is meant."""
    hour, minute = int(time_of_day[:2]), int(time_of_day[3:])
    if hour == 24:
        day, hour = day + timedelta(days=1), 0
    local = datetime(day.year, day.month, day.day, hour, minute, tzinfo=ZoneInfo(timezone), fold=0)
    return local.astimezone(UTC)


def local_day(instant: datetime, timezone: str) -> date:
    """Find the local date of an instant."""
    return instant.astimezone(ZoneInfo(timezone)).date()
