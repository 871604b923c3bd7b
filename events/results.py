"""What the core decides: verdicts and alerts (contract sections 4 and 5), and how they are identified and written."""

import hashlib
import json
from dataclasses import dataclass, field, fields
from datetime import date, datetime
from typing import Any

from events.instants import format_instant
from events.vocabulary import AlertReason, AlertState, CheckState, RuleName, Severity


def check_id(person_id: str, check: str, day: date, window: str) -> str:
    """Return the identity of an expected check: 32 hex digits, the same for ever."""
    return _digest(f"check|{person_id}|{check}|{day.isoformat()}|{window}")


def alert_id(rule: RuleName, subject: str, occurrence: str) -> str:
    """Return the identity of an alert: the same cause is the same alert, however often it is computed."""
    return _digest(f"{rule.value}|{subject}|{occurrence}")


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()[:32]


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
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


@dataclass(frozen=True, slots=True, kw_only=True)
class Alert:
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
    detail: dict[str, Any] = field(default_factory=dict)


def encode_verdict(verdict: Verdict) -> bytes:
    """Write a verdict as one line of JSON, keys in the order of the contract."""
    return encode_json(_document(verdict))


def encode_alert(alert: Alert) -> bytes:
    """Write an alert as one line of JSON, keys in the order of the contract."""
    return encode_json(_document(alert))


def _document(result: Verdict | Alert) -> dict[str, Any]:
    return {part.name: json_value(getattr(result, part.name)) for part in fields(result)}


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
