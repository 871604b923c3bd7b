"""Raw records through intake (`streams/intake/decider.py`): each becomes a timeline record, a dead letter, or is a repeat.

An input is some raw records, one a line, and all of it once more as one record. What intake does is held against the
definition of a record and a plain list of what came before.
"""

import base64
import json
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from functools import cache
from random import Random
from typing import Any
from zlib import crc32

from events.codec import (
    LARGEST_RECORD_BYTES,
    LARGEST_TIMELINE_BYTES,
    Refusal,
    decode_from_timeline,
    decode_from_topic,
    decode_strictly,
    encode,
    refuse_future,
)
from events.records import (
    OUTSIDE_KINDS,
    RAW_TOPICS,
    CheckpointScanned,
    OutageRecord,
    OutsideRecord,
    PolicyChanged,
    SourceHeard,
    TemperatureTaken,
    VisitRecorded,
)
from events.vocabulary import DeadLetterReason
from streams.broker.outputs import Output
from streams.feeding import RawLine, read_line
from streams.intake.decider import IntakePartition, new_intake
from streams.partition import SavedState
from tests.fuzz.corpus import CORPUS, logs, records
from tests.fuzz.log_mutation import mutate_log
from tests.fuzz.mutation import mutate_record
from tests.fuzz.silence import assert_silent
from tests.fuzz.target import Found

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
# The broker's clock when the first record comes: as a rule later than all that a record says, so that none is in the future.
_LATE_MS = int((datetime(2199, 12, 31, 12, tzinfo=UTC) - _EPOCH).total_seconds()) * 1000
_EARLY_MS = int((datetime(2020, 2, 2, 1, tzinfo=UTC) - _EPOCH).total_seconds()) * 1000
_REPEAT_HOURS = 24
_MOST_RECORDS = 40
_READINGS = (VisitRecorded, TemperatureTaken, CheckpointScanned)


@dataclass(frozen=True)
class _Raw:
    offset: int
    timestamp: int
    value: bytes | None


@dataclass
class _Partition:
    """One raw partition: intake, and what came there so far."""

    topic: str
    intake: IntakePartition
    offset: int = 0
    taken: list[OutsideRecord] = field(default_factory=list)

    def take(self, value: bytes | None, timestamp_ms: int) -> list[Output]:
        """Take the next record; what is told of sources is looked at and left out."""
        outputs = self.intake.take([_Raw(self.offset, timestamp_ms, value)], 0)
        self.offset += 1
        return [output for output in outputs if not _is_sign_of_life(output)]

    def restart(self) -> None:
        """Write the memory down and read it back."""
        self.intake.changes()
        entries = {key: self.intake.entry(key) or b"" for key in self.intake.keys()}  # noqa: SIM118  no mapping
        saved = SavedState(json.loads(json.dumps(self.intake.head())), entries)
        self.intake = new_intake(self.topic, 3, _REPEAT_HOURS, saved)


def run(data: bytes) -> Found:
    """Take every line as a raw record of its topic, or of another one, and look at what becomes of it."""
    partitions = {topic: _Partition(topic, new_intake(topic, 3, _REPEAT_HOURS)) for topic in RAW_TOPICS}
    first_ms = _EARLY_MS if crc32(data) % 4 == 0 else _LATE_MS
    found = Found()
    values = [*data.split(b"\n")[:_MOST_RECORDS], data]
    for number, value in enumerate(values):
        partition = partitions[_topic_of(value)]
        if number == len(values) // 2:
            partition.restart()
        found += _take(partition, value, first_ms + number * 7)
    return found


def _topic_of(value: bytes) -> str:
    """Return where a feeder sends the record; now and then another topic."""
    line = read_line(value)
    topic = line.output.topic if isinstance(line, RawLine) else ""
    digest = crc32(value)
    return RAW_TOPICS[digest % 5] if topic not in RAW_TOPICS or digest % 16 == 0 else topic


def _is_sign_of_life(output: Output) -> bool:
    """Tell whether an output tells of a source, and assert that it can be read and stands under its key."""
    if not output.value.startswith(b'{"kind":"source_heard"'):
        return False
    assert len(output.value) <= LARGEST_RECORD_BYTES
    record = decode_strictly(output.value)
    assert isinstance(record, SourceHeard)
    assert (output.topic, output.key) == ("timeline", f"source:{record.source_id}".encode())
    return True


def _take(partition: _Partition, value: bytes, timestamp_ms: int) -> Found:
    offset = partition.offset
    outputs = partition.take(value or None, timestamp_ms)
    expected = _expected(value, partition.topic, timestamp_ms)
    assert len(outputs) <= (2 if isinstance(expected, OutageRecord) else 1), (
        "a record becomes one thing, and an outage has a copy"
    )
    if isinstance(expected, Refusal):
        (letter,) = outputs
        _assert_dead_letter(letter, expected, partition.topic, offset, value)
        _assert_taken_when_mended(partition, value, timestamp_ms)
        return Found(refused=1)
    is_repeat = any(_is_repeat(expected, before) for before in partition.taken)
    assert bool(outputs) is not is_repeat, "nothing is left out but what came before"
    if outputs:
        _assert_on_timeline(outputs[0], expected)
        if isinstance(expected, OutageRecord):
            _assert_copied(outputs[1], expected)
        partition.taken.append(expected)
        _assert_known_now(partition, value, timestamp_ms, expected)
    return Found(taken=1)


