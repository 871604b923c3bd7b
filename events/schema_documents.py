"""JSON Schema (2020-12) of every record, of the policy, and of what is decided.

Records and policy come from the very annotations that `events.codec` validates by; verdicts, alerts, dead letters and
access records are written, never read, and stand here in full. Every document is complete in itself.

A schema refuses nothing that the codec takes. The codec refuses more: days that the calendar does not have, instants
outside 1970 to 2199 in UTC, integers written with a point, numbers and text that no computer can hold, unknown time
zones, policies that contradict themselves, keys given twice, and records above 64 KiB.
"""

from typing import Any

from pydantic import TypeAdapter

from events.instants import DAY_SCHEMA, INSTANT_SCHEMA
from events.policy import Name, Policy, Version
from events.records import KINDS, AreaPath, Identifier, Sequence
from events.vocabulary import (
    AccessAction,
    AccessRefusal,
    AlertReason,
    AlertState,
    CheckState,
    DeadLetterReason,
    Decision,
    Direction,
    HealthCode,
    OutageCause,
    RuleName,
    Severity,
    Site,
)

CONTRACT_VERSION = 1
Schema = dict[str, Any]

_DIALECT = "https://json-schema.org/draft/2020-12/schema"


def schema_documents() -> dict[str, Schema]:
    """Return every schema by its name: the kinds of records, `policy`, and what is written: `verdict`, `alert` and so on."""
    bodies = {kind: _record(kind, record) for kind, record in KINDS.items()}
    bodies["policy"] = _flat(Policy)
    bodies |= {"verdict": _VERDICT, "alert": _ALERT, "source_state": _SOURCE_STATE, "dead_letter": _DEAD_LETTER}
    bodies["access_record"] = _ACCESS_RECORD
    return {
        name: {"$schema": _DIALECT, "$id": f"urn:gridwatch:{CONTRACT_VERSION}:{name}", "title": name, **body}
        for name, body in bodies.items()
    }


def _record(kind: str, record: type[Any]) -> Schema:
    body = _flat(record)
    body["properties"] = {"kind": {"const": kind}, **body["properties"]}
    body["required"] = ["kind", *body["required"]]
    return body


def _flat(value_type: Any) -> Schema:
    """Return pydantic's schema of a type without references, titles and defaults."""
    generated = TypeAdapter(value_type).json_schema()
    definitions = generated.pop("$defs", {})
    flat = _resolve(generated, definitions)
    assert isinstance(flat, dict)
    return flat


def _resolve(node: Any, definitions: dict[str, Any]) -> Any:
    if isinstance(node, list):
        return [_resolve(item, definitions) for item in node]
    if not isinstance(node, dict):
        return node
    if "$ref" in node:
        target = definitions[node["$ref"].removeprefix("#/$defs/")]
        return _resolve({**target, **{key: value for key, value in node.items() if key != "$ref"}}, definitions)
    resolved = {}
    for key, value in node.items():
        if key == "properties":
            resolved[key] = {name: _resolve(item, definitions) for name, item in value.items()}
        elif key not in ("title", "default"):
            resolved[key] = _resolve(value, definitions)
    return resolved


def _words(*words: str) -> Schema:
    return {"enum": [str(word) for word in words]}


def _object(description: str, properties: dict[str, Schema]) -> Schema:
    return {
        "description": description,
        "type": "object",
        "properties": properties,
        "required": list(properties),
        "additionalProperties": False,
    }


def _or_null(schema: Schema) -> Schema:
    return {"anyOf": [schema, {"type": "null"}]}


