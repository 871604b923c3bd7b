"""Instants and days as they stand in records: text to value and back, nothing coerced."""

import re
from datetime import UTC, date, datetime
from typing import Annotated, Any

from pydantic import BeforeValidator, WithJsonSchema

_INSTANT = re.compile(
    r"([0-9]{4}-[0-9]{2}-[0-9]{2})[Tt]"
    r"((?:[01][0-9]|2[0-3]):[0-5][0-9]:[0-5][0-9](?:\.[0-9]{1,6})?)"
    r"([Zz]|[+-](?:[01][0-9]|2[0-3]):[0-5][0-9])",
    re.ASCII,
)
_DAY = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}", re.ASCII)
_FIRST_YEAR, _LAST_YEAR = 1970, 2199

# What the published schemas say. A pattern cannot hold the calendar, and bounds the year of an instant as it is written,
# not in UTC: what it refuses is refused here too, not the other way round.
_MONTH_AND_DAY = "-(0[1-9]|1[0-2])-(0[1-9]|[12][0-9]|3[01])"
_TIME = r"([01][0-9]|2[0-3]):[0-5][0-9]:[0-5][0-9]"
_OFFSET = "([Zz]|[+-]([01][0-9]|2[0-3]):[0-5][0-9])"
DAY_SCHEMA: dict[str, Any] = {
    "type": "string",
    "format": "date",
    "pattern": f"^(19[7-9][0-9]|2[01][0-9]{{2}}){_MONTH_AND_DAY}$",
}
INSTANT_SCHEMA: dict[str, Any] = {
    "type": "string",
    "format": "date-time",
    "pattern": rf"^(1969|19[7-9][0-9]|2[01][0-9]{{2}}|2200){_MONTH_AND_DAY}[Tt]{_TIME}(\.[0-9]{{1,6}})?{_OFFSET}$",
}


def parse_instant(text: object) -> datetime:
    """Read an RFC 3339 instant and return it in UTC.

    An offset is required, at most six digits of a second are read, the UTC year lies in 1970..2199 and there is no
    leap second. Raises ValueError with what was expected, never with what came.
    """
    if not isinstance(text, str) or (match := _INSTANT.fullmatch(text)) is None:
        raise ValueError("expected an RFC 3339 instant with an offset, to the microsecond")
    day, time, offset = match.groups()
    try:
        instant = datetime.fromisoformat(f"{day}T{time}{offset.upper()}").astimezone(UTC)
    except (ValueError, OverflowError):
        raise ValueError("expected an instant that exists in the calendar") from None
    if not _FIRST_YEAR <= instant.year <= _LAST_YEAR:
        raise ValueError("expected an instant of the years 1970 to 2199")
    return instant


def format_instant(instant: datetime) -> str:
    """Write an instant in UTC with `Z`, and a fraction only where there is one."""
    return instant.astimezone(UTC).replace(tzinfo=None).isoformat() + "Z"


def parse_day(text: object) -> date:
    """Read a day `YYYY-MM-DD` of the years 1970..2199; raises ValueError with what was expected."""
    if not isinstance(text, str) or _DAY.fullmatch(text) is None:
        raise ValueError("expected a day as YYYY-MM-DD")
    try:
        day = date.fromisoformat(text)
    except ValueError:
        raise ValueError("expected a day that exists in the calendar") from None
    if not _FIRST_YEAR <= day.year <= _LAST_YEAR:
        raise ValueError("expected a day of the years 1970 to 2199")
    return day


def _instant_from_record(value: object) -> datetime:
    return value if isinstance(value, datetime) else parse_instant(value)


def _day_from_record(value: object) -> date:
    return value if isinstance(value, date) and not isinstance(value, datetime) else parse_day(value)


Instant = Annotated[datetime, BeforeValidator(_instant_from_record), WithJsonSchema(INSTANT_SCHEMA)]
Day = Annotated[date, BeforeValidator(_day_from_record), WithJsonSchema(DAY_SCHEMA)]
