"""Repeats at intake: what is recognised, for how long, and what is no repeat."""

import json
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

from events.codec import encode
from events.records import ObservationClosed, OutsideRecord, TemperatureTaken
from events.vocabulary import ClosingOutcome
from streams.intake.decider import new_intake
from streams.intake.repeats import RepeatMemory, load_repeats

HOUR_MS = 3_600_000
RECEIVED_MS = int(datetime(2020, 2, 3, 2, tzinfo=UTC).timestamp() * 1000)
AT = datetime(2020, 2, 3, 1, tzinfo=UTC)
READING = TemperatureTaken(
    event_id="e1", source_id="s1", sequence=None, occurred_at=AT, person_id="P1", area="t/g1", temperature_c=36.6
)
COUNTED = replace(READING, sequence=7)


def test_without_a_sequence() -> None:
    """The event id counts, whatever else differs."""
    memory = RepeatMemory(24)

    assert not memory.is_repeat(READING, 0)
    assert memory.is_repeat(READING, 1)
    assert memory.is_repeat(replace(READING, source_id="s2", temperature_c=37.0), 2)
    assert not memory.is_repeat(replace(READING, event_id="e2"), 3)


def test_with_a_sequence() -> None:
    """Source and sequence count; a device that gives a repeat a new id and another `received_at` is recognised."""
    memory = RepeatMemory(24)

    assert not memory.is_repeat(COUNTED, 0)
    assert memory.is_repeat(replace(COUNTED, event_id="e2", received_at=AT), 1)
    assert not memory.is_repeat(replace(COUNTED, sequence=8), 2)
    assert not memory.is_repeat(replace(COUNTED, source_id="s2"), 3)


def test_a_counter_that_began_again() -> None:
    """The same sequence with other content is a new record; what came before the reset is a repeat no more."""
    memory = RepeatMemory(24)
    memory.is_repeat(COUNTED, 0)

    after_reset = replace(COUNTED, event_id="e9", temperature_c=37.1)

    assert not memory.is_repeat(after_reset, 1)
    assert memory.is_repeat(after_reset, 2)


def test_how_long() -> None:
    """At least so many hours by the broker's time; then it is forgotten."""
    memory = RepeatMemory(24)
    other = [replace(READING, event_id=f"x{number}") for number in range(60)]
    memory.is_repeat(READING, 0)
    for number in range(25):
        memory.is_repeat(other[number], number * HOUR_MS)

    assert memory.is_repeat(READING, 24 * HOUR_MS)
    memory.is_repeat(other[25], 25 * HOUR_MS)
    assert not memory.is_repeat(READING, 25 * HOUR_MS + 1)


def test_memory_is_bounded() -> None:
    """A year of records leaves the last hours."""
    memory = RepeatMemory(24)
    for hour in range(24 * 365):
        memory.is_repeat(replace(READING, event_id=f"e{hour}"), hour * HOUR_MS)

    assert len(memory.dump()) <= 25
    assert len(json.dumps(memory.dump())) < 2_000


def test_written_out_and_read_back() -> None:
    """Knows the same, and forgets at the same hour; both kinds of key and a counter that began again."""
    memory = RepeatMemory(24)
    reset = replace(COUNTED, event_id="e9", temperature_c=37.1)
    for hour, record in enumerate([READING, COUNTED, reset]):
        memory.is_repeat(record, hour * HOUR_MS)

    again = load_repeats(24, json.loads(json.dumps(memory.dump())))

    assert again.dump() == memory.dump()
    for each in (memory, again):
        assert each.is_repeat(reset, 3 * HOUR_MS)
        assert each.is_repeat(READING, 3 * HOUR_MS)
        assert not each.is_repeat(replace(READING, event_id="new"), 100 * HOUR_MS)
        assert not each.is_repeat(READING, 100 * HOUR_MS)


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

        came = [intake.take(offset, RECEIVED_MS + offset, as_raw(closing)) for offset in range(3)]

        assert [len(outputs) for outputs in came] == [1, 1, 1]
        assert {output.topic for outputs in came for output in outputs} == {"timeline"}


def test_a_reading_that_comes_again() -> None:
    """Is a repeat at intake: the core takes every reading, so it has arrived."""
    intake = new_intake("temperatures", 0, 48)

    assert [len(intake.take(offset, RECEIVED_MS, as_raw(COUNTED))) for offset in range(3)] == [1, 0, 0]


def test_a_dead_letter_that_was_mended() -> None:
    """A refused record is no arrival: under the same id and sequence it is taken once it is mended."""
    intake = new_intake("temperatures", 0, 48)
    wrong = as_raw(COUNTED).replace(b"36.6", b'"36.6"')

    assert [output.topic for output in intake.take(0, RECEIVED_MS, wrong)] == ["dead-letters"]
    assert [output.topic for output in intake.take(1, RECEIVED_MS, as_raw(COUNTED))] == ["timeline"]
