"""The town's calendar as plain arithmetic: days are numbered from 0, instants are whole seconds since 1970."""

from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta, timezone
from typing import Final, NamedTuple

MINUTE: Final = 60
HOUR: Final = 3_600
DAY: Final = 86_400
_OFFSET: Final = 8 * HOUR
_ZONE: Final = timezone(timedelta(seconds=_OFFSET))

# The windows of the default policy, in seconds of the local day, and the delays of its checks.
WINDOWS: Final = {"am": (6 * HOUR, 12 * HOUR), "pm": (14 * HOUR, 20 * HOUR)}
CHECKS: Final = ("temperature", "visit")
GRACE: Final = 30 * MINUTE
SETTLE: Final = 5 * MINUTE
RELEASE_HOUR: Final = 12


class Slot(NamedTuple):
    """A window of one day; slots compare in the order of time."""

    day: int
    window: str


class Span(NamedTuple):
    """The first and the last instant at which something can have happened, whatever the size of the ticks."""

    earliest: int
    latest: int


def next_hour(instant: int) -> int:
    """Return the first full hour at or after an instant: a tick of every allowed size stands there."""
    return -(-instant // HOUR) * HOUR


@dataclass(frozen=True, slots=True)
class TownCalendar:
    """Days of the town to instants and back; the local time is that of Asia/Shanghai."""

    start_on: date

    @property
    def start(self) -> int:
        """Return the local midnight that begins day 0."""
        return (
            int(datetime(self.start_on.year, self.start_on.month, self.start_on.day, tzinfo=UTC).timestamp()) - _OFFSET
        )

    def at(self, day: int, hour: float, minute: float = 0, second: int = 0) -> int:
        """Return the instant of a local time of a day."""
        return self.start + day * DAY + int(hour * HOUR + minute * MINUTE) + second

    def day(self, instant: int) -> int:
        """Return the number of the local day in which an instant lies."""
        return (instant - self.start) // DAY

    def date(self, day: int) -> str:
        """Return the local date of a day as `YYYY-MM-DD`."""
        return (self.start_on + timedelta(days=day)).isoformat()

    def iso(self, instant: int) -> str:
        """Return an instant as it stands in a record, with the local offset."""
        return datetime.fromtimestamp(instant, _ZONE).isoformat()

    def begin(self, slot: Slot) -> int:
        """Return the start of a window."""
        return self.start + slot.day * DAY + WINDOWS[slot.window][0]

    def end(self, slot: Slot) -> int:
        """Return the end of a window, without grace."""
        return self.start + slot.day * DAY + WINDOWS[slot.window][1]

    def judging(self, slot: Slot) -> Span:
        """Return when an unsatisfied check of the window is judged: by the first tick at or after end + grace + settle."""
        judged_at = self.end(slot) + GRACE + SETTLE
        return Span(judged_at, next_hour(judged_at))
