"""One observation of one person: its exposures, its ledger, and what the rules remember about it."""

from collections.abc import Collection
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta

from events.policy import Policy
from events.vocabulary import Category, Site
from streams.core.calendar import local_instant
from streams.core.layout import Slot, SlotBook, SlotKey
from streams.core.ledger import PENDING_MARK, Ledger


@dataclass(frozen=True, slots=True)
class Exposure:
    """A last exposure and the period and grace of the policy that held when it became known.

    It brings the windows of day 1 to day `period_days` after `on` that start at or after `since`.
    """

    on: date
    period_days: int
    overdue_grace_minutes: int
    since: datetime

    @property
    def last_day(self) -> date:
        """The last day of observation that follows from it."""
        return self.on + timedelta(days=self.period_days)

    def covers(self, day: date) -> bool:
        """Tell whether a date is one of its days of observation."""
        return self.on < day <= self.last_day


@dataclass(frozen=True, slots=True)
class ConfirmReading:
    """A plausible reading at a site that can confirm or refute a fever."""

    event_id: str
    taken_at: datetime
    site: Site
    temperature_c: float


@dataclass(slots=True)
class BreachCount:
    """The alerts of one date: the number of the latest, and when the earliest scan counted to it was made."""

    number: int
    earliest_at: datetime


@dataclass(frozen=True, slots=True)
class LostContact:
    """The open `contact_lost` of one check: its alert, and the count from which it was opened."""

    alert_id: str
    lost_after: int


@dataclass(slots=True, kw_only=True)
class Observation:
    """A period in which a person is checked; `ids[0]` names it, later ids are other names of the same."""

    ids: list[str]
    area: str
    category: Category
    opened_at: datetime
    exposures: list[Exposure] = field(default_factory=list)
    closed_at: datetime | None = None
    ledger: Ledger = field(default_factory=Ledger)
    confirm_readings: list[ConfirmReading] = field(default_factory=list)
    overdue_days: list[date] = field(default_factory=list)
    breaches: dict[date, BreachCount] = field(default_factory=dict)
    lost: dict[str, LostContact] = field(default_factory=dict)

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
        return self.exposures[-1].last_day

    def covers(self, instant: datetime) -> bool:
        """Tell whether an instant lies in `[opening, closing)`."""
        return self.opened_at <= instant and (self.closed_at is None or instant < self.closed_at)

    def overdue_at(self, policy: Policy) -> datetime | None:
        """Return when the open observation is overdue, or None where its last day was judged or it is closed."""
        if not self.is_open or self.last_day in self.overdue_days:
            return None
        midnight = local_instant(self.last_day + timedelta(days=1), 0, policy.zone)
        return midnight + timedelta(minutes=self.exposures[-1].overdue_grace_minutes)

    def days(self) -> list[date]:
        """Return every day of observation once, in order."""
        found = {
            exposure.on + timedelta(days=n) for exposure in self.exposures for n in range(1, exposure.period_days + 1)
        }
        return sorted(found)

    def expects(self, slot: Slot) -> bool:
        """Tell whether one of the exposures promises a slot to the person."""
        if slot.start < self.opened_at:
            return False
        return any(exposure.covers(slot.date) and slot.start >= exposure.since for exposure in self.exposures)


def add_expected(
    observation: Observation, exposure: Exposure, policy: Policy, book: SlotBook, elsewhere: Collection[SlotKey]
) -> list[SlotKey]:
    """Add an exposure and lay out the days that it alone brings; return the keys of the checks that came.

    Days that an earlier exposure covers were laid out with it and stay as they are. `elsewhere` holds the checks that
    belong to an earlier observation of the person.
    """
    covered = set(observation.days())
    observation.exposures.append(exposure)
    fresh = [
        slot
        for day in observation.days()
        if day not in covered
        for slot in book.day(policy, day)
        if slot.key not in elsewhere and observation.expects(slot)
    ]
    if fresh:
        observation.ledger.replace(book, [*observation.ledger.entries(), *((slot, PENDING_MARK) for slot in fresh)])
    return [slot.key for slot in fresh]


def lay_out_anew(
    observation: Observation, policy: Policy, book: SlotBook, clock: datetime | None, elsewhere: Collection[SlotKey]
) -> None:
    """Bring an open observation under a new policy.

    Checks that are judged or whose window has begun keep their layout. Of the others, one whose new start the clock has
    passed keeps its former layout, one that the policy no longer knows goes, and one that is new exists only when its
    start is still to come.
    """

    def has_begun(slot: Slot) -> bool:
        return clock is not None and slot.start <= clock

    entries: list[tuple[Slot, int]] = []
    former: dict[SlotKey, Slot] = {}
    for slot, mark in observation.ledger.entries():
        if mark == PENDING_MARK and not has_begun(slot):
            former[slot.key] = slot
        else:
            entries.append((slot, mark))
    kept = {slot.key for slot, _ in entries}
    for day in observation.days():
        for slot in book.day(policy, day):
            if slot.key in kept or slot.key in elsewhere:
                continue
            if has_begun(slot):
                if slot.key in former:
                    entries.append((former[slot.key], PENDING_MARK))
            elif observation.expects(slot):
                entries.append((slot, PENDING_MARK))
    observation.ledger.replace(book, entries)
