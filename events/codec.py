"""Bytes to record and back (contract sections 2 and 6).

`decode` reads untrusted bytes; what is wrong becomes a `Refusal` with reason code, field path and a message that says
what was expected and repeats nothing of what came.
"""

import json
from dataclasses import dataclass, fields
from datetime import timedelta
from typing import Any, NoReturn

from pydantic import TypeAdapter, ValidationError

from events.faults import first_fault
from events.policy import Policy, PolicyError, parse_policy, policy_document
from events.records import KINDS, OUTSIDE_KINDS, RAW_TOPICS, OutsideRecord, PolicyChanged, Record, SourceRecord
from events.results import encode_json, json_value
from events.vocabulary import DeadLetterReason

LARGEST_RECORD_BYTES = 64 * 1024
# In the timeline a record carries what intake added and is written out in full; it may have grown on the way.
LARGEST_TIMELINE_BYTES = 4 * LARGEST_RECORD_BYTES
FUTURE_TOLERANCE = timedelta(minutes=5)

_ADAPTERS: dict[str, TypeAdapter[Record]] = {kind: TypeAdapter(record) for kind, record in KINDS.items()}
_FIELDS_OF_KIND = {kind: tuple(field.name for field in fields(record)) for kind, record in KINDS.items()}
_KINDS_OF_TOPIC = {
    topic: {kind: record for kind, record in OUTSIDE_KINDS.items() if record.topic == topic} for topic in RAW_TOPICS
}


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
    write to another, and nobody outside moves the clock. Raises Refusal.
    """
    record: OutsideRecord = _decode(raw, _KINDS_OF_TOPIC[topic])
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
    document: dict[str, Any] = {"kind": record.kind}
    for name in _FIELDS_OF_KIND[record.kind]:
        value = getattr(record, name)
        document[name] = policy_document(value) if isinstance(value, Policy) else json_value(value)
    return encode_json(document)


def _decode(
    raw: bytes, kinds: dict[str, type[Any]], *, reads_policies: bool = True, largest_bytes: int = LARGEST_RECORD_BYTES
) -> Any:
    if len(raw) > largest_bytes:
        raise Refusal(DeadLetterReason.TOO_LARGE, "", f"expected at most {largest_bytes} bytes")
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
    """Read one JSON object, strictly: UTF-8 without mark, no NaN, no key twice; raises Refusal `not_json`."""
    try:
        document = _parse(raw.decode("utf-8"))
    except _RepeatedKeyError:
        raise Refusal(DeadLetterReason.NOT_JSON, "", "expected every key of an object once") from None
    except (ValueError, RecursionError):
        raise Refusal(DeadLetterReason.NOT_JSON, "", "expected one JSON object in UTF-8") from None
    if not isinstance(document, dict):
        raise Refusal(DeadLetterReason.NOT_JSON, "", "expected one JSON object, not another JSON value")
    return document


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
