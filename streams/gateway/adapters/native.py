"""The contract's own JSON from devices that speak it: one object, a list, or a line each (docs/CONTRACT.md, section 2)."""

import json
from typing import Any

from events.codec import Refusal, decode_from_topic
from events.records import OUTSIDE_KINDS
from events.vocabulary import DeadLetterReason
from streams.gateway.adapters.bodies import read_json, refuse_too_large, refuse_too_many
from streams.gateway.adapters.identity import Identity
from streams.gateway.adapters.multipart import read_content_type
from streams.gateway.adapters.outcomes import Adapted, Place, Refused, SourceSettings, Taken

_NDJSON = frozenset({"application/x-ndjson", "application/ndjson", "application/jsonl"})
_PLACEHOLDER = "p"


def adapt_native(body: bytes, content_type: str, source: SourceSettings) -> list[Adapted]:
    """Return what becomes of each record.

    `source_id` may be missing and is then that of the source. In place of `person_id` there may be an `identity`, an object
    of `type` and `number`. Nothing else is changed; what the contract refuses is refused here.
    """
    try:
        refuse_too_large(body)
        return [_adapt(item, source) for item in _items(body, content_type)]
    except Refusal as refusal:
        return [Refused.by(refusal)]


def _items(body: bytes, content_type: str) -> list[Any]:
    """Return the values of a body; a line of NDJSON that cannot be read stands there as its Refusal."""
    if read_content_type(content_type).name in _NDJSON:
        lines = [line for line in body.split(b"\n") if line.strip()]
        refuse_too_many(len(lines))
        return [_read_line(line) for line in lines]
    value = read_json(_utf8(body))
    if not isinstance(value, list):
        return [value]
    refuse_too_many(len(value))
    return value


def _read_line(line: bytes) -> Any:
    try:
        return read_json(_utf8(line))
    except Refusal as refusal:
        return refusal


def _utf8(raw: bytes) -> str:
    try:
        return raw.decode("utf-8")
    except UnicodeDecodeError:
        raise Refusal(DeadLetterReason.NOT_JSON, "", "expected JSON in UTF-8") from None


def _adapt(item: Any, source: SourceSettings) -> Adapted:
    if isinstance(item, Refusal):
        return Refused.by(item)
    if not isinstance(item, dict):
        return Refused(
            reason=DeadLetterReason.NOT_JSON, path="", message="expected one JSON object, not another JSON value"
        )
    sequence = item.get("sequence")
    place = Place(sequence=sequence if type(sequence) is int and 1 <= sequence < 2**63 else None)
    try:
        document, identity = _without_identity(item)
        _refuse_what_the_gateway_says(document, source)
        document = {**document, "source_id": source.source_id}
        _check(document, identity)
    except Refusal as refusal:
        return Refused.by(refusal, place)
    return Taken(document=document, identity=identity, place=place)


def _without_identity(item: dict[str, Any]) -> tuple[dict[str, Any], Identity | None]:
    document = {name: value for name, value in item.items() if name != "identity"}
    given = item.get("identity")
    if given is None:
        return document, None
    if "person_id" in document:
        raise _refusal("identity", "expected either person_id or identity")
    if not isinstance(given, dict) or given.keys() != {"type", "number"}:
        raise _refusal("identity", "expected an object of type and number")
    try:
        return document, Identity(given["type"], given["number"])
    except ValueError as error:
        raise _refusal("identity", str(error)) from None


def _refuse_what_the_gateway_says(document: dict[str, Any], source: SourceSettings) -> None:
    if document.pop("received_at", None) is not None:
        raise _refusal("received_at", "expected no received_at: the gateway says when it got a record")
    if document.get("source_id", source.source_id) != source.source_id:
        raise _refusal("source_id", "expected the id of the source that sends, or none")


def _check(document: dict[str, Any], identity: Identity | None) -> None:
    kind = document.get("kind")
    record = OUTSIDE_KINDS.get(kind) if isinstance(kind, str) else None
    if record is None:
        raise Refusal(DeadLetterReason.UNKNOWN_KIND, "kind", "expected one of " + ", ".join(OUTSIDE_KINDS))
    complete = document if identity is None else {**document, "person_id": _PLACEHOLDER}
    try:
        raw = json.dumps(complete, ensure_ascii=False).encode()
    except UnicodeEncodeError:  # half of a surrogate pair: the codec says in which field
        raw = json.dumps(complete).encode()
    decode_from_topic(raw, record.topic)


def _refusal(path: str, message: str) -> Refusal:
    return Refusal(DeadLetterReason.INVALID_FIELD, path, message)
