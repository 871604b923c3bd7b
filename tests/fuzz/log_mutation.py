"""Logs of other logs: lines are changed, moved, doubled, brought to another person or time, and mixed with others."""

import json
import re
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from random import Random

from tests.fuzz.corpus import logs, records
from tests.fuzz.mutation import mutate_record

MOST_LINES = 160
_INSTANT = re.compile(rb'"([12][0-9]{3}-[0-9]{2}-[0-9]{2}T[0-9:.]{8,15}(?:Z|[+-][0-9]{2}:[0-9]{2}))"')
_EVENT_ID = re.compile(rb'"event_id":"([^"]*)"')
_PERSONS = (b"P0", b"P1", b"P2", b"p.x:1", b"A-9", b"P9")
_STEPS = (
    *(timedelta(0), timedelta(microseconds=1), timedelta(seconds=1), timedelta(minutes=30), timedelta(hours=8)),
    *(timedelta(days=1), timedelta(days=14), timedelta(days=31), timedelta(days=400), timedelta(days=40_000)),
)


def mutate_log(data: bytes, random: Random) -> bytes:
    """Return another log of one; at most `MOST_LINES` lines are kept of what comes out."""
    lines = data.split(b"\n")
    for _ in range(random.choice((1, 1, 2, 3, 6))):
        random.choice(_DEEDS)(lines, random)
        if not lines:
            lines = random.choice(logs()).split(b"\n")
    return b"\n".join(lines[:MOST_LINES])


def _place(lines: list[bytes], random: Random) -> int:
    return random.randrange(len(lines))


def _change_line(lines: list[bytes], random: Random) -> None:
    number = _place(lines, random)
    lines[number] = mutate_record(lines[number], random, records())


def _change_time(lines: list[bytes], random: Random) -> None:
    """Bring an instant of a line to that of another, or a step away from it."""
    number = _place(lines, random)
    found = _INSTANT.search(lines[random.choice((number, _place(lines, random)))])
    if found is None:
        return
    try:
        at = datetime.fromisoformat(found[1].decode()).astimezone(UTC) + random.choice((1, -1)) * random.choice(_STEPS)
    except (ValueError, OverflowError):
        return
    text = at.replace(tzinfo=None).isoformat().encode() + b"Z"
    lines[number] = _INSTANT.sub(lambda _: b'"' + text + b'"', lines[number], count=1)


def _change_person(lines: list[bytes], random: Random) -> None:
    number = _place(lines, random)
    lines[number] = re.sub(rb'"(person_id|key)":"[^"]*"', _with_person(random), lines[number])


def _with_person(random: Random) -> Callable[[re.Match[bytes]], bytes]:
    person = random.choice(_PERSONS)
    return lambda found: b'"%s":"%s"' % (found[1], person)


def _as_new(line: bytes, random: Random) -> bytes:
    """Give a record an event id of its own, so that it is no repeat."""
    return _EVENT_ID.sub(b'"event_id":"f%d"' % random.randrange(10**6), line, count=1)


def _repeat(lines: list[bytes], random: Random) -> None:
    line = random.choice(lines)
    lines.insert(_place(lines, random), _as_new(line, random) if random.random() < 0.5 else line)


def _move(lines: list[bytes], random: Random) -> None:
    line = lines.pop(_place(lines, random))
    lines.insert(random.randint(0, len(lines)), line)


def _drop(lines: list[bytes], random: Random) -> None:
    begin = _place(lines, random)
    del lines[begin : begin + random.choice((1, 1, 1, 5, 30))]


def _insert_seed(lines: list[bytes], random: Random) -> None:
    lines.insert(_place(lines, random), random.choice(records()).replace(b"\n", b" "))


def _mix(lines: list[bytes], random: Random) -> None:
    """Take some lines of another log, from the front of what comes after a place on."""
    other = random.choice(logs()).split(b"\n")
    begin = _place(other, random)
    place = _place(lines, random)
    lines[place:place] = other[begin : begin + random.choice((1, 5, 20))]


def _tick(lines: list[bytes], random: Random) -> None:
    """Let the clock come to a time of the log, or a step from it."""
    found = _INSTANT.search(random.choice(lines))
    if found is not None:
        lines.insert(_place(lines, random), b'{"kind":"tick","at":%s}' % found[0])
        _change_time(lines, random)


def _change_policy(lines: list[bytes], random: Random) -> None:
    """Let a policy of the log come once more, with something changed, most often as another version."""
    policies = [line for line in lines if line.startswith(b'{"kind":"policy_changed"')]
    if not policies:
        policies = [line for line in random.choice(logs()).split(b"\n") if line.startswith(b'{"kind":"policy_changed"')]
    if not policies:
        return
    line = _as_new(mutate_record(random.choice(policies), random, records()), random)
    version = json.dumps(random.choice(("v1", "v2", "w1", "w2", "w3"))).encode()
    if random.random() < 0.8:
        line = re.sub(rb'"policy_version":"[^"]*"', lambda _: b'"policy_version":' + version, line)
    lines.insert(_place(lines, random), line)


_DEEDS: tuple[Callable[[list[bytes], Random], None], ...] = (
    *(_change_line,) * 4,
    *(_change_time,) * 4,
    *(_repeat,) * 2,
    *(_move,) * 2,
    *(_tick,) * 2,
    *(_change_person, _drop, _insert_seed, _mix, _change_policy),
)
