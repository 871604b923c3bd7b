"""What does not belong to a person's own story does not change it: repeats, refused lines, other people's records."""

import json
from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from random import Random

import pytest

from events.codec import encode
from events.records import CheckpointScanned, PersonRecord, StaffCommand
from tests.properties.logs import Log, Results, Row, read, rows, tick_of
from tests.support.written import state_document

# A repeat is recognised at least so long, by the clock.
_MEMORY = timedelta(days=30)


def with_repeats(lines: list[bytes], random: Random) -> list[bytes]:
    """Repeat records up to 40 lines and 30 days later, scans at once: what intake does not recognise, the core must."""
    clocks = clocks_after(lines)
    places: list[tuple[float, bytes]] = []
    for number, line in enumerate(lines):
        places.append((number, line))
        record = read(line)
        if isinstance(record, PersonRecord | StaffCommand) and random.random() < 0.2:
            distance = 0 if isinstance(record, CheckpointScanned) else random.randint(0, 40)
            later = min(number + distance, len(lines) - 1)
            if clocks[later] - clocks[number] < _MEMORY:
                places.append((later + 0.5, line))
    return [line for _, line in sorted(places, key=lambda place: place[0])]


def clocks_after(lines: list[bytes]) -> list[datetime]:
    """Return the clock after each line; before the first tick the earliest instant there is."""
    clock, clocks = datetime(1970, 1, 1, tzinfo=UTC), []
    for line in lines:
        tick = tick_of(line)
        clock = clock if tick is None else max(clock, tick.at)
        clocks.append(clock)
    return clocks


@pytest.mark.seeds(share=0.2)
def test_repeats_and_refused_lines(log: Log) -> None:
    """Records that come again bring nothing, and a log without its dead letters is the same log."""
    refused = log.replay().refusals
    kept = [line for number, line in enumerate(log.lines) if number not in refused]

    once, again = log.replay(kept), log.replay(with_repeats(kept, log.random("repeats")))

    whole = log.replay()
    assert (once.verdicts, once.alerts) == (whole.verdicts, whole.alerts)
    assert not once.refusals
    assert (again.verdicts, again.alerts) == (once.verdicts, once.alerts)
    assert not again.refusals


def shuffled(lines: Iterable[bytes], random: Random) -> list[bytes]:
    """Shuffle records between people, each person's in their order; ticks, policies and bad lines stay in place."""
    together: list[bytes] = []
    between: list[tuple[str, bytes]] = []
    for line in [*lines, b""]:
        record = read(line)
        if isinstance(record, PersonRecord | StaffCommand):
            between.append((record.key, line))
            continue
        together += _shuffle(between, random)
        between = []
        together.append(line)
    return together


def _shuffle(lines: list[tuple[str, bytes]], random: Random) -> list[bytes]:
    keys = [key for key, _ in lines]
    random.shuffle(keys)
    waiting: dict[str, list[bytes]] = {}
    for key, line in reversed(lines):
        waiting.setdefault(key, []).append(line)
    return [waiting[key].pop() for key in keys]


def by_person(results: Iterable[bytes], key: str) -> dict[str, list[Row]]:
    """Gather results by the person they are about, in the order decided."""
    found: dict[str, list[Row]] = {}
    for row in rows(results):
        found.setdefault(row[key], []).append(row)
    return found


@pytest.mark.seeds(share=0.2)
def test_records_shuffled_between_people(log: Log) -> None:
    """People do not touch each other: only each person's own order counts, and the state is the same to the byte."""
    one, other = log.replay(), log.replay(shuffled(log.lines, log.random("shuffle")))

    assert by_person(other.verdicts, "person_id") == by_person(one.verdicts, "person_id")
    assert by_person(other.alerts, "key") == by_person(one.alerts, "key")
    assert _state_document(other) == _state_document(one)


def _state_document(results: Results) -> str:
    """Return everything that the state holds."""
    return json.dumps(state_document(results.replay.state))


@pytest.mark.seeds(share=0.1)
def test_one_person_alone(log: Log) -> None:
    """Leaving everybody else out of the log changes nothing about a person."""
    everybody = log.replay()
    people = sorted(
        {row["key"] for row in rows(everybody.alerts) if row["person_id"] is not None}
        | {row["person_id"] for row in rows(everybody.verdicts)}
    )
    # Whoever comes first uses the policy that holds without one in the log: that is for everybody.
    taken = (number for number, line in enumerate(log.lines) if line.strip() and number not in everybody.refusals)
    first = next(taken, 0)
    for person in people[:2]:
        lines = [line for number, line in enumerate(log.lines) if number <= first or _concerns(line, person)]
        alone = log.replay(lines)
        assert by_person(alone.verdicts, "person_id").get(person) == by_person(everybody.verdicts, "person_id").get(
            person
        )
        assert [row for row in rows(alone.alerts) if row["key"] == person] == by_person(everybody.alerts, "key").get(
            person, []
        )


def _concerns(line: bytes, person: str) -> bool:
    record = read(line)
    return not isinstance(record, PersonRecord | StaffCommand) or record.key == person


@pytest.mark.seeds(share=0.1)
def test_records_written_out_by_intake(log: Log) -> None:
    """A record decides the same in the form that intake gives it, however the source wrote it."""
    rewritten = [line if (record := read(line)) is None else encode(record) for line in log.lines]

    one, other = log.replay(), log.replay(rewritten)

    assert (other.verdicts, other.alerts) == (one.verdicts, one.alerts)
