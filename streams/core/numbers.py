"""The numbers that a source gave its records, as runs of consecutive ones with holes between them.

    numbers that came     4 5 6 . . 9 10 11 . 13
    runs                  4-6       9-11      13
    holes                       7-8        12        each with the instant at which it was first seen

A hole that is given up is joined: its numbers count as if they had come. What lies below the first number ever known is
not asked for. A number far below the highest one, in no hole, says that the counter began again, and so do the runs.
"""

from datetime import datetime
from itertools import pairwise
from typing import NamedTuple

import msgspec

from events.records import SequenceRun

MOST_HOLES = 64
# Whoever is read again from so far back has not been read again: the device was reset.
_RESTART = 100_000


class Run(msgspec.Struct, array_like=True):
    """Consecutive numbers, the least and greatest `occurred_at` under them, and when the hole before them was first seen."""

    first: int
    last: int
    since: datetime
    until: datetime
    hole_seen_at: datetime | None = None

    def join(self, other: "Run | SequenceRun") -> None:
        """Take over the numbers of another run, and all between."""
        if other.first < self.first:
            self.first = other.first
        if other.last > self.last:
            self.last = other.last
        if other.since < self.since:
            self.since = other.since
        if other.until > self.until:
            self.until = other.until


class Hole(NamedTuple):
    """Consecutive numbers that have not come, and the records before and after them: when these happened."""

    first: int
    last: int
    seen_at: datetime
    since: datetime
    until: datetime


def add_run(runs: list[Run], came: SequenceRun, now: datetime) -> bool:
    """Add numbers that came to the runs of a source; returns whether its counter began again."""
    if runs and came.first == runs[-1].last + 1:  # what nearly always comes
        runs[-1].join(came)
        return False
    new = Run(came.first, came.last, came.since, came.until)
    if not runs:
        runs.append(new)
        return False
    highest = runs[-1].last
    if new.last < highest - _RESTART and not _touches_hole(runs, new):
        runs[:] = [new]
        return True
    if new.last < runs[0].first - 1:
        return False
    if new.first > highest + 1:
        new.hole_seen_at = now
        runs.append(new)
    else:
        _unite(runs, new)
    while len(runs) > MOST_HOLES + 1:
        _close(runs, 0)
    return False


def _touches_hole(runs: list[Run], new: Run) -> bool:
    return any(before.last < new.last and new.first < after.first for before, after in _pairs(runs))


def _unite(runs: list[Run], new: Run) -> None:
    """Put a run where it meets others, or into the hole that it parts."""
    begin = next(place for place, run in enumerate(runs) if new.first <= run.last + 1)
    end = begin
    while end < len(runs) and runs[end].first <= new.last + 1:
        new.join(runs[end])
        end += 1
    new.hole_seen_at = runs[begin].hole_seen_at
    runs[begin:end] = [new]


def _pairs(runs: list[Run]) -> list[tuple[Run, Run]]:
    return list(pairwise(runs))


def _close(runs: list[Run], place: int) -> None:
    """Join two neighbours as if the numbers between them had come."""
    runs[place].join(runs.pop(place + 1))


def holes(runs: list[Run]) -> list[Hole]:
    """Return the holes, the lowest first."""
    return [_hole(before, after) for before, after in _pairs(runs)]


def _hole(before: Run, after: Run) -> Hole:
    assert after.hole_seen_at is not None, "before every run but the first there is a hole that was seen"
    return Hole(before.last + 1, after.first - 1, after.hole_seen_at, before.until, max(before.until, after.since))


def missing(runs: list[Run]) -> int:
    """Return how many numbers are in holes."""
    return sum(after.first - before.last - 1 for before, after in _pairs(runs))


def first_seen_at(runs: list[Run]) -> datetime | None:
    """Return when the hole that has been there longest was first seen, None where there is none."""
    return min((run.hole_seen_at for run in runs if run.hole_seen_at is not None), default=None)


def give_up(runs: list[Run], seen_until: datetime | None = None) -> None:
    """Give up the holes that were first seen at or before an instant, or all."""
    for place in reversed(range(len(runs) - 1)):
        seen_at = runs[place + 1].hole_seen_at
        if seen_until is None or (seen_at is not None and seen_at <= seen_until):
            _close(runs, place)
