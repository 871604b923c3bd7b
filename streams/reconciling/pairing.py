"""Finding the partner of each of many records in another log, in bounded memory.

The other log is seen stretch by stretch. What was seen is remembered in two generations, each of at most `remembered`
hashes: when the younger is full the older is forgotten. Who finds no partner among them stays open, until the partner is
seen after all.

A hash takes about 80 bytes in a generation, an open record about 300.
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

from streams.reconciling.findings import Place


@dataclass(frozen=True, slots=True)
class Memory:
    """How much is held: hashes a generation, open records at most, and so many that the other log is read ahead of them."""

    remembered: int = 1_000_000
    open_max: int = 1_000_000
    crowded: int = 200_000


USUAL_MEMORY = Memory()


class TooManyOpenError(Exception):
    """So many records have no partner that they are not held any longer."""


class Pairing:
    """Hashes that were seen, and the places of those that are wanted and were not."""

    def __init__(self, memory: Memory = USUAL_MEMORY) -> None:
        self._memory = memory
        self._young: set[int] = set()
        self._old: set[int] = set()
        self._open: dict[int, Place] = {}
        self.has_forgotten = False

    def see(self, hashes: Iterable[int]) -> None:
        """Take what the other log holds."""
        fresh = hashes if isinstance(hashes, set) else set(hashes)
        if self._open:
            for found in self._open.keys() & fresh:
                del self._open[found]
        self._young |= fresh
        if len(self._young) >= self._memory.remembered:
            self.has_forgotten |= bool(self._old)
            self._old, self._young = self._young, set()

    def knows(self, found: int) -> bool:
        """Tell whether a hash was seen and is remembered."""
        return found in self._young or found in self._old

    def want(self, wanted: Mapping[int, Place]) -> None:
        """Look for the partners of records; those without one are open from now on. Raises TooManyOpenError."""
        young, old = self._young, self._old
        for found in wanted.keys() - young:
            if found not in old:
                self._open.setdefault(found, wanted[found])
        if len(self._open) > self._memory.open_max:
            raise TooManyOpenError(f"more than {self._memory.open_max:,} records without a partner")

    @property
    def open_count(self) -> int:
        """How many have no partner."""
        return len(self._open)

    def open_places(self) -> Iterator[Place]:
        """Yield the places of those without a partner, in order."""
        yield from sorted(self._open.values())