_ID = _flat(Identifier)
_AREA = _flat(AreaPath)
_NAME = _flat(Name)
_VERSION = _flat(Version)
_DIGEST: Schema = {"type": "string", "pattern": "^[0-9a-f]{32}$"}
_REVISION: Schema = {"type": "integer", "minimum": 1}
_COUNT: Schema = {"type": "integer", "minimum": 0}
_TEXT: Schema = {"type": "string"}
_NUMBER: Schema = {"type": "number"}
_NUMBER_OF_RECORD = _flat(Sequence)
_AREAS: Schema = {"type": "array", "items": _AREA}
_EVIDENCE: Schema = {"type": "array", "items": _ID}
# What gridwatch writes is narrower than what it reads: UTC with `Z`, a fraction of six digits or none.
_WRITTEN_INSTANT: Schema = {
    **INSTANT_SCHEMA,
    "pattern": r"^[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}(\.[0-9]{6})?Z$",
}

_VERDICT = _object(
    "The state in which an expected check ended; a higher revision replaces a lower one.",
    {
        "check_id": _DIGEST,
        "revision": _REVISION,
        "person_id": _ID,
        "observation_id": _ID,
        "area": _AREA,
        "check": _NAME,
        "date": DAY_SCHEMA,
        "window": _NAME,
        "state": _words(*(state for state in CheckState if state is not CheckState.PENDING)),
        "due_at": _WRITTEN_INSTANT,
        "decided_at": _WRITTEN_INSTANT,
        "evidence": _EVIDENCE,
        "policy_version": _VERSION,
    },
)

ALERT_DETAILS: dict[RuleName, dict[str, Schema]] = {
    RuleName.MISSED_CHECK: {"observation_id": _ID, "check": _NAME, "date": DAY_SCHEMA, "window": _NAME},
    RuleName.CONTACT_LOST: {"observation_id": _ID, "check": _NAME, "missed": {"type": "integer", "minimum": 1}},
    RuleName.FEVER: {
        "observation_id": _or_null(_ID),
        "site": _words(*Site),
        "temperature_c": _NUMBER,
        "taken_at": _WRITTEN_INSTANT,
    },
    RuleName.OBSERVATION_OVERDUE: {"observation_id": _ID, "last_day": DAY_SCHEMA},
    RuleName.RELEASED_EARLY: {"observation_id": _ID, "last_day": DAY_SCHEMA},
    RuleName.BREACH: {
        "observation_id": _ID,
        "checkpoint_id": _ID,
        "direction": _words(*Direction),
        "decision": _words(*Decision),
    },
    RuleName.HEALTH_CODE: {"code": _words(HealthCode.YELLOW, HealthCode.RED), "checkpoint_id": _ID},
    RuleName.IMPLAUSIBLE_READING: {"source_id": _ID, "site": _words(*Site), "temperature_c": _NUMBER},
    RuleName.WAY_BROKEN: {
        "outage_id": _ID,
        "cause": _words(*OutageCause),
        "since": _WRITTEN_INSTANT,
        "concerned_source_id": _or_null(_ID),
    },
    RuleName.SOURCE_SILENT: {
        "heard_until": _or_null(_WRITTEN_INSTANT),
        "interval_seconds": {"type": "integer", "minimum": 1},
        "areas": _AREAS,
    },
    RuleName.SEQUENCE_GAP: {
        "first": _NUMBER_OF_RECORD,
        "last": _NUMBER_OF_RECORD,
        "missing": _NUMBER_OF_RECORD,
        "holes": {"type": "integer", "minimum": 1},
        "since": _WRITTEN_INSTANT,
        "until": _WRITTEN_INSTANT,
        "areas": _AREAS,
    },
}

