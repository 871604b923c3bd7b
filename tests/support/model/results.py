"""Verdict and alert revisions as records, with the order in which a step writes them."""

import hashlib
from datetime import UTC, datetime
from typing import Any

from tests.support.model.instants import show
from tests.support.model.world import Alert, Check, World

_FIRST = datetime.min.replace(tzinfo=UTC)
_OF_NOBODY = ("way_broken", "source_silent", "sequence_gap")


def digest(text: str) -> str:
    """Take the first 32 hex digits of SHA-256."""
    return hashlib.sha256(text.encode()).hexdigest()[:32]


def alert_id(rule: str, subject: str, occurrence: str) -> str:
    """Identify an alert by its cause."""
    return digest(f"{rule}|{subject}|{occurrence}")


def decide(
    world: World,
    check: Check,
    state: str,
    event_id: str | None = None,
    *,
    instant: datetime | None = None,
    evidence: list[str] | None = None,
) -> None:
    """Write the next revision of a check; `instant` is what the clock had to reach, None for a record."""
    if check.state == "unknown" or evidence is not None:
        check.evidence = list(evidence or [])
    check.state = state
    check.revision += 1
    if event_id is not None:
        check.evidence.append(event_id)
    window = check.window
    row = {
        "check_id": digest(f"check|{check.person}|{window.check}|{window.date.isoformat()}|{window.name}"),
        "revision": check.revision,
        "person_id": check.person,
        "observation_id": check.observation.ids[0],
        "area": check.observation.area,
        "check": window.check,
        "date": window.date.isoformat(),
        "window": window.name,
        "state": state,
        "due_at": show(window.due_at),
        "decided_at": show(world.now),
        "evidence": list(check.evidence),
        "policy_version": window.policy["policy_version"],
    }
    order = (instant or _FIRST, check.person, window.check, row["date"], window.name, check.revision)
    world.verdict_rows.append((order, row))


def find_alert(world: World, rule: str, subject: str, occurrence: str) -> Alert | None:
    """Find the alert of a cause, resolved or not."""
    for alert in world.alerts:
        if (alert.rule, alert.subject, alert.occurrence) == (rule, subject, occurrence):
            return alert
    return None


def raise_alert(
    world: World,
    *,
    rule: str,
    subject: str,
    occurrence: str,
    person: str,
    area: str,
    severity: str,
    due_at: datetime | None = None,
    about: Any = None,
    reason: str = "opened",
    event_id: str | None = None,
    instant: datetime | None = None,
) -> Alert:
    """Write revision 1 of an alert; the caller has made sure that its cause is new."""
    assert find_alert(world, rule, subject, occurrence) is None
    assert world.now is not None
    alert = Alert(rule, subject, occurrence, person, area, severity, due_at, world.now, about)
    world.alerts.append(alert)
    change_alert(world, alert, reason=reason, event_id=event_id, instant=instant)
    return alert


def change_alert(
    world: World,
    alert: Alert,
    *,
    reason: str,
    state: str | None = None,
    severity: str | None = None,
    event_id: str | None = None,
    position: int | None = None,
    instant: datetime | None = None,
) -> None:
    """Write the next revision of an unresolved alert; `position` is that of the evidence, by default this record's."""
    assert alert.is_open
    if severity is not None and severity != alert.severity:
        alert.severity = severity  # the only change there is: from warning to critical
        alert.state = "open"
    if state is not None:
        alert.state = state
    if event_id is not None:
        alert.evidence.append((world.position if position is None else position, event_id))
    alert.revision += 1
    order = (instant or _FIRST, alert.rule, alert.subject, alert.occurrence, alert.revision)
    world.alert_rows.append((order, _alert_row(world, alert, reason)))


def _alert_row(world: World, alert: Alert, reason: str) -> dict[str, Any]:
    is_about_check = alert.rule in ("missed_check", "contact_lost")
    policy = alert.about.window.policy if is_about_check else world.policy
    return {
        "alert_id": alert_id(alert.rule, alert.subject, alert.occurrence),
        "revision": alert.revision,
        "rule": alert.rule,
        "state": alert.state,
        "severity": alert.severity,
        "reason": reason,
        "subject": alert.subject,
        "person_id": None if alert.rule in _OF_NOBODY else alert.person,
        "key": alert.person,
        "area": alert.area,
        "occurrence": alert.occurrence,
        "due_at": show(alert.due_at),
        "raised_at": show(alert.raised_at),
        "updated_at": show(world.now),
        "evidence": [event_id for _, event_id in sorted(alert.evidence)],
        "policy_version": policy["policy_version"],
        "detail": {},
    }
