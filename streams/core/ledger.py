"""The ledger of one observation: every expected check and the one state it is in (contract section 4).

The table below is the whole life of a check; what is not in it changes nothing.

    state     | satisfied | overdue | held    | excused
    pending   | done      | missed  | unknown | waived
    missed    | late      |         |         | waived
    unknown   | done      | missed  |         | waived
"""

from collections.abc import Iterable, Iterator
from datetime import datetime
from enum import Enum, auto

from events.vocabulary import CheckState
from streams.core.layout import EMPTY_LAYOUT, Layout, Slot, SlotKey, Timetable


class CheckEvent(Enum):
    """What can befall an expected check."""

    SATISFIED = auto()
    OVERDUE = auto()
    HELD = auto()  # overdue while the way of its records is broken
    EXCUSED = auto()


TRANSITIONS: dict[tuple[CheckState, CheckEvent], CheckState] = {
    (CheckState.PENDING, CheckEvent.SATISFIED): CheckState.DONE,
    (CheckState.PENDING, CheckEvent.OVERDUE): CheckState.MISSED,
    (CheckState.PENDING, CheckEvent.HELD): CheckState.UNKNOWN,
    (CheckState.PENDING, CheckEvent.EXCUSED): CheckState.WAIVED,
    (CheckState.MISSED, CheckEvent.SATISFIED): CheckState.LATE,
    (CheckState.MISSED, CheckEvent.EXCUSED): CheckState.WAIVED,
    (CheckState.UNKNOWN, CheckEvent.SATISFIED): CheckState.DONE,
    (CheckState.UNKNOWN, CheckEvent.OVERDUE): CheckState.MISSED,
    (CheckState.UNKNOWN, CheckEvent.EXCUSED): CheckState.WAIVED,
}

# A mark is one byte a slot: the state's code in the low four bits, the revision in the high four. Pending is 0.
_STATES = (
    CheckState.PENDING,
    CheckState.DONE,
    CheckState.MISSED,
    CheckState.LATE,
    CheckState.WAIVED,
    CheckState.UNKNOWN,
)
_CODES = {state: code for code, state in enumerate(_STATES)}
_NEXT = {event.value: [TRANSITIONS.get((state, event)) for state in _STATES] for event in CheckEvent}
PENDING_MARK = 0
# Unknown is always the first verdict, and missed is that or follows on it.
_UNKNOWN_MARK = _CODES[CheckState.UNKNOWN] | 1 << 4
_MISSED_MARKS = (_CODES[CheckState.MISSED] | 1 << 4, _CODES[CheckState.MISSED] | 2 << 4)


class Ledger:
    """Slots and their marks; positions are those of the layout, which is in the order of judgement.

    `fresh_misses` are the missed checks to whose alert nothing has happened yet, by position, with the clock at which it
    was raised: all else that it says follows.
    """

    __slots__ = ("fresh_misses", "layout", "marks")

    def __init__(
        self,
        layout: Layout = EMPTY_LAYOUT,
        marks: bytes | None = None,
        fresh_misses: dict[int, datetime] | None = None,
    ) -> None:
        self.layout = layout
        self.marks = bytearray(len(layout.slots) if marks is None else marks)
        self.fresh_misses = {} if fresh_misses is None else fresh_misses
        assert len(self.marks) == len(layout.slots), "a ledger has one mark for every slot"

    def state(self, position: int) -> CheckState:
        """Return the state of the check at a position."""
        return _STATES[self.marks[position] & 0x0F]

    def revision(self, position: int) -> int:
        """Return how often the check was judged; 0 while pending."""
        return self.marks[position] >> 4

    def next_state(self, position: int, event: CheckEvent) -> CheckState | None:
        """Return the state into which an event brings the check, or None where it changes nothing."""
        return _NEXT[event.value][self.marks[position] & 0x0F]

    def judge(self, position: int, state: CheckState) -> int:
        """Put the check into a state and return the revision of this verdict."""
        revision = self.revision(position) + 1
        assert revision < 16, "a check is judged a few times at most"
        self.marks[position] = _CODES[state] | revision << 4
        return revision

    def positions(self, state: CheckState) -> Iterator[int]:
        """Yield the positions of checks in a state, in the order of judgement."""
        code = _CODES[state]
        return (position for position, mark in enumerate(self.marks) if mark & 0x0F == code)

    def pending_until(self, clock: datetime) -> Iterator[int]:
        """Yield the positions of pending checks that the clock has reached, in the order of judgement."""
        marks, slots = self.marks, self.layout.slots
        position = marks.find(PENDING_MARK)
        while position >= 0 and slots[position].judge_at <= clock:
            yield position
            position = marks.find(PENDING_MARK, position + 1)

    def missed_count(self) -> int:
        """Return how many checks are missed now."""
        return sum(map(self.marks.count, _MISSED_MARKS))

    def has_unknown(self) -> bool:
        """Tell whether a check is unknown now."""
        return _UNKNOWN_MARK in self.marks

    def next_judgement(self) -> datetime | None:
        """Return when the first pending check is judged."""
        position = self.marks.find(PENDING_MARK)
        return None if position < 0 else self.layout.slots[position].judge_at

    def find(self, key: SlotKey) -> int | None:
        """Return the position of a check, or None where it is not expected."""
        return self.layout.index.get(key)

    def replace(self, timetable: Timetable, entries: Iterable[tuple[Slot, int]]) -> None:
        """Lay the ledger out anew from slots and their marks."""
        marks = {slot.key: (slot, mark) for slot, mark in entries}
        fresh = {self.layout.slots[position].key: at for position, at in self.fresh_misses.items()}
        self.layout = timetable.layout(slot for slot, _ in marks.values())
        self.marks = bytearray(marks[slot.key][1] for slot in self.layout.slots)
        self.fresh_misses = {self.layout.index[key]: at for key, at in fresh.items()}  # what is judged stays

    def entries(self) -> Iterator[tuple[Slot, int]]:
        """Yield every slot with its mark."""
        return zip(self.layout.slots, self.marks, strict=True)
