"""Bytes to record and back (contract sections 2 and 6).

`decode` reads untrusted bytes; what is wrong becomes a `Refusal` with reason code, field path and a message that says
what was expected and repeats nothing of what came. The strict way, JSON by the standard library and fields by pydantic,
is the definition. Two quicker ways stand before it and give the same records: scans have one of their own
(`events.scan_wire`), and JSON that is written as gridwatch writes it needs no hooks to find a key that stands twice.
"""

import json
import re
from dataclasses import dataclass, fields
from itertools import accumulate
from typing import Any, NoReturn

import msgspec
from pydantic import TypeAdapter, ValidationError

from events.faults import first_fault
from events.policy import Policy, PolicyError, parse_policy, policy_document
from events.reading_wire import read_heard, read_reading, read_tick
from events.records import (
    KINDS,
    OUTSIDE_KINDS,
    RAW_TOPICS,
    CheckpointScanned,
    OutageRecord,
    OutsideRecord,
    PolicyChanged,
    Record,
    SourceRecord,
)
from events.results import encode_json, json_value
from events.scan_wire import FUTURE_TOLERANCE, read_scan, scan_record
from events.vocabulary import DeadLetterReason

LARGEST_RECORD_BYTES = 64 * 1024
# In the timeline a record carries what intake added and is written out in full; it may have grown on the way.
LARGEST_TIMELINE_BYTES = 4 * LARGEST_RECORD_BYTES
# A policy has 5 levels. How deep Python itself reads depends on its version and on who calls, and no decision may.
DEEPEST_LEVELS = 64

_ADAPTERS: dict[str, TypeAdapter[Record]] = {kind: TypeAdapter(record) for kind, record in KINDS.items()}
_FIELDS_OF_KIND = {kind: tuple(field.name for field in fields(record)) for kind, record in KINDS.items()}
_HEADS = {kind: f'{{"kind":"{kind}",'.encode() for kind in KINDS}
_KINDS_OF_TOPIC = {
    topic: {kind: record for kind, record in OUTSIDE_KINDS.items() if record.topic == topic} for topic in RAW_TOPICS
}

# A string, to the end of all where nothing ends it: so none is looked at twice.
_STRING = re.compile(rb'"[^"\\]*(?:\\.[^"\\]*)*"?', re.DOTALL)
_STEPS = {ord("{"): 1, ord("["): 1, ord("}"): -1, ord("]"): -1}
_NO_BRACKETS = bytes(set(range(256)) - _STEPS.keys())

_read_json = msgspec.json.Decoder().decode
_write_json = msgspec.json.Encoder().encode


# Not frozen: whatever carries an exception on, a context manager for one, sets its traceback.
@dataclass(unsafe_hash=True)
class Refusal(Exception):
    """A record that is not taken: a reason code, the path of the field, and what was expected there."""

    reason: DeadLetterReason
    path: str
    message: str

    def __str__(self) -> str:
        return f"{self.reason.value} {self.path}: {self.message}"


class _RepeatedKeyError(ValueError):
    pass


def decode(raw: bytes) -> Record:
    """Read one record, ticks included; raises Refusal."""
    record: Record = _decode(raw, KINDS)
    return record


def decode_strictly(raw: bytes) -> Record:
    """Read one record as `decode` does, by its definition alone; raises Refusal."""
    _refuse_too_large(raw, LARGEST_RECORD_BYTES)
    record: Record = _read_strictly(raw, KINDS, reads_policies=True)
    return record


def decode_from_timeline(raw: bytes) -> Record:
    """Read one record of the timeline, where intake wrote it out in full: it may be longer there; raises Refusal."""
    record: Record = _decode(raw, KINDS, largest_bytes=LARGEST_TIMELINE_BYTES)
    return record


def decode_under_fixed_policy(raw: bytes) -> Record | None:
    """Read one record where the policies of the log are not even read: None for a `policy_changed`; raises Refusal."""
    record: Record | None = _decode(raw, KINDS, reads_policies=False)
    return record


def decode_from_topic(raw: bytes, topic: str) -> OutsideRecord:
    """Read one record that came through a raw topic (its name without prefix).

    A kind that belongs to another topic is refused as `unknown_kind`: who may write to one topic must not thereby
    write to another, and nobody outside moves the clock, or copies an outage past its alert. Raises Refusal.
    """
    record: OutsideRecord = _decode(raw, _KINDS_OF_TOPIC[topic])
    if isinstance(record, OutageRecord) and record.is_copy:
        raise Refusal(DeadLetterReason.INVALID_FIELD, "is_copy", "expected null: intake makes the copies")
    return record


def refuse_future(record: SourceRecord) -> None:
    """Raise Refusal for a record that claims to be made more than 5 minutes after it was received."""
    if record.received_at is not None and record.occurred_at - record.received_at > FUTURE_TOLERANCE:
        raise Refusal(
            DeadLetterReason.OCCURRED_IN_FUTURE,
            "occurred_at",
            "expected an instant at most 5 minutes after received_at; check the source's clock",
        )


