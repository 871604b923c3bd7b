"""Where expected checks lie in time: slots, and layouts of them that many people share.

A slot is one window of one check on one local date under one policy. Which slots a date has follows from the policies
that held so far, so slots are made once and shared; an observation holds one reference to its layout and one byte a slot.
People are held packed, so a layout has a number by which they refer to it, and the timetable counts who does.
"""

from bisect import bisect_left, bisect_right
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from functools import cached_property

from events.policy import CheckPolicy, Policy, Window
from streams.core.calendar import local_instant

# What is decided is remembered at least so long, however short a time a policy lets it change.
_SHORTEST_MEMORY = timedelta(days=30)

SlotKey = tuple[str, date, str]
LayoutContent = tuple[tuple[str, SlotKey], ...]


@dataclass(frozen=True, slots=True)
class Slot:
    """One check in one window of one date: when a record counts for it and when it is judged.

    A record counts with `start <= occurred_at < due_at` (window's end plus grace); the verdict falls at `judge_at` (due
    plus settle) and can be revised while the clock is below `final_at` (due plus late days). `key` is what makes it the
    same check under any policy, `content` under one version,
    `occurrence` how alerts name it.
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
    key: SlotKey
    content: tuple[str, SlotKey]
    occurrence: str

    def has_begun(self, clock: datetime | None) -> bool:
        """Tell whether the clock has reached the start."""
        return clock is not None and self.start <= clock


def _slot(policy: Policy, check: CheckPolicy, window: Window, day: date) -> Slot:
    end = local_instant(day, window.end, policy.zone)
    due_at = end + check.grace
    key = (check.name, day, window.name)
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
        key=key,
        content=(policy.policy_version, key),
        occurrence=f"{check.name}/{day.isoformat()}/{window.name}",
    )


class Layout:
    """Slots in the order in which they are judged; immutable, shared between observations.

    `number` is the name under which a timetable knows it; 0 is the empty one.
    """

    def __init__(self, slots: Iterable[Slot], number: int = 0) -> None:
        self.slots = tuple(sorted(slots, key=lambda slot: (slot.judge_at, slot.due_at, slot.key)))
        self.number = number

    @cached_property
    def index(self) -> dict[SlotKey, int]:
        """Where the slot of a key stands."""
        return {slot.key: position for position, slot in enumerate(self.slots)}

    @property
    def content(self) -> LayoutContent:
        """What makes two layouts the same: version and key of every slot."""
        return tuple(slot.content for slot in self.slots)

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

    @cached_property
    def final_at(self) -> datetime | None:
        """When the last of the slots can be revised no more, however short a time its policy lets it; None without slots."""
        return max((max(slot.final_at, slot.due_at + _SHORTEST_MEMORY) for slot in self.slots), default=None)

    def around(self, instant: datetime) -> list[int]:
        """Return the positions of slots for which a record made at `instant` counts, in the order of judgement."""
        starts, order, longest = self._by_start
        begin, end = bisect_left(starts, instant - longest), bisect_right(starts, instant)
        if begin == end:
            return []
        slots = self.slots
        return sorted([near for near in order[begin:end] if instant < slots[near].due_at])


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
        self._by_content: dict[LayoutContent, Layout] = {}
        self.layouts: dict[int, Layout] = {}
        self.changed_layouts: dict[int, None] = {}
        self.last_number = 0
        self.references: dict[int, int] = {}

    def change(self, policy: Policy, clock: datetime | None) -> None:
        """Let another policy hold from this clock on."""
        self.changes.append(PolicyChange(policy, clock))
        self._days.clear()

    def forget_policies(self) -> None:
        """Go back to before the first policy; only where nobody is held yet."""
        self.changes.clear()
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
        given = tuple(slots)
        if not given:
            return EMPTY_LAYOUT
        # Days come in the same order for everybody: most layouts are found before they are sorted.
        as_given = tuple(slot.content for slot in given)
        known = self._by_content.get(as_given)
        if known is None:
            fresh = Layout(given)
            known = self._by_content.get(fresh.content)
            if known is None:
                self.last_number += 1
                fresh.number = self.last_number
                self.add_layout(fresh)
                self.changed_layouts[fresh.number] = None
                known = fresh
            self._by_content[as_given] = known
        return known

    def add_layout(self, layout: Layout) -> None:
        """Put a layout under its number; for one that is read back."""
        self._by_content[layout.content] = self.layouts[layout.number] = layout
        self.last_number = max(self.last_number, layout.number)

    def refer(self, number: int, count: int) -> None:
        """Note that so many more, or fewer, of those held refer to a layout."""
        if number:
            self.references[number] = self.references.get(number, 0) + count

    def forget_layouts(self) -> None:
        """Drop layouts to which nobody refers; they would be made anew under another number."""
        unused = [number for number in self.layouts if not self.references.get(number)]
        for number in unused:
            del self.layouts[number]
            self.references.pop(number, None)
            self.changed_layouts[number] = None
        if unused:
            held = self._by_content.items()
            self._by_content = {content: layout for content, layout in held if layout.number in self.layouts}

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
