"""Repeats at intake: what is recognised, for how long, and what is no repeat."""

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from random import Random
from typing import Any

import pytest

from events.codec import decode, encode
from events.records import CheckpointScanned, ObservationClosed, OutsideRecord, TemperatureTaken
from events.vocabulary import ClosingOutcome, Decision, Direction, Site
from streams.broker.outputs import Output
from streams.intake.decider import IntakePartition, new_intake
from streams.intake.hearing import PREFIX as HEARD
from streams.intake.repeats import RepeatMemory, content_of
from streams.partition import SavedState, UndecidableRecordError
from tests.support.fakes import without_signs_of_life

HOUR_MS = 3_600_000
RECEIVED_MS = int(datetime(2020, 2, 3, 2, tzinfo=UTC).timestamp() * 1000)
AT = datetime(2020, 2, 3, 1, tzinfo=UTC)
READING = TemperatureTaken(
    event_id="e1", source_id="s1", sequence=None, occurred_at=AT, person_id="P1", area="t/g1", temperature_c=36.6
)
COUNTED = replace(READING, sequence=7)
SCAN = CheckpointScanned(
    event_id="e1",
    source_id="s1",
    sequence=7,
    occurred_at=AT,
    person_id="P1",
    area="t/g1",
    checkpoint_id="C1",
    direction=Direction.IN,
    decision=Decision.PASSED,
)


@dataclass(frozen=True, slots=True)
class Raw:
    """A record of a raw topic."""

    offset: int
    timestamp: int
    value: bytes | None


def comes_again(memory: RepeatMemory, record: OutsideRecord, timestamp_ms: int) -> bool:
    return memory.is_repeat(record, content_of(encode(record)), timestamp_ms)


def take(intake: IntakePartition, offset: int, timestamp_ms: int, value: bytes | None) -> list[Output]:
    return without_signs_of_life(intake.take([Raw(offset, timestamp_ms, value)], 0))


def written_down(memory: RepeatMemory) -> dict[str, bytes]:
    found = {key: memory.entry(key) for key in memory.keys()}  # noqa: SIM118
    return {key: value for key, value in found.items() if value is not None}


def test_without_a_sequence() -> None:
    """The event id counts, whatever else differs."""
    memory = RepeatMemory(24)

    assert not comes_again(memory, READING, 0)
    assert comes_again(memory, READING, 1)
    assert comes_again(memory, replace(READING, source_id="s2", temperature_c=37.0), 2)
    assert not comes_again(memory, replace(READING, event_id="e2"), 3)


def test_with_a_sequence() -> None:
    """Source and sequence count; a device that gives a repeat a new id and another `received_at` is recognised."""
    memory = RepeatMemory(24)

    assert not comes_again(memory, COUNTED, 0)
    assert comes_again(memory, replace(COUNTED, event_id="e2", received_at=AT), 1)
    assert not comes_again(memory, replace(COUNTED, sequence=8), 2)
    assert not comes_again(memory, replace(COUNTED, source_id="s2"), 3)


def test_a_counter_that_began_again() -> None:
    """The same sequence with other content is a new record; what came before the reset is known as well."""
    memory = RepeatMemory(24)
    comes_again(memory, COUNTED, 0)

    after_reset = replace(COUNTED, event_id="e9", temperature_c=37.1)

    assert not comes_again(memory, after_reset, 1)
    assert comes_again(memory, after_reset, 2)
    assert comes_again(memory, COUNTED, 3)


def test_how_long() -> None:
    """At least so many hours by the broker's time; then it is forgotten."""
    memory = RepeatMemory(24)
    other = [replace(READING, event_id=f"x{number}") for number in range(60)]
    comes_again(memory, READING, 0)
    for number in range(25):
        comes_again(memory, other[number], number * HOUR_MS)

    assert comes_again(memory, READING, 24 * HOUR_MS)
    comes_again(memory, other[25], 25 * HOUR_MS)
    assert not comes_again(memory, READING, 25 * HOUR_MS + 1)


def test_memory_is_bounded() -> None:
    """A year of records leaves the last hours, in memory and in what was written down."""
    memory = RepeatMemory(24)
    entries: dict[str, bytes] = {}
    for hour in range(24 * 365):
        comes_again(memory, replace(READING, event_id=f"e{hour}"), hour * HOUR_MS)
        apply(memory, entries)

    assert len(entries) <= 25
    assert entries == written_down(memory)
    assert sum(len(value) for value in entries.values()) <= 25 * 12


def apply(memory: RepeatMemory | IntakePartition, entries: dict[str, bytes]) -> None:
    """Take over what changed, as the log of the state does."""
    for key, value in memory.changes().items():
        if value is None:
            entries.pop(key, None)
        else:
            assert key not in entries or key.startswith(HEARD)
            entries[key] = value


def test_what_is_written_down_grows_by_what_came() -> None:
    """A segment is never written again, and none is too large for a record of the state's log."""
    memory = RepeatMemory(24)
    for number in range(40_000):
        memory.knows(number.to_bytes(12, "big"), number)
    first = dict(memory.changes())
    memory.knows(b"another one.", 5)

    assert sorted(len(value or b"") for value in first.values()) == [7232 * 12, 16_384 * 12, 16_384 * 12]
    assert list(memory.changes().values()) == [b"another one."]
    assert memory.changes() == {}
    assert set(memory.keys()) > set(first)


