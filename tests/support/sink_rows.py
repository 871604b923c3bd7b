"""The sink's messages row by row: plain and slow, what its columns are compared with."""

from base64 import b64encode
from collections.abc import Callable, Mapping
from datetime import UTC, date, datetime
from typing import Annotated, Any, NamedTuple

import msgspec

from sinks.clickhouse.tables import ALERTS, CHECKS, DEAD_LETTERS, QUARANTINE, TIMELINE, Table

Row = tuple[Any, ...]

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_Count32 = Annotated[int, msgspec.Meta(ge=0, lt=2**32)]
_Count64 = Annotated[int, msgspec.Meta(ge=0, le=2**63 - 1)]
_Revision = Annotated[int, msgspec.Meta(ge=1, lt=2**32)]
_Instant = Annotated[datetime, msgspec.Meta(tz=True)]


class Message(NamedTuple):
    """One message of a topic of ours; `appended_ms` is the time stamp Kafka keeps with it, in milliseconds."""

    topic: str
    partition: int
    offset: int
    appended_ms: int
    value: bytes | None


class _PolicyHead(msgspec.Struct):
    policy_version: str
    timezone: str


class _LogRecord(msgspec.Struct):
    kind: str
    event_id: str = ""
    source_id: str = ""
    occurred_at: _Instant | None = None
    received_at: _Instant | None = None
    at: _Instant | None = None
    heard_until: _Instant | None = None
    person_id: str = ""
    observation_id: str = ""
    area: str | None = None
    category: str = ""
    outcome: str = ""
    temperature_c: float | None = None
    site: str | None = None
    checkpoint_id: str = ""
    direction: str = ""
    decision: str = ""
    health_code: str | None = None
    alert_id: str = ""
    policy: _PolicyHead | None = None


class _Verdict(msgspec.Struct):
    check_id: str
    revision: _Revision
    person_id: str
    observation_id: str
    area: str
    check: str
    date: date
    window: str
    state: str
    due_at: _Instant
    decided_at: _Instant
    evidence: list[str]
    policy_version: str


class _Alert(msgspec.Struct):
    alert_id: str
    revision: _Revision
    rule: str
    state: str
    severity: str
    reason: str
    subject: str
    person_id: str | None
    key: str
    area: str
    occurrence: str
    due_at: _Instant | None
    raised_at: _Instant
    updated_at: _Instant
    evidence: list[str]
    policy_version: str
    detail: msgspec.Raw = msgspec.Raw(b"{}")


class _DeadLetter(msgspec.Struct):
    reason: str
    path: str
    message: str
    topic: str
    partition: _Count32
    offset: _Count64
    raw: str


_read_record = msgspec.json.Decoder(_LogRecord).decode
_read_verdict = msgspec.json.Decoder(_Verdict).decode
_read_alert = msgspec.json.Decoder(_Alert).decode
_read_dead_letter = msgspec.json.Decoder(_DeadLetter).decode


def microseconds(instant: datetime) -> int:
    """Return whole microseconds since 1970-01-01T00:00Z, exactly."""
    since = instant - _EPOCH
    return (since.days * 86_400 + since.seconds) * 1_000_000 + since.microseconds


def _timeline_row(message: Message, value: bytes) -> Row:
    record = _read_record(value)
    occurred_at = record.occurred_at or record.at or record.heard_until
    if occurred_at is None:
        raise msgspec.ValidationError("expected occurred_at, at in a tick, or heard_until")
    occurred_us = microseconds(occurred_at)
    return (
        *message[:4],
        record.kind,
        record.event_id,
        record.source_id,
        occurred_us,
        occurred_us if record.received_at is None else microseconds(record.received_at),
        record.person_id,
        record.observation_id,
        record.area or "",
        record.category,
        record.outcome,
        record.temperature_c or 0.0,
        (record.site or "unknown") if record.temperature_c else "",
        record.checkpoint_id,
        record.direction,
        record.decision,
        record.health_code or "",
        record.alert_id,
        record.policy.policy_version if record.policy else "",
        record.policy.timezone if record.policy else "",
        value.decode(),
    )


def _check_row(message: Message, value: bytes) -> Row:
    verdict = _read_verdict(value)
    return (
        *message[:4],
        verdict.check_id,
        verdict.revision,
        verdict.person_id,
        verdict.observation_id,
        verdict.area,
        verdict.check,
        verdict.date,
        verdict.window,
        verdict.state,
        microseconds(verdict.due_at),
        microseconds(verdict.decided_at),
        verdict.evidence,
        verdict.policy_version,
    )


def _alert_row(message: Message, value: bytes) -> Row:
    alert = _read_alert(value)
    return (
        *message[:4],
        alert.alert_id,
        alert.revision,
        alert.rule,
        alert.state,
        alert.severity,
        alert.reason,
        alert.subject,
        alert.person_id or "",
        alert.key,
        alert.area,
        alert.occurrence,
        None if alert.due_at is None else microseconds(alert.due_at),
        microseconds(alert.raised_at),
        microseconds(alert.updated_at),
        alert.evidence,
        alert.policy_version,
        bytes(alert.detail).decode(),
    )


def _dead_letter_row(message: Message, value: bytes) -> Row:
    letter = _read_dead_letter(value)
    return (
        *message[:4],
        letter.reason,
        letter.path,
        letter.message,
        letter.topic,
        letter.partition,
        letter.offset,
        letter.raw,
    )


_READERS: Mapping[str, tuple[Table, Callable[[Message, bytes], Row]]] = {
    "timeline": (TIMELINE, _timeline_row),
    "checks": (CHECKS, _check_row),
    "alerts": (ALERTS, _alert_row),
    "dead-letters": (DEAD_LETTERS, _dead_letter_row),
}


def read_row(topic: str, message: Message) -> tuple[Table, Row]:
    """Read a message into the table it belongs to and its row; an unreadable one into `quarantine`.

    `topic` is the name in the catalogue, without the prefix that `message.topic` may have.
    """
    table, reader = _READERS[topic]
    if message.value is None:
        return QUARANTINE, _quarantined(message, "empty", "expected a record, came a tombstone")
    try:
        return table, reader(message, message.value)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return QUARANTINE, _quarantined(message, "not_readable", f"expected a record of {topic} as JSON")


def _quarantined(message: Message, reason: str, explanation: str) -> Row:
    return (*message[:4], reason, explanation, b64encode(message.value or b"").decode())
