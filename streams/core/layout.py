"""Where expected checks lie in time: slots, and layouts of them that many people share.

A slot is one window of one check on one local date under one policy. Laying out is a pure function of policy and date,
so slots are made once and shared; an observation holds one reference to its layout and one byte a slot.
"""

from bisect import bisect_left, bisect_right
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from functools import cached_property

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
    policy_version: str

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
        policy_version=policy.policy_version,
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


class SlotBook:
    """Makes slots and layouts once and hands out shared ones. Only a cache: everything follows from the policies."""

    def __init__(self) -> None:
        self._days: dict[tuple[str, date], tuple[Slot, ...]] = {}
        self._layouts: dict[tuple[tuple[str, SlotKey], ...], Layout] = {}

    def day(self, policy: Policy, day: date) -> tuple[Slot, ...]:
        """Return every slot of a policy on a local date."""
        cached = self._days.get((policy.policy_version, day))
        if cached is None:
            cached = tuple(_slot(policy, check, window, day) for check in policy.checks for window in check.windows)
            self._days[policy.policy_version, day] = cached
        return cached

    def layout(self, slots: Iterable[Slot]) -> Layout:
        """Return the shared layout of these slots."""
        fresh = Layout(slots)
        return self._layouts.setdefault(tuple((slot.policy_version, slot.key) for slot in fresh.slots), fresh)

    def forget_before(self, day: date) -> None:
        """Drop cached days and layouts that lie wholly before `day`."""
        self._days = {key: slots for key, slots in self._days.items() if key[1] >= day}
        self._layouts = {
            key: layout for key, layout in self._layouts.items() if any(slot.date >= day for slot in layout.slots)
        }


EMPTY_LAYOUT = Layout(())