def test_written_out_and_read_back() -> None:
    """Knows the same, and forgets at the same hour; both kinds of key and a counter that began again."""
    memory = RepeatMemory(24)
    reset = replace(COUNTED, event_id="e9", temperature_c=37.1)
    for hour, record in enumerate([READING, COUNTED, reset]):
        comes_again(memory, record, hour * HOUR_MS)

    again = RepeatMemory(24, written_down(memory))

    assert written_down(again) == written_down(memory)
    for each in (memory, again):
        assert comes_again(each, reset, 3 * HOUR_MS)
        assert comes_again(each, READING, 3 * HOUR_MS)
        assert not comes_again(each, replace(READING, event_id="new"), 100 * HOUR_MS)
        assert not comes_again(each, READING, 100 * HOUR_MS)


CLOSING = ObservationClosed(
    event_id="e5", source_id="s1", occurred_at=AT, person_id="P1", observation_id="O1", outcome=ClosingOutcome.RELEASED
)


def as_raw(record: OutsideRecord) -> bytes:
    """Write a record as a source does."""
    document: dict[str, Any] = json.loads(encode(record))
    return json.dumps({name: value for name, value in document.items() if value is not None}).encode()


def test_a_record_that_the_core_may_have_refused() -> None:
    """Goes on as often as it comes: a closing that came before its opening can be sent in again."""
    for closing in (CLOSING, replace(CLOSING, sequence=3)):
        intake = new_intake("observations", 0, 48)

        came = [take(intake, offset, RECEIVED_MS + offset, as_raw(closing)) for offset in range(3)]

        assert [len(outputs) for outputs in came] == [1, 1, 1]
        assert {output.topic for outputs in came for output in outputs} == {"timeline"}


def test_a_reading_that_comes_again() -> None:
    """Is a repeat at intake: the core takes every reading, so it has arrived."""
    intake = new_intake("temperatures", 0, 48)

    assert [len(take(intake, offset, RECEIVED_MS, as_raw(COUNTED))) for offset in range(3)] == [1, 0, 0]


def test_a_dead_letter_that_was_mended() -> None:
    """A refused record is no arrival: under the same id and sequence it is taken once it is mended."""
    intake = new_intake("temperatures", 0, 48)
    wrong = as_raw(COUNTED).replace(b"36.6", b'"36.6"')

    assert [output.topic for output in take(intake, 0, RECEIVED_MS, wrong)] == ["dead-letters"]
    assert [output.topic for output in take(intake, 1, RECEIVED_MS, as_raw(COUNTED))] == ["timeline"]


def test_a_closing_under_another_id() -> None:
    """Is a repeat where source, sequence and content are the same; under its own id it goes on to the core."""
    intake = new_intake("observations", 0, 48)
    counted = replace(CLOSING, sequence=3)
    ids = ["e5", "e6", "e5", "e6"]

    came = [take(intake, at, RECEIVED_MS, as_raw(replace(counted, event_id=each))) for at, each in enumerate(ids)]

    assert [len(outputs) for outputs in came] == [1, 0, 1, 0]


def test_a_scan_that_is_written_in_another_way() -> None:
    """The same scan with spaces, other order, other offset, nulls, a new id and receipt: a repeat, by whichever way."""
    document = json.loads(as_raw(SCAN))
    ways = [
        json.dumps(document, separators=(",", ":")),
        json.dumps(document),
        json.dumps(dict(reversed(document.items()))),
        json.dumps(document | {"occurred_at": "2020-02-03T09:00:00+08:00"}, separators=(",", ":")),
        encode(replace(SCAN, event_id="e2", received_at=AT)).decode(),
    ]
    for first in ways:
        intake = new_intake("checkpoints", 0, 48)
        assert len(take(intake, 0, RECEIVED_MS, first.encode())) == 1
        assert [take(intake, at, RECEIVED_MS, way.encode()) for at, way in enumerate(ways, 1)] == [[]] * len(ways)


def test_a_scan_at_the_edge_of_the_years() -> None:
    """Years that the quick way leaves to the long one are known by both under one fingerprint."""
    local = json.dumps(json.loads(as_raw(SCAN)) | {"occurred_at": "1971-01-01T00:00:00+08:00"}, separators=(",", ":"))
    intake = new_intake("checkpoints", 0, 48)

    (output,) = take(intake, 0, RECEIVED_MS, local.encode())

    assert take(intake, 1, RECEIVED_MS, output.value) == []