_ALERT = {
    **_object(
        "One revision of an alert; a higher revision replaces a lower one.",
        {
            "alert_id": _DIGEST,
            "revision": _REVISION,
            "rule": _words(*RuleName),
            "state": _words(*AlertState),
            "severity": _words(*Severity),
            "reason": _words(*AlertReason),
            "subject": {
                "type": "string",
                "pattern": "^((person|source|outage):[A-Za-z0-9._:-]{1,64}|area:[A-Za-z0-9_/-]+)$",
            },
            "person_id": _or_null(_ID),
            "key": {"type": "string", "minLength": 1, "maxLength": 512},
            "area": {"anyOf": [_AREA, {"const": ""}]},
            "occurrence": {"type": "string", "minLength": 1},
            "due_at": _or_null(_WRITTEN_INSTANT),
            "raised_at": _WRITTEN_INSTANT,
            "updated_at": _WRITTEN_INSTANT,
            "evidence": _EVIDENCE,
            "policy_version": _VERSION,
            "detail": {"type": "object"},
        },
    ),
    "allOf": [
        {
            "if": {"properties": {"rule": {"const": rule.value}}},
            "then": {"properties": {"detail": _object(f"The detail of {rule.value}.", detail)}},
        }
        for rule, detail in ALERT_DETAILS.items()
    ],
}

_SOURCE_STATE = _object(
    "What is known of one source; a later state replaces an earlier one.",
    {
        "source_id": _ID,
        "is_active": {"type": "boolean"},
        "areas": _AREAS,
        "interval_seconds": _COUNT,
        "heard_until": _or_null(_WRITTEN_INSTANT),
        "is_silent": {"type": "boolean"},
        "last_sequence": _or_null(_NUMBER_OF_RECORD),
        "missing": _COUNT,
        "holes": {
            "type": "array",
            "maxItems": 50,
            "items": _object("Numbers that have not come.", {"first": _NUMBER_OF_RECORD, "last": _NUMBER_OF_RECORD}),
        },
        "clock_offset_ms": _or_null({"type": "integer"}),
        "updated_at": _WRITTEN_INSTANT,
    },
)

_DEAD_LETTER = _object(
    "One refused record: why, which field, where it stood, and its bytes.",
    {
        "reason": _words(*DeadLetterReason),
        "path": _TEXT,
        "message": _TEXT,
        "topic": _TEXT,
        "partition": _COUNT,
        "offset": _COUNT,
        "raw": {"type": "string", "contentEncoding": "base64", "pattern": "^[A-Za-z0-9+/]*={0,2}$"},
    },
)

_KEY_ID: Schema = {"type": "string", "pattern": "^[A-Za-z0-9_-]{8}$"}
_KEY_IDS: Schema = {"type": "array", "items": _KEY_ID}
_RIGHTS: dict[str, Schema] = {
    "kinds": {"type": "array", "items": _ID},
    "areas": {"type": "array", "items": _AREA},
    "checkpoints": {"type": "array", "items": _ID},
    "is_active": {"type": "boolean"},
}
ACCESS_DETAILS: dict[AccessAction, dict[str, Schema]] = {
    AccessAction.SOURCE_ADDED: {**_RIGHTS, "adapter": _NAME, "expires_at": _or_null(_WRITTEN_INSTANT)},
    AccessAction.SOURCE_CHANGED: {**_RIGHTS, "changed": {"type": "array", "items": _NAME}},
    AccessAction.KEY_ROTATED: {
        "expires_at": _or_null(_WRITTEN_INSTANT),
        "former_key_ids": _KEY_IDS,
        "former_until": _WRITTEN_INSTANT,
    },
    AccessAction.KEY_REVOKED: {"key_ids": _KEY_IDS},
    AccessAction.SOURCE_REMOVED: {"key_ids": _KEY_IDS},
    AccessAction.REQUEST_REFUSED: {"reason": _words(*AccessRefusal), "path": _TEXT, "count": _COUNT},
}

_ACCESS_RECORD = {
    **_object(
        "Who was given, denied or taken away what.",
        {
            "at": _WRITTEN_INSTANT,
            "actor_id": _ID,
            "action": _words(*AccessAction),
            "source_id": _or_null(_ID),
            "key_id": _or_null(_KEY_ID),
            "detail": {"type": "object"},
        },
    ),
    "allOf": [
        {
            "if": {"properties": {"action": {"const": action.value}}},
            "then": {"properties": {"detail": _object(f"The detail of {action.value}.", detail)}},
        }
        for action, detail in ACCESS_DETAILS.items()
    ],
}
