"""The people of a partition, held as bytes and unpacked when a record or a deadline touches them.

A million people as objects would be several gigabytes, and Python's garbage collector would look at every one of them
again and again; as bytes they are a few hundred each, and what was written down at an offset cannot change any more.

    8 bytes   when a tick has something to do for the person, microseconds since 1970 plus one day; 0 is never
    1 byte    1 where a check is unknown now, else 0
    the rest  the person in MessagePack; a ledger is the number of its layout, its marks, its fresh misses

Readings are held apart: a deadline does not touch them, and small pieces are what Python's allocator is good at.
"""

from collections.abc import Callable, Iterator
from datetime import datetime
from typing import Any

import msgspec

from streams.core.deadlines import DeadlineIndex
from streams.core.layout import EMPTY_LAYOUT, Timetable
from streams.core.ledger import Ledger
from streams.core.person import Person

_DUE_BYTES = 8
_HEAD_BYTES = 9
_SETTLED, _UNSETTLED = b"\0", b"\1"
# So that every instant since 1970 is greater than "never"; a deadline may fall a little before it.
_OFFSET = 86_400_000_000
_NEVER = bytes(_DUE_BYTES)


class _Held(msgspec.Struct, gc=False):
    """One person as bytes. The id is one string wherever it is held: those that come with records are new ones each time."""

    person_id: str
    packed: bytes
    readings: bytes = b""


class People:
    """People by their id; `get` unpacks, `put` packs. A person that was got and not put back has not changed."""

    def __init__(
        self,
        timetable: Timetable,
        packed: dict[str, bytes] | None = None,
        readings: dict[str, bytes] | None = None,
    ) -> None:
        """Begin with what is held, or with nobody; refers to the layouts of `timetable`."""
        readings = readings or {}
        self.held = {
            person_id: _Held(person_id, value, readings.get(person_id, b""))
            for person_id, value in (packed or {}).items()
        }
        self.changed: dict[str, None] = {}
        self.changed_readings: dict[str, None] = {}
        self.deadlines = DeadlineIndex()
        self._popped_until = -_OFFSET
        self._timetable = timetable
        self._encode = msgspec.msgpack.Encoder(enc_hook=_pack_ledger).encode
        self._decode: Callable[[memoryview], Person] = msgspec.msgpack.Decoder(
            Person, dec_hook=self._unpack_ledger
        ).decode
        self._unsettled: dict[str, None] = {}
        for held in self.held.values():
            if held.packed[_DUE_BYTES:_HEAD_BYTES] == _UNSETTLED:
                self._unsettled[held.person_id] = None
            if (due := held.packed[:_DUE_BYTES]) != _NEVER:
                self.deadlines.add(int.from_bytes(due, "big") - _OFFSET, held.person_id)

    def __len__(self) -> int:
        return len(self.held)

    def __contains__(self, person_id: str) -> bool:
        return person_id in self.held

    def __iter__(self) -> Iterator[Person]:
        """Yield everybody in the order of their ids."""
        for person_id in self.ids():
            yield self._unpack(self.held[person_id])

    def ids(self) -> list[str]:
        """Return the ids of everybody, in their order."""
        return sorted(self.held)

    def packed(self, person_id: str) -> bytes | None:
        """Return a person as bytes, readings left out; None for one of whom nothing is held."""
        held = self.held.get(person_id)
        return None if held is None else held.packed

    def readings(self, person_id: str) -> bytes | None:
        """Return the readings of a person as bytes, None where there are none."""
        held = self.held.get(person_id)
        return None if held is None else held.readings or None

    def get(self, person_id: str) -> Person | None:
        """Return what is held of a person, None for one of whom nothing is."""
        held = self.held.get(person_id)
        return None if held is None else self._unpack(held)

    def _unpack(self, held: _Held) -> Person:
        person = self._decode(memoryview(held.packed)[_HEAD_BYTES:])
        person.person_id = held.person_id
        person.readings = held.readings
        return person

    def _unpack_ledger(self, kind: type[Any], packed: Any) -> Any:
        assert kind is Ledger
        number, marks, fresh_misses = packed
        return Ledger(self._timetable.layouts.get(number, EMPTY_LAYOUT), marks, fresh_misses)

    def put(self, person: Person, due: int | None) -> None:
        """Hold a person as they are now; `due` is when a tick has something to do for them, microseconds since 1970."""
        numbers = [observation.ledger.layout.number for observation in person.observations]
        if person.layouts != numbers:
            self._refer(person, numbers)
        held = self.held.get(person.person_id)
        if held is None:
            held = self.held[person.person_id] = _Held(person.person_id, _NEVER + _SETTLED)
        person_id, readings = held.person_id, person.readings
        person.person_id, person.readings = "", b""  # they stand elsewhere
        had_prefix = held.packed[:_DUE_BYTES]
        prefix = _NEVER if due is None else (due + _OFFSET).to_bytes(_DUE_BYTES, "big")
        held.packed = prefix + self._mark(person_id, person) + self._encode(person)
        self.changed[person_id] = None
        person.person_id, person.readings = person_id, readings
        if readings is not held.readings:
            held.readings = readings
            self.changed_readings[person_id] = None
        if due is not None and (had_prefix != prefix or due <= self._popped_until):
            self.deadlines.add(due, person_id)

    def _mark(self, person_id: str, person: Person) -> bytes:
        if any(observation.ledger.has_unknown() for observation in person.observations):
            self._unsettled[person_id] = None
            return _UNSETTLED
        self._unsettled.pop(person_id, None)
        return _SETTLED

    def unsettled(self) -> Iterator[Person]:
        """Yield everybody of whom a check is unknown, in the order of their ids; each is to be put back."""
        for person_id in sorted(self._unsettled):
            yield self._unpack(self.held[person_id])

    def remove(self, person: Person) -> None:
        """Let go of a person, if anything is held."""
        self._refer(person, [])
        self._unsettled.pop(person.person_id, None)
        held = self.held.pop(person.person_id, None)
        if held is not None:
            self.changed[held.person_id] = None
            if held.readings:
                self.changed_readings[held.person_id] = None

    def _refer(self, person: Person, numbers: list[int]) -> None:
        for number in person.layouts:
            self._timetable.refer(number, -1)
        for number in numbers:
            self._timetable.refer(number, 1)
        person.layouts = numbers

    def pop_due(self, clock: int) -> Iterator[Person]:
        """Take out everybody whose next deadline the clock has reached, by id; each is to be put back."""
        due: dict[str, None] = {}
        for instant, people in self.deadlines.pop_due(clock):
            prefix = (instant + _OFFSET).to_bytes(_DUE_BYTES, "big")
            for person_id in people:
                held = self.held.get(person_id)
                if held is not None and held.packed.startswith(prefix):
                    due[person_id] = None
        self._popped_until = clock
        for person_id in sorted(due):
            yield self._unpack(self.held[person_id])


def _pack_ledger(ledger: Any) -> tuple[int, bytearray, dict[int, datetime]]:
    assert isinstance(ledger, Ledger)
    return ledger.layout.number, ledger.marks, ledger.fresh_misses
