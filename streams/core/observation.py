"""One observation of one person: its exposures, its ledger, and what the rules remember about it."""

from collections.abc import Collection, Iterator
from datetime import date, datetime, timedelta
from functools import lru_cache
from zoneinfo import ZoneInfo

import msgspec

from events.policy import ObservationPolicy, Policy
from events.vocabulary import Category
from streams.core.calendar import day_number, local_instant, numbered_day
from streams.core.layout import Slot, SlotKey, Timetable
from streams.core.ledger import PENDING_MARK, Ledger


class Span(msgspec.Struct, frozen=True, array_like=True):
    """Days of observation by their numbers, both ends included, whose windows start at or after `since`."""

    first_day: int
    last_day: int
    since: datetime

    def days(self) -> range:
        """Return the days in order."""
        return range(self.first_day, self.last_day + 1)


class BreachCount(msgspec.Struct, array_like=True):
    """The alerts of one date: the number of the latest, and when the earliest scan counted to it was made."""

    number: int
    earliest_at: datetime


class LostContact(msgspec.Struct, frozen=True, array_like=True):
    """The open `contact_lost` of one check: its alert, and the count from which it was opened."""

    alert_id: str
    lost_after: int


class Observation(msgspec.Struct, kw_only=True, array_like=True):
    """A period in which a person is checked; `ids[0]` names it, later ids are other names of the same.

    Dates are numbers (`streams.core.calendar`). `exposures` are the last exposures that became known, each later than the
    one before; period and grace are those of the policy at the opening or at the last extension that moved the last
    exposure. `first_reading` is how many readings at a confirm site the person had before.
    """

    ids: list[str]
    area: str
    category: Category
    opened_at: datetime
    exposures: list[int] = []
    period_days: int = 0
    overdue_grace_minutes: int = 0
    spans: list[Span] = []
    closed_at: datetime | None = None
    closed_by: str | None = None
    ledger: Ledger = msgspec.field(default_factory=Ledger)
    first_reading: int = 0
    overdue_days: list[int] = []
    breaches: dict[int, BreachCount] = {}
    lost: dict[str, LostContact] = {}

    @property
    def name(self) -> str:
        """The first id, under which verdicts and alerts know the observation."""
        return self.ids[0]

    @property
    def is_open(self) -> bool:
        """Tell whether no closing has come."""
        return self.closed_at is None

    @property
    def last_day(self) -> date:
        """The last day of observation."""
        return numbered_day(self.last_day_number)

    @property
    def last_day_number(self) -> int:
        """The number of the last day."""
        return self.exposures[-1] + self.period_days

    def covers(self, instant: datetime) -> bool:
        """Tell whether an instant lies in `[opening, closing)`."""
        return self.opened_at <= instant and (self.closed_at is None or instant < self.closed_at)

    def overdue_at(self, policy: Policy) -> datetime | None:
        """Return when the open observation is overdue, or None where its last day was judged or it is closed."""
        if self.closed_at is not None or (self.overdue_days and self.last_day_number in self.overdue_days):
            return None
        return _overdue_at(self.last_day_number, self.overdue_grace_minutes, policy.zone)

    def days(self) -> list[int]:
        """Return day 1 to day `period_days` after every exposure, each day once, in order."""
        return sorted({on + n for on in self.exposures for n in range(1, self.period_days + 1)})

    def checks_had(self, timetable: Timetable) -> list[SlotKey]:
        """Return what a closed observation was promised before its closing, from its days alone."""
        if self.closed_at is None:
            return []
        return [slot.key for slot in self.expected(timetable) if slot.start < self.closed_at]

    def expected(self, timetable: Timetable) -> Iterator[Slot]:
        """Yield the windows that the observation is promised by its days alone, in the order of the days."""
        for span in self.spans:
            for day in span.days():
                yield from (slot for slot in timetable.day(numbered_day(day)) if slot.start >= span.since)


@lru_cache(maxsize=4096)
def _overdue_at(last_day: int, grace_minutes: int, zone: ZoneInfo) -> datetime:
    midnight = local_instant(numbered_day(last_day + 1), 0, zone)
    return midnight + timedelta(minutes=grace_minutes)


def expose(
    observation: Observation,
    on: date,
    since: datetime,
    terms: ObservationPolicy,
    timetable: Timetable,
    clock: datetime | None,
    elsewhere: Collection[SlotKey],
) -> set[SlotKey]:
    """Add a later last exposure under the terms that hold now; return the keys of the checks that it brings.

    Days that were covered keep their windows; of those that are new, windows that start at or after `since` come. Checks
    on days that are covered no longer (the period has become shorter) go, unless they are judged or have begun.
    `elsewhere` holds the checks that belong to an earlier observation of the person.
    """
    covered = {day for span in observation.spans for day in span.days()}
    observation.exposures.append(day_number(on))
    observation.period_days = terms.period_days
    observation.overdue_grace_minutes = terms.overdue_grace_minutes
    days = observation.days()
    fresh = _spans([day for day in days if day not in covered], since)
    kept = [span for old in observation.spans for span in _spans([day for day in old.days() if day in days], old.since)]
    observation.spans = fresh
    brought = {slot.key: slot for slot in observation.expected(timetable) if slot.key not in elsewhere}
    observation.spans = kept + fresh
    entries = {
        slot.key: (slot, mark)
        for slot, mark in observation.ledger.entries()
        if mark != PENDING_MARK or day_number(slot.date) in days or slot.has_begun(clock)
    }
    brought = {key: slot for key, slot in brought.items() if key not in entries}
    fresh_entries = ((slot, PENDING_MARK) for slot in brought.values())
    observation.ledger.replace(timetable, [*entries.values(), *fresh_entries])
    return set(brought)


def _spans(days: list[int], since: datetime) -> list[Span]:
    """Gather consecutive days into spans."""
    spans: list[Span] = []
    for day in days:
        if spans and day == spans[-1].last_day + 1:
            spans[-1] = Span(spans[-1].first_day, day, since)
        else:
            spans.append(Span(day, day, since))
    return spans


def lay_out_anew(
    observation: Observation, timetable: Timetable, clock: datetime | None, elsewhere: Collection[SlotKey]
) -> None:
    """Bring an observation under the timetable of a new policy.

    Checks that are judged or whose window has begun stay; the others go, and what the timetable has of windows that are
    still to begin comes.
    """
    entries = {
        slot.key: (slot, mark)
        for slot, mark in observation.ledger.entries()
        if mark != PENDING_MARK or slot.has_begun(clock)
    }
    for slot in observation.expected(timetable):
        is_new = slot.key not in entries and slot.key not in elsewhere
        # A window that starts at this very clock has begun, but only with this policy.
        is_to_come = not slot.has_begun(clock) or slot.start == clock
        if is_new and is_to_come:
            entries[slot.key] = (slot, PENDING_MARK)
    observation.ledger.replace(timetable, entries.values())