def test_the_quick_way_gives_what_the_long_one_gives() -> None:
    """With and without receipt: the timeline holds the record with the broker's time, under the person."""
    for timestamp_ms in (RECEIVED_MS, RECEIVED_MS + 7):
        received_at = datetime(1970, 1, 1, tzinfo=UTC) + timedelta(milliseconds=timestamp_ms)
        compact = json.dumps(json.loads(as_raw(SCAN)), separators=(",", ":")).encode()
        for raw in (compact, as_raw(SCAN)):
            (output,) = take(new_intake("checkpoints", 0, 48), 0, timestamp_ms, raw)
            assert output == Output("timeline", b"P1", encode(replace(SCAN, received_at=received_at)))
        received = replace(SCAN, received_at=AT)
        (output,) = take(new_intake("checkpoints", 0, 48), 0, timestamp_ms, encode(received))
        assert decode(output.value) == received


def test_a_scan_from_the_future() -> None:
    """Is refused by name, on the quick way too, and is no arrival."""
    compact = json.dumps(json.loads(as_raw(SCAN)), separators=(",", ":")).encode()
    too_early = int(AT.timestamp() * 1000) - 300_001
    intake = new_intake("checkpoints", 3, 48)

    (letter,) = take(intake, 9, too_early, compact)
    (taken,) = take(intake, 10, too_early + 1, compact)

    assert letter.key == b"checkpoints:3"
    assert json.loads(letter.value)["reason"] == "occurred_in_future"
    assert json.loads(letter.value)["offset"] == 9
    assert taken.topic == "timeline"


def some_raw_records(random: Random, count: int) -> Iterator[Raw]:
    """Yield scans, closings and rubbish with repeats of every kind, over some days, the hours not always in order."""
    timestamp_ms = RECEIVED_MS
    made: list[bytes] = []
    for offset in range(count):
        timestamp_ms += random.choice([0, 1, HOUR_MS // 3, HOUR_MS, -HOUR_MS, 5 * HOUR_MS])
        number = random.randrange(8)
        common: dict[str, Any] = {"event_id": f"e{random.randrange(12)}", "source_id": f"s{number % 2}"}
        common["sequence"] = random.choice([None, number + 1])
        if random.random() < 0.3 and made:
            value = random.choice(made)
        elif random.random() < 0.25:
            value = as_raw(replace(CLOSING, **common))
        else:
            scan = replace(
                SCAN, **common, temperature_c=random.choice([None, 36.5]), site=random.choice([None, Site.EAR])
            )
            value = random.choice([as_raw, encode])(scan)
        made.append(value)
        yield Raw(offset, timestamp_ms, random.choice([value] * 15 + [b"{}", None]))


@pytest.mark.parametrize("topic", ["checkpoints", "observations"])
@pytest.mark.parametrize("seed", range(4))
def test_a_restart_at_every_position(topic: str, seed: int) -> None:
    """What is written down after a record and read back decides the rest as if nothing had happened."""
    records = list(some_raw_records(Random(seed), 60))
    steady = new_intake(topic, 0, 24)
    expected = [steady.take([record], 0) for record in records]
    if topic == "checkpoints":
        assert 0 < sum(not without_signs_of_life(outputs) for outputs in expected) < len(records)

    for position in range(len(records)):
        before = new_intake(topic, 0, 24)
        entries: dict[str, bytes] = {}
        for record in records[:position]:
            before.take([record], 0)
            if record.offset % 7 == 0:
                apply(before, entries)
        apply(before, entries)
        assert entries == {key: before.entry(key) for key in before.keys()}  # noqa: SIM118
        after = new_intake(topic, 0, 24, SavedState(before.head(), dict(entries)))
        assert [after.take([record], 0) for record in records[position:]] == expected[position:]
        apply(after, entries)
        whole = {key: steady.entry(key) for key in steady.keys()}  # noqa: SIM118
        assert fingerprints(entries) == fingerprints(whole)
        assert (after.head(), gathered(entries)) == (steady.head(), gathered(whole))


def gathered(entries: Mapping[str, bytes | None]) -> dict[str, bytes | None]:
    """Return what is not told yet."""
    return {key: value for key, value in entries.items() if key.startswith(HEARD)}


def fingerprints(entries: Mapping[str, bytes | None]) -> set[tuple[str, bytes]]:
    """Return what entries hold, with its hour, however it was cut into segments."""
    return {
        (key.partition("/")[0], value[at : at + 12])
        for key, value in entries.items()
        if value is not None and not key.startswith(HEARD)
        for at in range(0, len(value), 12)
    }


def test_records_in_one_batch() -> None:
    """Are decided as one by one; those below `publish_from` are remembered alone."""
    records = list(some_raw_records(Random(9), 200))
    one_by_one, at_once = new_intake("checkpoints", 0, 48), new_intake("checkpoints", 0, 48)

    expected = [output for record in records for output in one_by_one.take([record], 0)]

    assert at_once.take(iter(records), 0) == expected
    first = len(new_intake("checkpoints", 0, 48).take(records[:120], 0))
    assert new_intake("checkpoints", 0, 48).take(records, 120) == expected[first:]
    assert new_intake("checkpoints", 0, 48).take(records, len(records)) == []


def test_a_fault_of_ours() -> None:
    """Stops at the record by name of its offset, without its content."""
    intake = new_intake("checkpoints", 0, 48)
    beyond = Raw(17, 10**18, as_raw(SCAN))

    with pytest.raises(UndecidableRecordError, match=r"^offset 17: OverflowError$"):
        intake.take([beyond], 0)
