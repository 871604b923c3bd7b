"""Alerts about a source: raised once, revised upwards, held with what is known of it until they are resolved."""

from datetime import datetime
from typing import Any

from msgspec.structs import replace

from events.records import source_key
from events.results import Alert, alert_id
from events.vocabulary import AlertReason, AlertState, RuleName, Severity
from streams.core.outcome import Step
from streams.core.sources import Source


def raised(
    step: Step,
    source: Source,
    rule: RuleName,
    occurrence: str,
    detail: dict[str, Any],
    due_at: datetime | None = None,
) -> Alert:
    """Return a new alert about a source, after adding it to what the step brings."""
    key = source_key(source.source_id)
    alert = Alert(
        alert_id=alert_id(rule, key, occurrence),
        revision=1,
        rule=rule,
        state=AlertState.OPEN,
        severity=Severity.WARNING,
        reason=AlertReason.OPENED,
        subject=key,
        person_id=None,
        key=key,
        area=source.area,
        occurrence=occurrence,
        due_at=due_at,
        raised_at=step.now,
        updated_at=step.now,
        evidence=step.event_ids,
        policy_version=step.policy.policy_version,
        detail=detail | {"areas": list(source.areas)},
    )
    step.add_alert(alert)
    return alert


def revised(step: Step, source: Source, alert: Alert, state: AlertState, reason: AlertReason) -> Alert | None:
    """Return the next revision of an open alert, None once it is resolved."""
    revision = replace(
        alert,
        revision=alert.revision + 1,
        state=state,
        reason=reason,
        updated_at=step.now,
        evidence=alert.evidence + step.event_ids,
        policy_version=step.policy.policy_version,
    )
    step.add_alert(revision)
    if state is AlertState.RESOLVED:
        source.remember_resolved(alert.alert_id, step.now)
        return None
    return revision
