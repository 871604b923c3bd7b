"""Spoiled snapshots (`streams/broker/state_reader.py`, `streams/core/snapshot.py`): an older state, none, or an error.

An input says which history was written down, and what is done to the records of the state topic, or to the state that was
found there. A spoiled topic must give a state that was once written, or none. A spoiled state that was found all the same
(memory that failed, a fault of ours) should be noticed when it is loaded or used; how often it is not, is counted.
"""

import json
from collections.abc import Sequence
from copy import deepcopy
from dataclasses import dataclass
from functools import cache
from random import Random
from typing import Any

from streams.broker.outputs import Output
from streams.broker.state_log import Mark, SnapshotChain, StateRecord
from streams.broker.state_reader import StateReader
from streams.partition import SavedState, UndecidableRecordError
from streams.watch.decider import WatchPartition, new_watch
from tests.fuzz.target import Found
from tests.support.histories import history

_SCOPE = "timeline/0"
_HISTORIES = 12
_RECORDS_A_SNAPSHOT = 6
_DEED_BYTES = 6


@dataclass(frozen=True)
class _Raw:
    offset: int
    timestamp: int
    value: bytes | None


@dataclass(frozen=True)
class _Written:
    """A history with its state topic: each state that was written, by its mark, and what the rest of the log then brings."""

    lines: list[bytes]
    topic: list[StateRecord]
    states: dict[Mark, SavedState]

    def rest(self, watch: WatchPartition, mark: Mark) -> list[Output]:
        """Decide what comes after a mark."""
        first = mark.next_offset
        records = [_Raw(first + number, 0, line) for number, line in enumerate(self.lines[first:])]
        return watch.take(records, first)


@cache
def _written(seed: int) -> _Written:
    lines, _ = history(seed, "tiny")
    watch, chain = new_watch(0), SnapshotChain(_SCOPE, "w")
    written = _Written(lines, [], {})
    for number, line in enumerate(lines):
        watch.take([_Raw(number, 0, line)], 0)
        if number % _RECORDS_A_SNAPSHOT == 0:
            snapshot = chain.collect(number + 1, watch)
            written.topic.extend(chain.records(snapshot))
            written.states[snapshot.mark] = _state_of(watch)
    return written


def _state_of(watch: WatchPartition) -> SavedState:
    entries = {key: watch.entry(key) for key in watch.keys()}  # noqa: SIM118  no mapping
    return SavedState(
        json.loads(json.dumps(watch.head())), {key: entry for key, entry in entries.items() if entry is not None}
    )


@cache
def _expected(seed: int, mark: Mark) -> list[Output]:
    written = _written(seed)
    saved = written.states[mark]
    return written.rest(new_watch(0, SavedState(deepcopy(saved.head), dict(saved.entries))), mark)


def run(data: bytes) -> Found:
    """Spoil a state topic, or a state, as the input says."""
    numbers = data.ljust(4, b"\x00")
    seed, deeds = numbers[0] % _HISTORIES, _deeds(data[4:])
    if numbers[1] % 2:
        return _spoil_topic(seed, deeds)
    marks = list(_written(seed).states)
    return _spoil_state(seed, marks[numbers[2] % len(marks)], deeds)


def _deeds(data: bytes) -> list[tuple[int, int, int, int]]:
    """Read what is to be done: the deed, to which record, at which byte, with what."""
    pieces = [
        data[at : at + _DEED_BYTES].ljust(_DEED_BYTES, b"\x00") for at in range(0, min(len(data), 60), _DEED_BYTES)
    ]
    return [(piece[0], int.from_bytes(piece[1:3]), int.from_bytes(piece[3:5]), piece[5]) for piece in pieces]


def _spoilt(value: bytes, deed: int, place: int, by: int) -> bytes:
    """Return a value with a byte or more changed, gone or added."""
    changed = bytearray(value)
    place %= max(1, len(changed))
    match deed % 4:
        case 0 if changed:
            changed[place] ^= 1 << by % 8
        case 1 if changed:
            changed[place] = by
        case 2:
            del changed[place : place + 1 + by % 9]
        case _:
            changed.insert(place, by)
    return bytes(changed)


def _spoil_topic(seed: int, deeds: Sequence[tuple[int, int, int, int]]) -> Found:
    written = _written(seed)
    records: list[tuple[bytes, bytes | None]] = [*written.topic]
    for deed, number, place, by in deeds:
        which = number % len(records)
        key, value = records[which]
        match deed % 8:
            case 0:
                del records[which]
            case 1:
                records.append((key, None))
            case 2:
                records[which] = key, records[place % len(records)][1]
            case 3:
                records.append(records[which])
            case _:
                records[which] = key, _spoilt(value or b"", deed, place, by)
        if not records:
            break
    reader = StateReader()
    for key, value in records:
        reader.add(key, value)
    loaded = reader.newest(_SCOPE)
    if loaded is None:
        return Found(refused=1)
    assert loaded.state == written.states[loaded.chain[-1]], "a state that is found is one that was written"
    return Found(taken=1)


def _spoil_state(seed: int, mark: Mark, deeds: Sequence[tuple[int, int, int, int]]) -> Found:
    written = _written(seed)
    saved = written.states[mark]
    head, entries = deepcopy(saved.head), dict(saved.entries)
    for deed, which, place, by in deeds:
        if deed % 8 == 7 or not entries:
            _spoil_head(head, which, place)
        else:
            _spoil_entries(entries, deed, which, place, by)
    try:
        found = written.rest(new_watch(0, SavedState(head, entries)), mark)
    except MemoryError:
        raise
    except UndecidableRecordError:
        return Found(refused=1)
    except Exception:  # the worker names the kind of it, and ends
        return Found(refused=1)
    return Found(taken=1) if found == _expected(seed, mark) else Found(unfound=1)


def _spoil_entries(entries: dict[str, bytes], deed: int, which: int, place: int, by: int) -> None:
    keys = list(entries)
    key, other = keys[which % len(keys)], keys[place % len(keys)]
    match deed % 8:
        case 4:
            del entries[key]
        case 5:
            entries[key] = entries[other]
        case 6:
            entries[f"{key}{by}"] = entries.pop(key)
        case _:
            entries[key] = _spoilt(entries[key], deed, place, by)


_AWKWARD: tuple[Any, ...] = (None, True, 0, -1, 2**63, 1.5, "", "x", "2020-02-30T00:00:00Z", [], [None], [[1]], {})


def _spoil_head(head: dict[str, Any], which: int, place: int) -> None:
    name = list(head)[which % len(head)]
    if place % 5 == 0:
        del head[name]
    else:
        head[name] = deepcopy(_AWKWARD[place % len(_AWKWARD)])
    head.setdefault("format", None)


def mutate(data: bytes, random: Random) -> bytes:
    """Do something else, or one thing more."""
    changed = bytearray(data or bytes(4))
    if random.random() < 0.5:
        changed += random.randbytes(_DEED_BYTES)
    for _ in range(random.choice((1, 2, 4))):
        changed[random.randrange(len(changed))] = random.randrange(256)
    return bytes(changed[:64])


def seeds() -> Sequence[bytes]:
    """Return inputs that do nothing, and one thing."""
    return [
        bytes([seed, mode, 3, 0]) + deed
        for seed in range(3)
        for mode in (0, 1)
        for deed in (b"", b"\x04\x00\x01\x00\x09\x03")
    ]
