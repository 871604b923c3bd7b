"""Runs of numbers and the holes between them, against a plain set of numbers."""

from datetime import UTC, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from events.records import SequenceRun
from streams.core.numbers import MOST_HOLES, Run, add_run, first_seen_at, give_up, holes, missing
from tests.unit.events.documents import examples

NOON = datetime(2020, 2, 3, 4, tzinfo=UTC)


def came(first: int, last: int, minute: int = 0) -> SequenceRun:
    at = NOON + timedelta(minutes=minute)
    return SequenceRun(first=first, last=last, since=at, until=at)


def ranges(numbers: set[int]) -> list[tuple[int, int]]:
    """Return the longest rows of consecutive numbers."""
    found: list[tuple[int, int]] = []
    for number in sorted(numbers):
        if found and found[-1][1] == number - 1:
            found[-1] = found[-1][0], number
        else:
            found.append((number, number))
    return found


class Plain:
    """The same by a set of numbers, and when each was first missing."""

    def __init__(self) -> None:
        self.there: set[int] = set()
        self.seen_at: dict[int, datetime] = {}

    def add(self, first: int, last: int, now: datetime) -> None:
        if self.there and last < min(self.there) - 1:
            return
        if self.there:
            for number in range(max(self.there) + 1, first):
                self.seen_at[number] = now
        self.there.update(range(first, last + 1))
        while len(self.holes) > MOST_HOLES:
            self.fill(*self.holes[0])

    def fill(self, first: int, last: int) -> None:
        self.there.update(range(first, last + 1))

    @property
    def holes(self) -> list[tuple[int, int]]:
        return ranges(set(range(min(self.there), max(self.there))) - self.there)


_RUNS = st.tuples(st.integers(1, 300), st.integers(0, 4))


@examples(150)
@given(steps=st.lists(_RUNS, min_size=1, max_size=120), written_off=st.integers(0, 60))
def test_as_a_plain_set_has_it(steps: list[tuple[int, int]], written_off: int) -> None:
    """Holes, their sizes and their first sightings are those of the set, whatever the order, also beyond 64 holes."""
    runs, plain = list[Run](), Plain()
    for minute, (first, more) in enumerate(steps):
        now = NOON + timedelta(minutes=minute)
        add_run(runs, came(first, first + more), now)
        plain.add(first, first + more, now)
        if minute == written_off and (seen_at := first_seen_at(runs)) is not None:
            give_up(runs, seen_at)
            for hole in plain.holes:
                if plain.seen_at[hole[0]] <= seen_at:
                    plain.fill(*hole)
        assert [(hole.first, hole.last) for hole in holes(runs)] == plain.holes
        assert [hole.seen_at for hole in holes(runs)] == [plain.seen_at[first] for first, _ in plain.holes]
        assert missing(runs) == sum(last - first + 1 for first, last in plain.holes)
        assert runs[0].hole_seen_at is None


def test_when_the_neighbours_of_a_hole_were_made() -> None:
    """A hole says when the records before and after it were made: the latest before, the earliest after."""
    runs: list[Run] = []
    for first, last, minute in ((1, 3, 5), (9, 9, 20), (2, 4, 7), (8, 8, 15), (10, 10, 30)):
        add_run(runs, came(first, last, minute), NOON)

    (hole,) = holes(runs)
    assert (hole.first, hole.last) == (5, 7)
    assert (hole.since, hole.until) == (NOON + timedelta(minutes=7), NOON + timedelta(minutes=15))


def test_a_source_whose_clock_went_back() -> None:
    """The time in which missing records were made never ends before it begins."""
    runs: list[Run] = []
    add_run(runs, came(1, 1, 30), NOON)
    add_run(runs, came(3, 3, 10), NOON)

    (hole,) = holes(runs)
    assert (hole.since, hole.until) == (NOON + timedelta(minutes=30), NOON + timedelta(minutes=30))


def test_begins_anew_once() -> None:
    """A counter that began again is told of; numbers after it are added to the new runs."""
    runs: list[Run] = []

    assert not add_run(runs, came(1, 100_010), NOON)
    assert not add_run(runs, came(10, 10), NOON)
    assert add_run(runs, came(9, 9), NOON)
    assert not add_run(runs, came(10, 12), NOON)
    assert [(run.first, run.last) for run in runs] == [(9, 12)]
