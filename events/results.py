"""What comes out: verdicts, alerts, states of sources (contract 4 and 5), who may send (8), and how they are written."""

import json
from datetime import date, datetime
from hashlib import sha256
from typing import Any

import msgspec

from events.instants import format_instant
from events.vocabulary import AccessAction, AlertReason, AlertState, CheckState, RuleName, Severity


def check_id(person_id: str, check: str, day: date, window: str) -> str:
    """Return the identity of an expected check: 32 hex digits, the same for ever."""
    return _digest(f"check|{person_id}|{check}|{day.isoformat()}|{window}")


def alert_id(rule: RuleName, subject: str, occurrence: str) -> str:
    """Return the identity of an alert: the same cause is the same alert, however often it is computed."""
    return _digest(f"{rule}|{subject}|{occurrence}")


def _digest(text: str) -> str:
    return sha256(text.encode()).hexdigest()[:32]


class Verdict(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """The state in which an expected check ended; a higher `revision` replaces a lower one.

    `due_at` is the window's end plus grace, `decided_at` the clock at the decision, `policy_version` that of the window.
    """

    check_id: str
    revision: int
    person_id: str
    observation_id: str
    area: str
    check: str
    date: date
    window: str
    state: CheckState
    due_at: datetime
    decided_at: datetime
    evidence: tuple[str, ...]
    policy_version: str


class Alert(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """One revision of an alert; a higher `revision` replaces a lower one.

    `area` and `due_at` are those of revision 1, `raised_at` the clock at revision 1, `updated_at` at this one;
    `evidence` holds event ids so far in log order; `detail` is an object of the rule's own.
    """

    alert_id: str
    revision: int
    rule: RuleName
    state: AlertState
    severity: Severity
    reason: AlertReason
    subject: str
    person_id: str | None
    key: str
    area: str
    occurrence: str
    due_at: datetime | None
    raised_at: datetime
    updated_at: datetime
    evidence: tuple[str, ...]
    policy_version: str
    detail: dict[str, Any] = {}


class AccessRecord(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """Who was given, denied or taken away what: never a secret, a reading, or somebody under observation.

    `source_id` is null where a request named none, `key_id` where no single key is meant; `detail` is an object of the
    action's own, of words and counts.
    """

    at: datetime
    actor_id: str
    action: AccessAction
    source_id: str | None
    key_id: str | None = None
    detail: dict[str, Any] = {}


class Hole(msgspec.Struct, frozen=True):
    """Consecutive numbers of a source that have not come."""

    first: int
    last: int


class SourceState(msgspec.Struct, frozen=True, kw_only=True):
    """What is known of one source; a later state replaces an earlier one.

    `holes` are the first 50, `missing` counts the numbers of all. `clock_offset_ms` is the least time from what the source
    says to receipt: below 0 its clock is ahead; null where that is not known. `interval_seconds` is 0 where no silence is
    noticed. `updated_at` is the clock.
    """

    source_id: str
    is_active: bool
    areas: tuple[str, ...]
    interval_seconds: int
    heard_until: datetime | None
    is_silent: bool
    last_sequence: int | None
    missing: int
    holes: tuple[Hole, ...]
    clock_offset_ms: int | None
    updated_at: datetime


_encode = msgspec.json.Encoder().encode
_decode_source_state = msgspec.json.Decoder(SourceState).decode


def encode_verdict(verdict: Verdict) -> bytes:
    """Write a verdict as one line of JSON, keys in the order of the contract."""
    return _encode(verdict)


def encode_alert(alert: Alert) -> bytes:
    """Write an alert as one line of JSON, keys in the order of the contract."""
    if alert.rule is RuleName.IMPLAUSIBLE_READING:
        # Its reading may be any number, and there are two ways to write 1e16.
        return encode_json({name: json_value(value) for name, value in msgspec.structs.asdict(alert).items()})
    return _encode(alert)


def encode_access_record(record: AccessRecord) -> bytes:
    """Write an access record as one line of JSON, keys in the order of the contract."""
    return _encode(record)


def encode_source_state(state: SourceState) -> bytes:
    """Write the state of a source as one line of JSON, keys in the order of the contract."""
    return _encode(state)


def decode_source_state(line: bytes) -> SourceState:
    """Read the state of a source as it was written; raises msgspec.DecodeError for what is none."""
    return _decode_source_state(line)


def json_value(value: Any) -> Any:
    """Return a field's value as JSON knows it: instants in UTC with `Z`, days as `YYYY-MM-DD`."""
    if isinstance(value, datetime):
        return format_instant(value)
    if isinstance(value, date):
        return value.isoformat()
    return value


def encode_json(document: dict[str, Any]) -> bytes:
    """Write JSON as every output of gridwatch is written: order kept, no spaces, UTF-8, no NaN."""
    return json.dumps(document, ensure_ascii=False, separators=(",", ":"), allow_nan=False).encode()
