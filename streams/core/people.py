"""The people of a partition, held as bytes and unpacked when a record or a deadline touches them.

A million people as objects would be several gigabytes, and Python's garbage collector would look at every one of them
again and again; as bytes they are a few hundred each, and what was written down at an offset cannot change any more.

    8 bytes   when a tick has something to do for the person, microseconds since 1970 plus one day; 0 is never
    the rest  the person in MessagePack; a ledger is the number of its layout, and its marks

Readings are held apart: a deadline does not touch them, and pieces below 512 bytes are what Python's allocator is good at.
"""

from collections.abc import Callable, Iterator
from typing import Any

import msgspec

from streams.core.deadlines import DeadlineIndex
from streams.core.layout import EMPTY_LAYOUT, Timetable
from streams.core.ledger import Ledger
from streams.core.person import Person

_DUE_BYTES = 8
# So that every instant since 1970 is greater than "never"; a deadline may fall a little before it.
_OFFSET = 86_400_000_000
_NEVER = bytes(_DUE_BYTES)


class People:
    """People by their id; `get` unpacks, `put` packs. A person that was got and not put back has not changed."""

    def __init__(
        self,
        timetable: Timetable,
        packed: dict[str, bytes] | None = None,
        readings: dict[str, bytes] | None = None,
    ) -> None:
        """Begin with what is held, or with nobody; refers to the layouts of `timetable`."""
        self.packed: dict[str, bytes] = {} if packed is None else packed
        self.readings: dict[str, bytes] = {} if readings is None else readings
        # One string for every id, wherever it is held: ids that come with records are new ones each time.
        self._ids: dict[str, str] = dict(zip(self.packed, self.packed, strict=True))
        self.changed: dict[str, None] = {}
        self.changed_readings: dict[str, None] = {}
        self.deadlines = DeadlineIndex()
        self._popped_until = -_OFFSET
        self._timetable = timetable
        self._encode = msgspec.msgpack.Encoder(enc_hook=_pack_ledger).encode
        self._decode: Callable[[memoryview], Person] = msgspec.msgpack.Decoder(
            Person, dec_hook=self._unpack_ledger
        ).decode
        for person_id, value in self.packed.items():
            if (due := value[:_DUE_BYTES]) != _NEVER:
                self.deadlines.add(int.from_bytes(due, "big") - _OFFSET, person_id)

    def __len__(self) -> int:
        return len(self.packed)

    def __contains__(self, person_id: str) -> bool:
        return person_id in self.packed

    def __iter__(self) -> Iterator[Person]:
        """Yield everybody in the order of their ids."""
        for person_id in sorted(self.packed):
            yield self._unpack(person_id, self.packed[person_id])

    def get(self, person_id: str) -> Person | None:
        """Return what is held of a person, None for one of whom nothing is."""
        value = self.packed.get(person_id)
        return None if value is None else self._unpack(person_id, value)

    def _unpack(self, person_id: str, value: bytes) -> Person:
        person = self._decode(memoryview(value)[_DUE_BYTES:])
        person.person_id = person_id
        if person.reading_count:
            person.readings = self.readings[person_id]
        return person

    def _unpack_ledger(self, kind: type[Any], held: Any) -> Any:
        assert kind is Ledger
        number, marks = held
        return Ledger(self._timetable.layouts.get(number, EMPTY_LAYOUT), marks)

    def put(self, person: Person, due: int | None) -> None:
        """Hold a person as they are now; `due` is when a tick has something to do for them, microseconds since 1970."""
        numbers = [observation.ledger.layout.number for observation in person.observations]
        if person.layouts != numbers:
            self._refer(person, numbers)
        person_id, readings = self._ids.setdefault(person.person_id, person.person_id), person.readings
        person.person_id, person.readings = "", b""  # they stand elsewhere
        before = self.packed.get(person_id)
        prefix = _NEVER if due is None else (due + _OFFSET).to_bytes(_DUE_BYTES, "big")
        self.packed[person_id] = prefix + self._encode(person)
        self.changed[person_id] = None
        person.person_id, person.readings = person_id, readings
        if readings is not self.readings.get(person_id, b""):
            self._put_readings(person_id, readings)
        if due is not None and (before is None or before[:_DUE_BYTES] != prefix or due <= self._popped_until):
            self.deadlines.add(due, person_id)

    def remove(self, person: Person) -> None:
        """Let go of a person, if anything is held."""
        self._refer(person, [])
        if self.packed.pop(person.person_id, None) is not None:
            self.changed[person.person_id] = None
            self._put_readings(person.person_id, b"")
            del self._ids[person.person_id]

    def _put_readings(self, person_id: str, readings: bytes) -> None:
        if readings:
            self.readings[person_id] = readings
        elif self.readings.pop(person_id, None) is None:
            return
        self.changed_readings[person_id] = None

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
                value = self.packed.get(person_id)
                if value is not None and value.startswith(prefix):
                    due[person_id] = None
        self._popped_until = clock
        for person_id in sorted(due):
            yield self._unpack(person_id, self.packed[person_id])


def _pack_ledger(ledger: Any) -> tuple[int, bytearray]:
    assert isinstance(ledger, Ledger)
    return ledger.layout.number, ledger.marks
