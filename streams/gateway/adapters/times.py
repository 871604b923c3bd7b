"""Times as devices write them: text with or without an offset, and seconds or milliseconds since 1970.

A local time that exists twice, or not at all because the clock was put forward, is taken as if the clock had not been
changed yet, and said to be doubtful: a reading is worth more than the hour that it may be wrong by.
"""

import re
from collections.abc import Callable
from datetime import UTC, datetime, timedelta, timezone, tzinfo
from functools import cache

from events.timezones import load_timezone
from streams.gateway.adapters.values import number

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_END_OF_2199_S = 7_258_118_400
# 1e11 seconds are the year 5138, 1e11 milliseconds are March 1973: no device writes either.
_FIRST_MILLISECONDS = 1e11
_OFFSET = r"(?P<offset>[Zz]|[+-][0-9]{2}(?::?[0-9]{2})?)"
_PARTS = {
    "Y": "(?P<year>[0-9]{4})",
    "m": "(?P<month>[0-9]{1,2})",
    "d": "(?P<day>[0-9]{1,2})",
    "H": "(?P<hour>[0-9]{1,2})",
    "M": "(?P<minute>[0-9]{1,2})",
    "S": "(?P<second>[0-9]{1,2})",
    "f": "(?P<fraction>[0-9]{1,9})",
    "z": _OFFSET,
    "%": "%",
}
_NEEDED = frozenset("YmdHM")
_ISO = re.compile(
    r"(?P<year>[0-9]{4})-(?P<month>[0-9]{2})-(?P<day>[0-9]{2})[Tt ]"
    r"(?P<hour>[0-9]{2}):(?P<minute>[0-9]{2}):(?P<second>[0-9]{2})(?:[.,](?P<fraction>[0-9]{1,9}))?"
    rf" ?{_OFFSET}?",
    re.ASCII,
)
_ZONE_OFFSET = re.compile(r"([+-])([01][0-9]|2[0-3]):([0-5][0-9])", re.ASCII)
_EXPECTED_EXISTING = "expected a time of the years 1970 to 2199 that exists in the calendar"

When = tuple[datetime, bool]
ReadTime = Callable[[object, tzinfo], When]


@cache
def load_zone(name: str) -> tzinfo:
    """Return the zone of an IANA name or of an offset such as +08:00; raises ValueError."""
    match = _ZONE_OFFSET.fullmatch(name) if isinstance(name, str) else None
    if match is not None:
        return timezone(_offset(match[1], match[2], match[3]))
    try:
        return load_timezone(name)
    except (ValueError, TypeError):
        raise ValueError("expected the IANA name of a time zone, or an offset such as +08:00") from None


def time_reader(written: str) -> ReadTime:
    """Return what reads times that are written as `iso`, `unix_s`, `unix_ms`, `unix` or in a format such as %Y-%m-%d %H:%M.

    What it returns reads a value and a zone (for times without an offset) into the instant and whether it is doubtful, and
    raises ValueError with what was expected. Raises ValueError for a format that cannot be read.
    """
    if written == "iso":
        return lambda value, zone: _read_text(_ISO, "expected a time as 2020-02-08T09:10:00+08:00", value, zone)
    if written in ("unix", "unix_s", "unix_ms"):
        return lambda value, _: (_from_epoch(value, written), False)
    pattern = _pattern(written)
    return lambda value, zone: _read_text(pattern, "expected a time as the mapping's `written` says", value, zone)


def _pattern(written: str) -> re.Pattern[str]:
    pieces = re.split(r"%(.?)", written, flags=re.DOTALL)
    names = pieces[1::2]
    if unknown := [name for name in names if name not in _PARTS]:
        raise ValueError(
            f"expected iso, unix, unix_s, unix_ms or a format of %Y %m %d %H %M %S %f %z, not %{unknown[0]}"
        )
    parts = [name for name in names if name != "%"]
    if not set(parts) >= _NEEDED or len(set(parts)) != len(parts):
        raise ValueError("expected iso, unix, unix_s, unix_ms or a format with %Y %m %d %H %M, each part once")
    texts = [re.escape(piece) if index % 2 == 0 else _PARTS[piece] for index, piece in enumerate(pieces)]
    return re.compile("".join(texts), re.ASCII)


def _read_text(pattern: re.Pattern[str], expected: str, value: object, zone: tzinfo) -> When:
    text = str(value) if isinstance(value, int) and not isinstance(value, bool) else value
    match = pattern.fullmatch(text.strip()) if isinstance(text, str) else None
    if match is None:
        raise ValueError(expected)
    parts = match.groupdict()
    fields = [int(parts.get(name) or 0) for name in ("year", "month", "day", "hour", "minute", "second")]
    microsecond = int((parts.get("fraction") or "0")[:6].ljust(6, "0"))
    try:
        local = datetime(fields[0], fields[1], fields[2], fields[3], fields[4], fields[5], microsecond)  # noqa: DTZ001
        return _at(local, parts.get("offset"), zone)
    except (ValueError, OverflowError):
        raise ValueError(_EXPECTED_EXISTING) from None


def _at(local: datetime, offset: str | None, zone: tzinfo) -> When:
    if offset is not None:
        digits = offset[1:].replace(":", "") or "00"
        fixed = UTC if offset in "Zz" else timezone(_offset(offset[0], digits[:2], digits[2:] or "00"))
        return local.replace(tzinfo=fixed).astimezone(UTC), False
    there = local.replace(tzinfo=zone)
    return there.astimezone(UTC), there.utcoffset() != there.replace(fold=1).utcoffset()


def _offset(sign: str, hours: str, minutes: str) -> timedelta:
    offset = timedelta(hours=int(hours), minutes=int(minutes))
    return -offset if sign == "-" else offset


def _from_epoch(value: object, written: str) -> datetime:
    count = number(value)
    if count is None:
        raise ValueError("expected a number of seconds or milliseconds since 1970")
    is_milliseconds = written == "unix_ms" or (written == "unix" and count >= _FIRST_MILLISECONDS)
    seconds = count / 1000 if is_milliseconds else count
    if not 0 <= seconds < _END_OF_2199_S:
        raise ValueError(_EXPECTED_EXISTING)
    return _EPOCH + timedelta(milliseconds=round(seconds * 1000))
