"""Where expected checks lie in time: slots, and layouts of them that many people share.

A slot is one window of one check on one local date under one policy. Which slots a date has follows from the policies that
held so far, so slots are made once and shared; an observation holds one reference to its layout and one byte a slot.
"""

from bisect import bisect_left, bisect_right
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from functools import cached_property
from weakref import WeakValueDictionary

from events.policy import CheckPolicy, Policy, Window
from streams.core.calendar import local_instant

SlotKey = tuple[str, date, str]


@dataclass(frozen=True, slots=True)
class Slot:
    """One check in one window of one date: when a record counts for it and when it is judged.

    A record counts with `start <= occurred_at < due_at` (window's end plus grace); the verdict falls at `judge_at` (due
    plus settle) and can be revised while the clock is below `final_at` (due plus late days).
    """

    check: str
    date: date
    window: str
    start: datetime
    end: datetime
    due_at: datetime
    judge_at: datetime
    final_at: datetime
    satisfied_by: frozenset[str]
    lost_after: int
    policy: Policy

    def has_begun(self, clock: datetime | None) -> bool:
        """Tell whether the clock has reached the start."""
        return clock is not None and self.start <= clock

    @property
    def key(self) -> SlotKey:
        """What makes it the same check under any policy."""
        return (self.check, self.date, self.window)


def _slot(policy: Policy, check: CheckPolicy, window: Window, day: date) -> Slot:
    end = local_instant(day, window.end, policy.zone)
    due_at = end + check.grace
    return Slot(
        check=check.name,
        date=day,
        window=window.name,
        start=local_instant(day, window.start, policy.zone),
        end=end,
        due_at=due_at,
        judge_at=due_at + check.settle,
        final_at=due_at + policy.late,
        satisfied_by=frozenset(check.satisfied_by),
        lost_after=check.lost_after,
        policy=policy,
    )


class Layout:
    """Slots in the order in which they are judged; immutable, shared between observations."""

    def __init__(self, slots: Iterable[Slot]) -> None:
        self.slots = tuple(sorted(slots, key=lambda slot: (slot.judge_at, slot.due_at, slot.key)))

    @cached_property
    def index(self) -> dict[SlotKey, int]:
        """Where the slot of a key stands."""
        return {slot.key: position for position, slot in enumerate(self.slots)}

    @cached_property
    def by_check(self) -> dict[str, tuple[int, ...]]:
        """The slots of each check, latest due first."""
        found: dict[str, list[int]] = {}
        for position, slot in enumerate(self.slots):
            found.setdefault(slot.check, []).append(position)

        def due(position: int) -> tuple[datetime, SlotKey]:
            return self.slots[position].due_at, self.slots[position].key

        return {check: tuple(sorted(positions, key=due, reverse=True)) for check, positions in found.items()}

    @cached_property
    def _by_start(self) -> tuple[list[datetime], list[int], timedelta]:
        order = sorted(range(len(self.slots)), key=lambda position: self.slots[position].start)
        longest = max((slot.due_at - slot.start for slot in self.slots), default=timedelta())
        return [self.slots[position].start for position in order], order, longest

    def around(self, instant: datetime) -> list[int]:
        """Return the positions of slots for which a record made at `instant` counts, in the order of judgement."""
        starts, order, longest = self._by_start
        started = range(bisect_left(starts, instant - longest), bisect_right(starts, instant))
        return sorted(order[near] for near in started if instant < self.slots[order[near]].due_at)


@dataclass(frozen=True, slots=True)
class PolicyChange:
    """From `clock` on (None is before the first tick) another policy held."""

    policy: Policy
    clock: datetime | None


class Timetable:
    """Which windows there are on a local date, under all the policies that held so far (contract section 1).

    A window that the clock had begun when a policy came keeps the one it began under, for everybody, whenever their
    observation is opened. Those not begun are laid out anew: one whose new start the clock had passed keeps its former
    layout, one that is new and whose start was past does not exist. `changes` is the truth, the rest a cache.
    """

    def __init__(self, changes: Iterable[PolicyChange] = ()) -> None:
        self.changes = list(changes)
        self._days: dict[date, tuple[Slot, ...]] = {}
        # Shared for as long as an observation refers to them.
        self._layouts: WeakValueDictionary[tuple[tuple[str, SlotKey], ...], Layout] = WeakValueDictionary()

    def change(self, policy: Policy, clock: datetime | None) -> None:
        """Let another policy hold from this clock on."""
        self.changes.append(PolicyChange(policy, clock))
        self._days.clear()

    def day(self, day: date) -> tuple[Slot, ...]:
        """Return every window of a local date as it is laid out now."""
        cached = self._days.get(day)
        if cached is None:
            cached = self._days[day] = tuple(self._lay_out(day).values())
        return cached

    def _lay_out(self, day: date) -> dict[SlotKey, Slot]:
        slots: dict[SlotKey, Slot] = {}
        for number, change in enumerate(self.changes):
            fresh = day_slots(change.policy, day)
            slots = _laid_out_anew(slots, fresh, change.clock) if number else {slot.key: slot for slot in fresh}
        return slots

    def layout(self, slots: Iterable[Slot]) -> Layout:
        """Return the shared layout of these slots."""
        fresh = Layout(slots)
        return self._layouts.setdefault(tuple((slot.policy.policy_version, slot.key) for slot in fresh.slots), fresh)

    def forget_before(self, day: date) -> None:
        """Drop cached days before `day`; they would be made anew."""
        self._days = {known: slots for known, slots in self._days.items() if known >= day}


def day_slots(policy: Policy, day: date) -> tuple[Slot, ...]:
    """Return every window of a date as one policy alone has it."""
    return tuple(_slot(policy, check, window, day) for check in policy.checks for window in check.windows)


def _laid_out_anew(former: dict[SlotKey, Slot], fresh: Iterable[Slot], clock: datetime | None) -> dict[SlotKey, Slot]:
    kept = {key: slot for key, slot in former.items() if slot.has_begun(clock)}
    for slot in fresh:
        if slot.key in kept:
            continue
        if clock is None or slot.start >= clock:
            kept[slot.key] = slot
        elif slot.key in former:
            kept[slot.key] = former[slot.key]
    return kept


EMPTY_LAYOUT = Layout(())
