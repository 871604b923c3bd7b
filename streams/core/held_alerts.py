"""Alerts that can still change, as they are held of a person: packed, and without what follows from the person and the rule.

Most deadlines and records that touch a person leave the alerts alone, so each is unpacked only when it is asked for.
Area and observation are most often those of one of the person's observations, and then only its place is written:
an alert has to be packed anew before the area of an observation changes.
"""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

import msgspec

from events.results import Alert
from events.vocabulary import AlertReason, AlertState, RuleName, Severity
from streams.core.observation import Observation

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


_NAMES_OBSERVATION = {rule: names[0] == "observation_id" for rule, names in _DETAIL.items()}


class _Held(msgspec.Struct, frozen=True, array_like=True):
    """Words by their place in the vocabulary; no subject where it is the person, no detail names.

    `area`, and the first detail where it is an observation, is the place of the observation whose it is; `updated_at` is
    left out of a first revision, and so is what the occurrence of a missed check says.
    """

    revision: int
    rule: int
    state: int
    severity: int
    reason: int
    subject: str | None
    area: int | str
    occurrence: str
    due_at: datetime | None
    raised_at: datetime
    updated_at: datetime | None
    evidence: tuple[str, ...]
    policy_version: str
    detail: tuple[Any, ...]


_encode = msgspec.msgpack.Encoder().encode
_decode = msgspec.msgpack.Decoder(_Held).decode


def pack_alert(alert: Alert, observations: Sequence[Observation]) -> bytes:
    """Pack an alert that lives under the key of a person with these observations."""
    assert alert.key == alert.person_id
    assert tuple(alert.detail) == _DETAIL[alert.rule], "every alert of a rule says the same things"
    detail = tuple(alert.detail.values())
    if alert.rule is RuleName.MISSED_CHECK and list(detail[1:]) == alert.occurrence.split("/"):
        detail = detail[:1]
    if _NAMES_OBSERVATION[alert.rule]:
        detail = (_place(detail[0], [held.name for held in observations]), *detail[1:])
    return _encode(
        _Held(
            revision=alert.revision,
            rule=_RULES.index(alert.rule),
            state=_STATES.index(alert.state),
            severity=_SEVERITIES.index(alert.severity),
            reason=_REASONS.index(alert.reason),
            subject=None if alert.subject == f"person:{alert.key}" else alert.subject,
            area=_place(alert.area, [held.area for held in observations]),
            occurrence=alert.occurrence,
            due_at=alert.due_at,
            raised_at=alert.raised_at,
            updated_at=None if alert.updated_at == alert.raised_at else alert.updated_at,
            evidence=alert.evidence,
            policy_version=alert.policy_version,
            detail=detail,
        )
    )


def _place(word: str, words: list[str]) -> int | str:
    return words.index(word) if word in words else word


def unpack_alert(packed: bytes, identity: str, person_id: str, observations: Sequence[Observation]) -> Alert:
    """Return a packed alert of a person with these observations under its id."""
    held = _decode(packed)
    rule = _RULES[held.rule]
    detail = held.detail
    if _NAMES_OBSERVATION[rule] and isinstance(detail[0], int):
        detail = (observations[detail[0]].name, *detail[1:])
    if rule is RuleName.MISSED_CHECK and len(detail) == 1:
        detail = (*detail, *held.occurrence.split("/"))
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
        area=observations[held.area].area if isinstance(held.area, int) else held.area,
        occurrence=held.occurrence,
        due_at=held.due_at,
        raised_at=held.raised_at,
        updated_at=held.updated_at or held.raised_at,
        evidence=held.evidence,
        policy_version=held.policy_version,
        detail=dict(zip(_DETAIL[rule], detail, strict=True)),
    )
