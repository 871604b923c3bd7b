"""Bytes as a record (`events/codec.py`): every way of reading gives what the definition gives, and is read back the same."""

from collections.abc import Callable
from functools import partial
from random import Random
from zlib import crc32

from events.codec import (
    LARGEST_RECORD_BYTES,
    LARGEST_TIMELINE_BYTES,
    Refusal,
    decode,
    decode_from_timeline,
    decode_from_topic,
    decode_strictly,
    decode_under_fixed_policy,
    encode,
    parse_object,
)
from events.records import KINDS, OUTSIDE_KINDS, RAW_TOPICS, OutageRecord, PolicyChanged, Record
from events.scan_wire import NO_SCAN, read_passing_scans, read_scan, read_screening, scan_record, write_scan
from events.vocabulary import DeadLetterReason
from tests.fuzz.corpus import records
from tests.fuzz.mutation import mutate_record
from tests.fuzz.silence import assert_silent
from tests.fuzz.target import Found

Read = Record | Refusal | None


def run(data: bytes) -> Found:
    """Hold every way of reading against the definition; a record must survive being written."""
    expected = _outcome(decode_strictly, data)
    _assert_alike(_outcome(decode, data), expected)
    _assert_timeline_alike(data, expected)
    _assert_topics_alike(data, expected)
    _assert_fixed_policy_alike(data, expected)
    if isinstance(expected, Refusal):
        assert_silent(expected)
        assert read_scan(data) is None, "the quick way takes nothing that the definition refuses"
        return Found(refused=1)
    assert expected is not None
    _assert_read_back(expected)
    _assert_quick_scan(data, expected)
    return Found(taken=1)


def _outcome(read: Callable[[bytes], Record | None], data: bytes) -> Read:
    try:
        return read(data)
    except Refusal as refusal:
        return refusal


def _assert_alike(found: Read, expected: Read) -> None:
    # As text: 37 and 37.0 are equal, and so is one instant in two zones.
    assert repr(found) == repr(expected), "every way of reading gives what the definition gives"


def _assert_timeline_alike(data: bytes, expected: Read) -> None:
    found = _outcome(decode_from_timeline, data)
    if len(data) <= LARGEST_RECORD_BYTES:
        _assert_alike(found, expected)
    else:
        is_too_large = isinstance(found, Refusal) and found.reason is DeadLetterReason.TOO_LARGE
        assert is_too_large is (len(data) > LARGEST_TIMELINE_BYTES)


def _assert_topics_alike(data: bytes, expected: Read) -> None:
    kind = _kind(data)
    home = OUTSIDE_KINDS[kind].topic if kind in OUTSIDE_KINDS else ""
    for topic in {home, RAW_TOPICS[crc32(data) % len(RAW_TOPICS)]} - {""}:
        found = _outcome(partial(decode_from_topic, topic=topic), data)
        is_read_at_all = not isinstance(expected, Refusal) or expected.reason not in (
            DeadLetterReason.NOT_JSON,
            DeadLetterReason.TOO_LARGE,
        )
        if topic == home and isinstance(expected, OutageRecord) and expected.is_copy:
            message = "expected null: intake makes the copies"
            _assert_alike(found, Refusal(DeadLetterReason.INVALID_FIELD, "is_copy", message))
        elif topic == home or not is_read_at_all:
            _assert_alike(found, expected)
        else:
            kinds = [name for name, record in OUTSIDE_KINDS.items() if record.topic == topic]
            message = "expected one of " + ", ".join(kinds)
            _assert_alike(found, Refusal(DeadLetterReason.UNKNOWN_KIND, "kind", message))


def _kind(data: bytes) -> str:
    try:
        kind = parse_object(data).get("kind")
    except Refusal:
        return ""
    return kind if isinstance(kind, str) and kind in KINDS else ""


def _assert_fixed_policy_alike(data: bytes, expected: Read) -> None:
    is_policy = len(data) <= LARGEST_RECORD_BYTES and _kind(data) == PolicyChanged.kind
    _assert_alike(_outcome(decode_under_fixed_policy, data), None if is_policy else expected)


def _assert_read_back(record: Record) -> None:
    line = encode(record)
    _assert_alike(_outcome(decode_from_timeline, line), record)
    assert encode(decode_from_timeline(line)) == line
    assert b"\n" not in line
    assert b"\r" not in line


def _assert_quick_scan(data: bytes, record: Record) -> None:
    scan = read_scan(data)
    ((event_id, person_id, screening),) = read_passing_scans([data])
    if scan is None:
        assert (event_id, person_id, screening) == NO_SCAN
        return
    _assert_alike(scan_record(scan), record)
    assert write_scan(scan) == encode(record)
    assert (event_id, person_id) == (scan.event_id, scan.person_id)
    seen = read_screening(screening)
    for name in seen.__struct_fields__:
        assert getattr(seen, name) == getattr(scan, name)


def mutate(data: bytes, random: Random) -> bytes:
    """Make another record of one."""
    return mutate_record(data, random, records())
