"""What intake makes of a raw record, computed from the record alone, and what a line of the timeline is known by.

A record is compared by two hashes of 60 bits, both bound to the partition of the timeline in which it has to stand:

    identity   what makes it the same record as another: all it says but event id and receipt where it has a sequence,
               else its event id. A repeat has the identity of what it repeats, so one of them in the timeline is enough
    whole      every byte of the line that intake writes

With ten million of them looked at together, a lost record is taken for another about once in 10^11 losses.
"""

from base64 import b64decode
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import NamedTuple

import msgspec

from events.codec import Refusal, decode_from_topic, encode, refuse_future
from events.records import (
    CheckpointScanned,
    OutageRecord,
    OutsideRecord,
    PolicyChanged,
    SourceHeard,
    TemperatureTaken,
    Tick,
    VisitRecorded,
)
from events.scan_wire import is_future, read_scan, write_scan_and_content
from events.vocabulary import DeadLetterReason
from streams.broker.outputs import partition_of
from streams.dead_letters import LARGEST_RAW_BYTES
from streams.intake.repeats import content_of

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
# An odd number of 60 bits: what it is multiplied with is spread over all of them.
_SPREAD, _MASK = 0x9E3779B97F4A7C1, (1 << 60) - 1
_TICK_HEAD = f'{{"kind":"{Tick.kind}",'.encode()
_HEARD_HEAD = f'{{"kind":"{SourceHeard.kind}",'.encode()
# The core takes every one of these, so intake leaves out their repeats; the others it passes on.
_NEVER_REFUSED = tuple(
    f'{{"kind":"{kind.kind}",'.encode() for kind in (CheckpointScanned, TemperatureTaken, VisitRecorded)
)
_NO_SEQUENCE = b'"sequence":null,'


class Identity(NamedTuple):
    """What a record is known by in one partition of the timeline."""

    identity: int
    whole: int


class _Letter(msgspec.Struct):
    reason: str
    topic: str
    partition: int
    offset: int
    raw: str


def read_raw(
    topic: str, partition: int, offset: int, appended_ms: int, raw: bytes, partitions: int
) -> list[Identity] | int:
    """Return what intake writes because of a raw record into a timeline of so many partitions.

    That is one identity, for a policy one in every partition, for an outage its own and that of a copy in every partition;
    for a refused record the hash of its dead letter.
    """
    if topic == CheckpointScanned.topic and (scan := read_scan(raw)) is not None and not is_future(scan, appended_ms):
        line, content = write_scan_and_content(scan, appended_ms)
        number = partition_of(scan.person_id.encode(), partitions)
        return [_identity(line, content if scan.sequence else _named(scan.event_id), number)]
    try:
        record = _read(topic, appended_ms, raw)
    except Refusal as refusal:
        return letter_hash(topic, partition, offset, refusal.reason, raw[:LARGEST_RAW_BYTES])
    if isinstance(record, PolicyChanged):
        return _everywhere(record, partitions)
    line = encode(record)
    own = _identity(line, _named_by(record, line), partition_of(record.key.encode(), partitions))
    if isinstance(record, OutageRecord):
        return [own, *_everywhere(replace(record, is_copy=True), partitions)]
    return [own]


def _everywhere(record: OutsideRecord, partitions: int) -> list[Identity]:
    line = encode(record)
    return [_identity(line, _named_by(record, line), number) for number in range(partitions)]


def _named_by(record: OutsideRecord, line: bytes) -> bytes:
    return content_of(line) if record.sequence else _named(record.event_id)


def _read(topic: str, appended_ms: int, raw: bytes) -> OutsideRecord:
    if not raw:
        raise Refusal(DeadLetterReason.NOT_JSON, "", "expected one JSON object, found nothing")
    record = decode_from_topic(raw, topic)
    if record.received_at is None:
        record = replace(record, received_at=_EPOCH + timedelta(milliseconds=appended_ms))
    refuse_future(record)
    return record


def is_tick(line: bytes) -> bool:
    """Tell whether a line of the timeline is a tick."""
    return line.startswith(_TICK_HEAD)


def is_of_intake(line: bytes) -> bool:
    """Tell whether a line of the timeline is intake's own, and stands for no raw record by itself."""
    return line.startswith(_HEARD_HEAD)


def is_left_out_twice(line: bytes) -> bool:
    """Tell whether intake would have left out a repeat of this line."""
    return line.startswith(_NEVER_REFUSED)


def read_line(line: bytes, partition: int) -> Identity:
    """Return what a line of a partition of the timeline, no tick, is known by.

    What is not written as intake writes has an identity that no raw record has.
    """
    try:
        event = line.index(b',"event_id":')
        source = line.index(b',"source_id":', event)
        head = line[source : line.index(b',"occurred_at":', source) + 1]
        named = b"event/" + line[event + 13 : source - 1] if head.endswith(_NO_SEQUENCE) else content_of(line)
    except ValueError:
        named = line
    return _identity(line, named, partition)


def _named(event_id: str) -> bytes:
    return b"event/" + event_id.encode()


def _identity(line: bytes, named: bytes, partition: int) -> Identity:
    where = (partition + 1) * _SPREAD & _MASK
    return Identity(hash_of(named) ^ where, hash_of(line) ^ where)


def hash_of(text: bytes) -> int:
    """Return 60 bits of Python's own hash: SipHash under a key of this process, in which both sides are hashed."""
    return hash(text) & _MASK


class Letter(NamedTuple):
    """Where the record of a dead letter stood, and the hash of what the letter says of it."""

    topic: str
    partition: int
    offset: int
    hash: int


_read_letter = msgspec.json.Decoder(_Letter).decode


def read_letter(value: bytes) -> Letter | None:
    """Read a dead letter; None for what is none."""
    try:
        letter = _read_letter(value)
        raw = b64decode(letter.raw, validate=True)
    except (msgspec.DecodeError, UnicodeDecodeError, ValueError):
        return None
    told = letter_hash(letter.topic, letter.partition, letter.offset, letter.reason, raw)
    return Letter(letter.topic, letter.partition, letter.offset, told)


def letter_hash(topic: str, partition: int, offset: int, reason: str, raw: bytes) -> int:
    """Return the hash of a dead letter's place, reason and bytes."""
    return hash_of(f"{topic}:{partition}:{offset}:{reason}:".encode() + raw)
