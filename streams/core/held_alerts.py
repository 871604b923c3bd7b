"""Alerts that can still change, as they are held of a person: packed, and without what follows from the person and the rule.

Most deadlines and records that touch a person leave the alerts alone, so each is unpacked only when it is asked for.
"""

from datetime import datetime
from typing import Any

import msgspec

from events.results import Alert
from events.vocabulary import AlertReason, AlertState, RuleName, Severity

_RULES, _STATES, _SEVERITIES, _REASONS = tuple(RuleName), tuple(AlertState), tuple(Severity), tuple(AlertReason)
# What each rule says of an alert, in its order.
_DETAIL: dict[RuleName, tuple[str, ...]] = {
    RuleName.MISSED_CHECK: ("observation_id", "check", "date", "window"),
    RuleName.CONTACT_LOST: ("observation_id", "check", "missed"),
    RuleName.FEVER: ("observation_id", "site", "temperature_c", "taken_at"),
    RuleName.OBSERVATION_OVERDUE: ("observation_id", "last_day"),
    RuleName.RELEASED_EARLY: ("observation_id", "last_day"),
    RuleName.BREACH: ("observation_id", "checkpoint_id", "direction", "decision"),
    RuleName.HEALTH_CODE: ("code", "checkpoint_id"),
    RuleName.IMPLAUSIBLE_READING: ("source_id", "site", "temperature_c"),
}


class _Held(msgspec.Struct, frozen=True, array_like=True):
    """Words by their place in the vocabulary; no subject where it is the person, no detail names."""

    revision: int
    rule: int
    state: int
    severity: int
    reason: int
    subject: str | None
    area: str
    occurrence: str
    due_at: datetime | None
    raised_at: datetime
    updated_at: datetime
    evidence: tuple[str, ...]
    policy_version: str
    detail: tuple[Any, ...]


_encode = msgspec.msgpack.Encoder().encode
_decode = msgspec.msgpack.Decoder(_Held).decode


def pack_alert(alert: Alert) -> bytes:
    """Pack an alert that lives under the key of a person."""
    assert alert.key == alert.person_id
    assert tuple(alert.detail) == _DETAIL[alert.rule], "every alert of a rule says the same things"
    return _encode(
        _Held(
            revision=alert.revision,
            rule=_RULES.index(alert.rule),
            state=_STATES.index(alert.state),
            severity=_SEVERITIES.index(alert.severity),
            reason=_REASONS.index(alert.reason),
            subject=None if alert.subject == f"person:{alert.key}" else alert.subject,
            area=alert.area,
            occurrence=alert.occurrence,
            due_at=alert.due_at,
            raised_at=alert.raised_at,
            updated_at=alert.updated_at,
            evidence=alert.evidence,
            policy_version=alert.policy_version,
            detail=tuple(alert.detail.values()),
        )
    )


def unpack_alert(packed: bytes, identity: str, person_id: str) -> Alert:
    """Return a packed alert of a person under its id."""
    held = _decode(packed)
    rule = _RULES[held.rule]
    return Alert(
        alert_id=identity,
        revision=held.revision,
        rule=rule,
        state=_STATES[held.state],
        severity=_SEVERITIES[held.severity],
        reason=_REASONS[held.reason],
        subject=held.subject or f"person:{person_id}",
        person_id=person_id,
        key=person_id,
        area=held.area,
        occurrence=held.occurrence,
        due_at=held.due_at,
        raised_at=held.raised_at,
        updated_at=held.updated_at,
        evidence=held.evidence,
        policy_version=held.policy_version,
        detail=dict(zip(_DETAIL[rule], held.detail, strict=True)),
    )
