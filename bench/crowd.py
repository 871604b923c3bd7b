"""Many people under observation: the state of a real stay, copied until there are as many as asked for.

A town is decided up to the morning of day 7 and those under observation there are cloned under ids of the same length. What
watch holds of a clone is what it would hold of a person with the same history; only the names inside an alert differ.
"""

import math
from collections.abc import Collection, Iterator
from datetime import datetime, timedelta
from functools import cache
from itertools import cycle, islice
from typing import Any, NamedTuple

from bench.town import Line, RawLine, Town, town_of
from events.codec import encode
from events.records import TemperatureTaken
from streams.partition import SavedState
from streams.watch.decider import WatchPartition, new_watch

_PEOPLE, _DAYS = 20_000, 9
_DAY = timedelta(days=1)
_READINGS_EACH = 3  # of 100 records


class Moment(NamedTuple):
    """The state of one partition on the morning of day 7, its clock, and the scans of the hours that follow."""

    head: dict[str, Any]
    entries: dict[str, bytes]
    observed: list[str]
    clock: datetime
    scans: list[bytes]


@cache
def morning() -> Moment:
    """Decide a town up to ten in the morning of its day 7; everybody then observed came on one of the first days."""
    town = Town(town_of(_PEOPLE, _DAYS))
    start = datetime.fromisoformat(f"{town.settings.start_on}T00:00:00+08:00")
    clock = start + 7 * _DAY + timedelta(hours=10)
    decider, lines = new_watch(0, None), town.timeline()
    until = _tick_at(clock)
    before: list[RawLine] = []
    for offset, line in enumerate(lines):
        before.append(RawLine(offset, 0, line.value))
        if line.value == until:
            break
    else:
        raise AssertionError("expected a tick of that morning")
    decider.take(before, 0)
    scans = [line.value for line in islice(lines, 40_000) if b'"checkpoint_scanned"' in line.value]
    return _moment(decider, clock, scans)


def _tick_at(at: datetime) -> bytes:
    """Return a tick as the town writes it."""
    return f'{{"kind":"tick","at":"{at.isoformat()}"}}'.encode()


def end_of_window() -> bytes:
    """Return the tick by which the checks of the morning are judged."""
    return _tick_at(morning().clock + timedelta(hours=2, minutes=45))


def _moment(decider: WatchPartition, clock: datetime, scans: list[bytes]) -> Moment:
    observed = [person.person_id for person in decider.state.people if person.open_observation is not None]
    held = decider.keys()
    entries = {key: value for key in held if (value := decider.entry(key)) is not None}
    observed_ids = set(observed)
    return Moment(
        decider.head(),
        entries,
        observed,
        clock,
        [scan for scan in scans if _person_of(scan) not in observed_ids],
    )


def _person_of(line: bytes) -> str:
    return line.partition(b'"person_id":"')[2].partition(b'"')[0].decode()


def tick_before() -> bytes:
    """Return the tick that the state has seen last."""
    return _tick_at(morning().clock)


def state_with(people: int, first: int = 0) -> SavedState:
    """Return the state of a partition with so many people under observation, ids from `first` on."""
    return state_of(range(first, first + people))


def state_of(numbers: Collection[int]) -> SavedState:
    """Return the state of a partition with the clones of these numbers under observation.

    No two people share bytes, as none do in life; layouts are shared, as they are there.
    """
    moment = morning()
    people = {key for key in moment.entries if "/" not in key}
    parts: dict[str, list[tuple[str, bytes]]] = {person_id: [] for person_id in moment.observed}
    entries: dict[str, bytes] = {}
    for key, value in moment.entries.items():
        person_id, slash, rest = key.partition("/")
        if person_id in parts:
            parts[person_id].append((slash + rest, value))
        elif person_id not in people:
            entries[key] = value  # layouts, passed scans
    for number, person_id in zip(numbers, cycle(moment.observed), strict=False):
        for rest, value in parts[person_id]:
            entries[clone_id(number) + rest] = bytes(bytearray(value))
    copies = math.ceil(len(numbers) / len(moment.observed))
    head = dict(moment.head)
    head["people"] = len(numbers)
    head["references"] = [[number, count * copies] for number, count in head["references"]]
    return SavedState(head, entries)


def clone_id(number: int) -> str:
    """Return the id of a clone; nobody of a town has one like it."""
    return f"c{number:07d}"


def hours_after(people: int, records: int) -> Iterator[Line]:
    """Yield what comes next: of 100 records 97 scans of people not observed, 3 readings spread evenly over the clones."""
    moment = morning()
    scans = cycle(enumerate(moment.scans))
    turns = -1
    stride = 7919  # a prime: the next clone lies far away in memory
    for number in range(records):
        if number * _READINGS_EACH % 100 < _READINGS_EACH:
            yield _reading(moment, number, number * stride % people)
            continue
        index, scan = next(scans)
        turns += index == 0
        yield _again(scan, turns)


def _again(scan: bytes, turn: int) -> Line:
    """Return a scan under an event id of its own, for the turn in which it comes again."""
    value = scan.replace(b'"event_id":"', b'"event_id":"%d-' % turn, 1) if turn else scan
    return Line(_person_of(scan).encode(), value)


def _reading(moment: Moment, number: int, clone: int) -> Line:
    person_id, at = clone_id(clone), moment.clock + timedelta(seconds=number % 1800)
    record = TemperatureTaken(
        event_id=f"bench-{number}",
        source_id="terminal-bench",
        sequence=number + 1,
        occurred_at=at,
        received_at=at + timedelta(seconds=5),
        person_id=person_id,
        area="jintang/huaikou/c012/g03",
        temperature_c=36.5,
        site=None,
    )
    return Line(person_id.encode(), encode(record))
