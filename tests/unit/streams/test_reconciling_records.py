"""Records of the raw topics against timeline and dead letters: nothing is found in a clean log, every single fault is."""

import json
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from events.records import RAW_TOPICS
from streams.intake.decider import new_intake
from streams.reconciling.findings import HOUR_MS, Finding, Kind, Place, Relation
from streams.reconciling.lines import Identity, is_of_intake, is_tick, read_line, read_raw
from streams.reconciling.pairing import Memory, Pairing, TooManyOpenError
from streams.reconciling.records import RecordComparison
from streams.reconciling.ticks import compare_ticks
from tests.support.fakes import without_signs_of_life
from tests.support.raw_records import closing, opening, policy, reading, scan, visit
from tests.support.reconciled import TIMELINE_PARTITIONS, Hours, Logs, Stored, town

HOURS = Hours(datetime(2026, 1, 1, tzinfo=UTC))
SPAN = range(HOURS.ms(0) // HOUR_MS, HOURS.ms(4) // HOUR_MS)


def compared(logs: Logs, committed: Mapping[tuple[str, int], int] | None = None, **more: Any) -> RecordComparison:
    """Give all records to a comparison: raw topics first, in stretches of five."""
    found = RecordComparison(TIMELINE_PARTITIONS, committed or logs.ends(RAW_TOPICS), {}, **more)
    for (topic, partition), log in sorted(logs.logs.items()):
        if topic in RAW_TOPICS:
            for part in stretches(log):
                found.take_raw(topic, partition, part, counts=True)
    for (topic, partition), log in sorted(logs.logs.items()):
        for part in stretches(log):
            if topic == "timeline":
                found.take_timeline(partition, part, counts=True)
            elif topic == "dead-letters":
                found.take_dead_letters(partition, part, counts=True)
    return found


def stretches(log: list[Stored]) -> Iterable[list[Stored]]:
    return (log[start : start + 5] for start in range(0, len(log), 5))


def told(findings: Iterable[Finding]) -> list[tuple[Relation, Kind, str, int | None, list[int]]]:
    """Return all differences."""
    return [
        (finding.relation, each.kind, each.group.topic, each.group.partition, each.offsets)
        for finding in findings
        for each in finding.differences
    ]


def records_of(logs: Logs, topic: str) -> list[tuple[int, Stored]]:
    """Return the messages of a topic, no ticks, each with its partition."""
    return [
        (partition, stored)
        for (name, partition), log in sorted(logs.logs.items())
        for stored in log
        if name == topic and not is_tick(stored.value) and not is_of_intake(stored.value)
    ]


CLEAN = town(HOURS)
LINES, LETTERS = records_of(CLEAN, "timeline"), records_of(CLEAN, "dead-letters")


def source_of(line: bytes) -> tuple[str, int, int]:
    """Return the first raw record of which intake makes a line, receipt apart."""
    for topic in RAW_TOPICS:
        for partition, stored in records_of(CLEAN, topic):
            read = read_raw(topic, partition, stored.offset, stored.timestamp, stored.value, 1)
            if isinstance(read, list) and read[0].whole == read_line(line, 0).whole:
                return topic, partition, stored.offset
    raise AssertionError("no raw record")


def test_a_clean_log() -> None:
    assert told(compared(CLEAN).findings()) == []
    assert sum(finding.compared for finding in compared(CLEAN).findings()) == 25 + 25 + 2 + 2


@given(st.integers(0, len(LINES) - 1))
def test_any_line_that_is_lost_is_named_by_its_raw_record(index: int) -> None:
    partition, stored = LINES[index]
    logs = CLEAN.copy()
    logs.drop(("timeline", partition), stored.offset)
    topic, raw_partition, offset = source_of(stored.value)

    found = told(compared(logs).findings())

    assert found == [(Relation.RAW_TO_TIMELINE, Kind.MISSING, topic, raw_partition, [offset])]


@given(st.integers(0, len(LINES) - 1), st.data())
def test_any_line_of_which_a_byte_changes_is_named(index: int, data: st.DataObject) -> None:
    partition, stored = LINES[index]
    at = data.draw(st.integers(0, len(stored.value) - 1))
    byte = data.draw(st.integers(0, 255).filter(lambda value: value != stored.value[at]))
    logs = CLEAN.copy()
    logs.change(("timeline", partition), stored.offset, stored.value[:at] + bytes([byte]) + stored.value[at + 1 :])

    found = told(compared(logs).findings())

    assert (Relation.TIMELINE_FROM_RAW, Kind.EXTRA, "timeline", partition, [stored.offset]) in found
    assert all(relation in (Relation.TIMELINE_FROM_RAW, Relation.RAW_TO_TIMELINE) for relation, *_ in found)


@given(st.integers(0, len(LINES) - 1))
def test_any_line_that_is_there_twice_is_a_note(index: int) -> None:
    partition, stored = LINES[index]
    logs = CLEAN.copy()
    logs.double(("timeline", partition), stored.offset)

    findings = compared(logs).findings()

    notes = [(each.group.partition, each.offsets) for finding in findings for each in finding.notes]
    is_left_out = json.loads(stored.value)["kind"] in {"visit_recorded", "temperature_taken", "checkpoint_scanned"}
    assert notes == ([(partition, [stored.offset + 1])] if is_left_out else [])
    assert told(findings) == []


@given(st.integers(0, len(LINES) - 1), st.integers(1, TIMELINE_PARTITIONS - 1))
def test_any_line_in_another_partition_is_found(index: int, further: int) -> None:
    partition, stored = LINES[index]
    logs = CLEAN.copy()
    logs.drop(("timeline", partition), stored.offset)
    log = logs.logs["timeline", (partition + further) % TIMELINE_PARTITIONS]
    log.append(stored._replace(offset=len(log)))

    found = told(compared(logs).findings())

    if b"policy_changed" not in stored.value:
        assert [relation for relation, *_ in found] == [Relation.RAW_TO_TIMELINE, Relation.TIMELINE_FROM_RAW]
    else:
        assert [relation for relation, *_ in found] == [Relation.RAW_TO_TIMELINE]


@pytest.mark.parametrize("index", range(len(LETTERS)))
def test_any_dead_letter_that_is_lost_or_changed(index: int) -> None:
    partition, stored = LETTERS[index]
    lost, changed = CLEAN.copy(), CLEAN.copy()
    lost.drop(("dead-letters", partition), stored.offset)
    changed.change(("dead-letters", partition), stored.offset, stored.value.replace(b'"raw":"', b'"raw":"AAAA'))

    assert [(relation, kind) for relation, kind, *_ in told(compared(lost).findings())] == [
        (Relation.RAW_TO_DEAD_LETTERS, Kind.MISSING)
    ]
    assert [(relation, kind) for relation, kind, *_ in told(compared(changed).findings())] == [
        (Relation.RAW_TO_DEAD_LETTERS, Kind.MISSING),
        (Relation.DEAD_LETTERS_FROM_RAW, Kind.EXTRA),
    ]


def test_a_dead_letter_that_is_none() -> None:
    logs = CLEAN.copy()
    log = logs.logs["dead-letters", 0]
    log.append(Stored(len(log), HOURS.ms(3), b"[]"))

    assert told(compared(logs).findings()) == [
        (Relation.DEAD_LETTERS_FROM_RAW, Kind.EXTRA, "dead-letters", 0, [len(log) - 1])
    ]


def test_what_intake_has_not_committed_is_under_way() -> None:
    logs = Logs()
    logs.send(HOURS.ms(0), scan("taken"))
    logs.send(HOURS.ms(0), scan("new"), visit("new"), b"{", is_taken=False)
    ends = logs.ends(RAW_TOPICS)
    committed = {place: min(end, 1) if place[0] == "checkpoints" else 0 for place, end in ends.items()}

    lines, _, letters, _ = compared(logs, committed).findings()

    assert (lines.compared, lines.under_way, letters.compared, letters.under_way) == (1, 2, 0, 1)
    assert lines.differences == letters.differences == []


@pytest.mark.parametrize(
    "raw",
    [
        scan("s", sequence=3),
        scan("s", sequence=None, received_at="2026-01-01T00:00:00.5Z"),
        scan("s", temperature_c=36.0, site="ear", health_code="red"),
        reading("r", sequence=7),
        visit("v", symptoms=["咳嗽", 'a,"source_id":b']),
        opening("p-1", sequence=1),
        closing("p-1"),
        policy(),
        b"",
        b"{}",
        b'{"kind":"tick"}',
        scan("future", occurred_at="2026-02-02T00:00:00Z"),
        b" " * 70_000,
    ],
    ids=range(13),
)
def test_what_is_expected_is_what_intake_writes(raw: bytes) -> None:
    """The same line in the same partition; or the same dead letter."""
    logs = Logs()
    logs.send(HOURS.ms(0), raw)
    ((topic, partition), (stored,)) = next(item for item in logs.logs.items() if item[0][0] in RAW_TOPICS)

    expected = read_raw(topic, partition, 0, stored.timestamp, stored.value, TIMELINE_PARTITIONS)
    outputs = without_signs_of_life(new_intake(topic, partition, 48).take([stored], 0))

    if isinstance(expected, int):
        assert [output.topic for output in outputs] == ["dead-letters"]
    else:
        written = {read_line(each.value, part) for part, each in records_of(logs, "timeline")}
        assert set(expected) == written
    assert told(compared(logs).findings()) == []


def test_lines_that_nobody_wrote() -> None:
    """Whatever the bytes, there is an answer, and it is not that of a raw record."""
    real = {read_line(stored.value, partition) for partition, stored in LINES}
    for line in (b"", b"{}", b'{"kind":"x","event_id":"e"', b"\xff\xfe", b',"event_id":,"source_id":'):
        assert isinstance(read_line(line, 0), Identity)
        assert read_line(line, 0) not in real


@given(st.lists(st.integers(0, 30), max_size=60), st.lists(st.integers(0, 30), max_size=60), st.integers(1, 9))
def test_pairing_forgets_and_says_so(seen: list[int], wanted: list[int], remembered: int) -> None:
    """Whoever is open was not seen, or it was forgotten; whoever is not open was seen."""
    pairing = Pairing(Memory(remembered=remembered))
    places = {number: place_of(number) for number in wanted}
    for number in seen:
        pairing.see({number})
    pairing.want(places)

    still_open = {place.offset for place in pairing.open_places()}
    assert set(wanted) - set(seen) <= still_open
    assert still_open <= set(wanted)
    assert pairing.has_forgotten or still_open == set(wanted) - set(seen)
    pairing.see(set(seen))
    assert {place.offset for place in pairing.open_places()} == set(wanted) - set(seen)


def place_of(number: int) -> Place:
    return Place("t", 0, number, 0)


def test_too_many_open() -> None:
    """They are not held without bounds: it is said, and what was found so far is told."""
    logs = CLEAN.copy()
    for partition in range(TIMELINE_PARTITIONS):
        logs.logs["timeline", partition] = []

    lines = compared(logs, memory=Memory(open_max=3)).findings()[0]

    assert "more than 3" in lines.broken_off
    assert lines.differences != []
    with pytest.raises(TooManyOpenError):
        Pairing(Memory(open_max=1)).want({1: place_of(1), 2: place_of(2)})


TICKS = compared(CLEAN).ticks


def test_the_same_ticks_everywhere() -> None:
    found = compare_ticks(TICKS, SPAN, from_beginning=True)

    assert (found.compared, found.under_way, found.differences) == (12, 0, [])


@pytest.mark.parametrize("partition", range(TIMELINE_PARTITIONS))
@pytest.mark.parametrize("number", range(4))
def test_any_tick_that_a_partition_lacks(partition: int, number: int) -> None:
    """Its partition and hour are named, and what stands behind the gap; of the newest it may be under way."""
    ticks = {
        part: [tick for at, tick in enumerate(seen) if (part, at) != (partition, number)]
        for part, seen in TICKS.items()
    }
    lost = TICKS[partition][number]

    found = compare_ticks(ticks, SPAN, from_beginning=True)

    if number == 3:
        assert (found.under_way, found.differences) == (1, [])
        return
    (only,) = found.differences
    assert (only.group.partition, only.group.hour, only.count) == (partition, lost.appended_ms // HOUR_MS, 1)
    assert only.offsets == [TICKS[partition][number + 1].offset]


def test_ticks_before_what_was_read() -> None:
    """Where the logs were not read from their beginning, those before the last of the first are no difference."""
    ticks = {part: seen[part:] for part, seen in TICKS.items()}

    assert compare_ticks(ticks, SPAN, from_beginning=False).differences == []
    assert sum(each.count for each in compare_ticks(ticks, SPAN, from_beginning=True).differences) == 3


def test_a_partition_without_any_tick() -> None:
    ticks = {**TICKS, 1: []}

    (first, *others) = compare_ticks(ticks, SPAN, from_beginning=False).differences

    assert first.group.partition == 1
    assert first.count + sum(each.count for each in others) == 3


def test_no_ticks_at_all() -> None:
    assert compare_ticks({0: [], 1: []}, SPAN, from_beginning=True).set_aside == "no tick in these hours"
