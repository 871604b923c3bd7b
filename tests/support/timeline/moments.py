"""How a table writes days and moments: local to the policy's zone, and of the year 2020 where no year stands."""

import re
from datetime import UTC, date, datetime
from zoneinfo import ZoneInfo

YEAR = "2020"
MOMENT = r"(?:\d{4}-)?\d\d-\d\d \d\d:\d\d(?::\d\d(?:\.\d{1,6})?)?(?:Z|[+-]\d\d:\d\d)?"
_SHORT_DAY = re.compile(r"(?<![\w-])(\d\d-\d\d)(?![\w-])")


def whole_day(text: str) -> str:
    """Put the year in front of a day `MM-DD`; `YYYY-MM-DD` stays."""
    return _SHORT_DAY.sub(rf"{YEAR}-\1", text)


def day(text: str) -> date:
    """Read a day `MM-DD` or `YYYY-MM-DD`."""
    return date.fromisoformat(whole_day(text))


def moment(text: str, zone: ZoneInfo) -> datetime:
    """Read a moment as an instant; an offset or `Z` behind it overrides the zone. Of a repeated time the first is meant."""
    if re.fullmatch(MOMENT, text) is None:
        raise ValueError(f"expected a moment MM-DD HH:MM, found {text!r}")
    day_text, time_text = text.split(" ")
    shown = datetime.fromisoformat(f"{whole_day(day_text)}T{time_text}")
    return (shown if shown.tzinfo is not None else shown.replace(tzinfo=zone)).astimezone(UTC)


def short_moment(instant: datetime, zone: ZoneInfo) -> str:
    """Write an instant as a table would: `MM-DD HH:MM`, seconds and fractions only where there are some."""
    shown = instant.astimezone(zone)
    pattern = "%m-%d %H:%M"
    if shown.microsecond:
        pattern += ":%S.%f"
    elif shown.second:
        pattern += ":%S"
    return shown.strftime(pattern)


def short(text: str) -> str:
    """Leave the year out of every day in a text, as tables do."""
    return re.sub(rf"(?<![\w-]){YEAR}-(\d\d-\d\d)(?![\w-])", r"\1", text)