def _expected(value: bytes, topic: str, timestamp_ms: int) -> OutsideRecord | Refusal:
    """Return the record, received as it was, or why it is refused: by the definition alone."""
    if not value:
        return Refusal(DeadLetterReason.NOT_JSON, "", "expected one JSON object, found nothing")
    try:
        decode_from_topic(value, topic)
    except Refusal as refusal:  # held against the definition by the target of the codec
        return refusal
    record: Any = decode_strictly(value)
    assert record.topic == topic, "a record of another topic is refused"
    if record.received_at is None:
        record = replace(record, received_at=_EPOCH + timedelta(milliseconds=timestamp_ms))
    try:
        refuse_future(record)
    except Refusal as refusal:
        return refusal
    found: OutsideRecord = record
    return found


def _assert_dead_letter(output: Output, expected: Refusal, topic: str, offset: int, value: bytes) -> None:
    assert output.topic == "dead-letters"
    assert output.key == f"{topic}:3".encode()
    letter = json.loads(output.value)
    assert base64.b64decode(letter.pop("raw"), validate=True) == value, "a dead letter keeps the bytes"
    assert letter == {
        "reason": expected.reason.value,
        "path": expected.path,
        "message": expected.message,
        "topic": topic,
        "partition": 3,
        "offset": offset,
    }
    assert_silent(expected)


def _assert_on_timeline(output: Output, expected: OutsideRecord) -> None:
    assert output.topic == "timeline"
    assert output.to_all_partitions is isinstance(expected, PolicyChanged)
    assert output.key == (None if isinstance(expected, PolicyChanged) else expected.key.encode())
    assert output.value == encode(expected)
    assert len(output.value) <= LARGEST_TIMELINE_BYTES
    assert repr(decode_from_timeline(output.value)) == repr(expected)


def _assert_copied(output: Output, expected: OutageRecord) -> None:
    assert (output.topic, output.key, output.to_all_partitions) == ("timeline", None, True)
    assert output.value == encode(replace(expected, is_copy=True))


def _is_repeat(record: OutsideRecord, before: OutsideRecord) -> bool:
    """Tell whether a record is left out because of one that came before in its partition (contract section 4)."""
    if record.sequence is None:
        return isinstance(record, _READINGS) and before.sequence is None and record.event_id == before.event_id
    is_same = type(record) is type(before) and _content(record) == _content(before)
    # What the core may refuse goes on to it as often as it comes under its own event id.
    return is_same and (isinstance(record, _READINGS) or record.event_id != before.event_id)


def _content(record: OutsideRecord) -> str:
    return repr(replace(record, event_id="", received_at=None))


def _assert_known_now(partition: _Partition, value: bytes, timestamp_ms: int, record: OutsideRecord) -> None:
    """Send a record once more: a reading is a repeat now, and what the core may refuse goes on to it."""
    again = partition.take(value, timestamp_ms + 1)
    assert bool(again) is not isinstance(record, _READINGS)


def _assert_taken_when_mended(partition: _Partition, value: bytes, timestamp_ms: int) -> None:
    """Send a right record under the ids of one that was refused: it counts as new."""
    mended = _mended(value, partition.topic)
    if mended is None:
        return
    record: Any = decode_strictly(mended)
    record = replace(record, received_at=_EPOCH + timedelta(milliseconds=timestamp_ms))
    if any(_is_repeat(record, before) for before in partition.taken):
        return
    output = partition.take(mended, timestamp_ms)[0]
    _assert_on_timeline(output, record)
    partition.taken.append(record)


def _mended(value: bytes, topic: str) -> bytes | None:
    """Return a record of the topic with event id, source and sequence of a refused one, where it had such."""
    try:
        document = json.loads(value)
        names = {name: document[name] for name in ("event_id", "source_id", "sequence")}
    except (ValueError, RecursionError, KeyError, TypeError):
        return None
    right = {**_right(topic), **names, "occurred_at": "1970-01-02T00:00:00Z", "received_at": None}
    mended = json.dumps(right).encode()
    try:
        decode_strictly(mended)
    except Refusal:
        return None
    return mended


@cache
def _right(topic: str) -> dict[str, Any]:
    """Return a right record of a topic."""
    for path in sorted((CORPUS / "records").glob("valid_*")):
        document: dict[str, Any] = json.loads(path.read_bytes())
        kind = document["kind"]
        if kind in OUTSIDE_KINDS and OUTSIDE_KINDS[kind].topic == topic:
            return document
    raise LookupError(f"expected a right record of {topic} in the corpus")


def mutate(data: bytes, random: Random) -> bytes:
    """Make other raw records of some: a single one, or a row of them."""
    if b"\n" not in data or random.random() < 0.3:
        return mutate_record(data, random, records())
    return mutate_log(data, random)


def seeds() -> Sequence[bytes]:
    """Return single records and rows of them."""
    return *records(), *logs()