def encode(record: Record) -> bytes:
    """Write a record as one line of JSON; `decode` reads it back without loss."""
    if isinstance(record, PolicyChanged) or not _is_spelled_alike(getattr(record, "temperature_c", None)):
        return _encode_by_fields(record)
    return _HEADS[record.kind] + _write_json(record)[1:]


def _is_spelled_alike(number: float | None) -> bool:
    """Tell whether msgspec and the standard library write the number with the same characters; tests compare them."""
    return number is None or number == 0 or 1e-3 <= abs(number) < 1e15


def _encode_by_fields(record: Record) -> bytes:
    document: dict[str, Any] = {"kind": record.kind}
    for name in _FIELDS_OF_KIND[record.kind]:
        value = getattr(record, name)
        document[name] = policy_document(value) if isinstance(value, Policy) else json_value(value)
    return encode_json(document)


def _decode(
    raw: bytes, kinds: dict[str, type[Any]], *, reads_policies: bool = True, largest_bytes: int = LARGEST_RECORD_BYTES
) -> Any:
    if CheckpointScanned.kind in kinds and (scan := read_scan(raw)) is not None:
        return scan_record(scan)
    reading = read_heard(raw) or read_reading(raw) or read_tick(raw)
    if reading is not None and reading.kind in kinds:
        return reading
    _refuse_too_large(raw, largest_bytes)
    kind, document = _canonical_document(raw)
    if kind in kinds and kind != PolicyChanged.kind:
        try:
            return _ADAPTERS[kind].validate_python(document)
        except ValidationError:
            pass  # the strict way names the fault
    return _read_strictly(raw, kinds, reads_policies)


def _canonical_document(raw: bytes) -> tuple[str, dict[str, Any]]:
    """Return kind and other fields of a line that comes out again to the byte, so that no key was lost or twice.

    The kind is empty where that cannot be said: the standard library then says what the line is.
    """
    try:
        document = _read_json(raw)
        if type(document) is dict and _write_json(document) == raw:
            kind = document.pop("kind", None)
            return (kind, document) if type(kind) is str else ("", {})
    except (ValueError, RecursionError):
        pass
    return "", {}


def _refuse_too_large(raw: bytes, largest_bytes: int) -> None:
    if len(raw) > largest_bytes:
        raise Refusal(DeadLetterReason.TOO_LARGE, "", f"expected at most {largest_bytes} bytes")


def _read_strictly(raw: bytes, kinds: dict[str, type[Any]], reads_policies: bool) -> Any:
    document = parse_object(raw)
    kind = document.pop("kind", None)
    if not isinstance(kind, str) or kind not in kinds:
        raise Refusal(DeadLetterReason.UNKNOWN_KIND, "kind", "expected one of " + ", ".join(kinds))
    if kind == PolicyChanged.kind:
        if not reads_policies:
            return None
        document["policy"] = _policy(document.get("policy"))
    try:
        return _ADAPTERS[kind].validate_python(document)
    except ValidationError as error:
        _refuse_field(error)


def _policy(document: object) -> Policy:
    try:
        return parse_policy(document)
    except PolicyError as error:
        path = f"policy.{error.path}" if error.path else "policy"
        raise Refusal(DeadLetterReason.INVALID_FIELD, path, error.message) from None


def _refuse_field(error: ValidationError) -> NoReturn:
    path, message = first_fault(error)
    raise Refusal(DeadLetterReason.INVALID_FIELD, path, message) from None


def parse_object(raw: bytes) -> dict[str, Any]:
    """Read one JSON object, strictly: UTF-8 without mark, no NaN, no key twice, not too deep; raises Refusal `not_json`."""
    if is_too_deep(raw):
        raise Refusal(DeadLetterReason.NOT_JSON, "", f"expected one JSON object of at most {DEEPEST_LEVELS} levels")
    try:
        document = _parse(raw.decode("utf-8"))
    except _RepeatedKeyError:
        raise Refusal(DeadLetterReason.NOT_JSON, "", "expected every key of an object once") from None
    except ValueError:
        raise Refusal(DeadLetterReason.NOT_JSON, "", "expected one JSON object in UTF-8") from None
    if not isinstance(document, dict):
        raise Refusal(DeadLetterReason.NOT_JSON, "", "expected one JSON object, not another JSON value")
    return document


def is_too_deep(raw: bytes) -> bool:
    """Tell whether brackets, those within strings apart, stand more than 64 deep in each other."""
    if raw.count(b"{") + raw.count(b"[") <= DEEPEST_LEVELS:
        return False
    brackets = _STRING.sub(b"", raw).translate(None, _NO_BRACKETS)
    return max(accumulate(map(_STEPS.__getitem__, brackets)), default=0) > DEEPEST_LEVELS


def _parse(text: str) -> Any:
    return json.loads(text, object_pairs_hook=_object, parse_constant=_refuse_constant, parse_int=_integer)


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    document = dict(pairs)
    if len(document) != len(pairs):
        raise _RepeatedKeyError
    return document


def _refuse_constant(name: str) -> NoReturn:
    raise ValueError(f"{name} is not JSON")


def _integer(digits: str) -> int | float:
    """Read an integer; one too long for any field becomes a float that every field refuses or bounds."""
    return int(digits) if len(digits) <= 40 else float(digits)
