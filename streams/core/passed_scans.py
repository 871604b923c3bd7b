"""The last scans that left nothing behind, so that a reader that starts again does not bring them as new.

A scan of somebody who is not observed changes nothing, but its repeat could: an observation may have opened in between.
There are too many to be remembered for days; the last `KEPT` are more than intake can have in work when it dies. They are
kept in two generations, the older dropped when the newer is full, and written down in segments that never change.
"""

from collections.abc import Iterator, Mapping
from itertools import islice

KEPT = 10_000
PREFIX = "/passed/"


class PassedScans:
    """Event ids of scans with the person scanned: the last 10,000 at least, 20,000 at most."""

    def __init__(self) -> None:
        self.newer: dict[str, str] = {}
        self.older: dict[str, str] = {}
        self.generation = 0
        self._cuts: dict[int, list[int]] = {0: [0]}
        self._gone: list[str] = []

    def __len__(self) -> int:
        return len(self.older) + len(self.newer)

    def __contains__(self, scan: tuple[str, str]) -> bool:
        """Tell whether this event id was passed for this person."""
        event_id, person_id = scan
        return self.newer.get(event_id) == person_id or self.older.get(event_id) == person_id

    def add(self, event_id: str, person_id: str) -> None:
        """Remember a scan; of two people under one event id, which no source gives out, the first."""
        self.newer.setdefault(event_id, person_id)
        if len(self.newer) >= KEPT:
            self.turn()

    def turn(self) -> None:
        """Begin a new generation."""
        old = self._cuts.pop(self.generation - 1, [0])
        self._gone += [_key(self.generation - 1, start) for start in old[:-1]]
        self.older, self.newer = self.newer, {}
        self.generation += 1
        self._cuts[self.generation] = [0]

    def changes(self) -> dict[str, bytes | None]:
        """Return the segments that came and went since this was last asked."""
        changed: dict[str, bytes | None] = dict.fromkeys(self._gone)
        self._gone = []
        for generation, scans in self._generations():
            cuts = self._cuts[generation]
            if len(scans) > cuts[-1]:
                cuts.append(len(scans))
                key = _key(generation, cuts[-2])
                changed[key] = self.segment(key)
        return changed

    def keys(self) -> list[str]:
        """Return the keys of the segments that were handed out and still hold."""
        return [
            _key(generation, start) for generation, _ in self._generations() for start in self._cuts[generation][:-1]
        ]

    def segment(self, key: str) -> bytes | None:
        """Return the scans of a segment, None for one that is gone."""
        generation, start = map(int, key.removeprefix(PREFIX).split("/"))
        for known, scans in self._generations():
            cuts = self._cuts[known]
            if known == generation and start in cuts[:-1]:
                end = cuts[cuts.index(start) + 1]
                return "\n".join(f"{event}\t{person}" for event, person in islice(scans.items(), start, end)).encode()
        return None

    def _generations(self) -> Iterator[tuple[int, dict[str, str]]]:
        if self.generation - 1 in self._cuts:
            yield self.generation - 1, self.older
        yield self.generation, self.newer


def _key(generation: int, start: int) -> str:
    return f"{PREFIX}{generation}/{start}"


def load_passed_scans(generation: int, segments: Mapping[str, bytes]) -> PassedScans:
    """Read the segments of generation `generation` and of the one before it back."""
    passed = PassedScans()
    passed.generation = generation
    passed._cuts = {generation: [0]}
    starts = sorted(tuple(map(int, key.removeprefix(PREFIX).split("/"))) for key in segments)
    for known, start in starts:
        scans = passed.newer if known == generation else passed.older
        for line in segments[_key(known, start)].decode().split("\n"):
            event_id, _, person_id = line.partition("\t")
            scans[event_id] = person_id
        passed._cuts.setdefault(known, [0]).append(len(scans))
    return passed
