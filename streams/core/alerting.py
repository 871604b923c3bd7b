"""The life of an alert: raised once, revised upwards, and never changed after it is resolved (contract section 5)."""

from datetime import datetime
from typing import Any

from msgspec.structs import replace

from events.results import Alert, alert_id
from events.vocabulary import SEVERITY_ORDER, AlertReason, AlertState, RuleName, Severity
from streams.core.outcome import Step
from streams.core.person import Person

# These rules judge a window and carry the version of its policy for ever; the others carry the one that holds.
_BOUND_TO_WINDOW = frozenset({RuleName.MISSED_CHECK, RuleName.CONTACT_LOST})


def person_subject(person: Person) -> str:
    """Return the subject of an alert about a person."""
    return f"person:{person.person_id}"


def area_of(person: Person, record_area: str) -> str:
    """Return the area of the person's observation, else that of the record."""
    observed = person.open_observation
    return record_area if observed is None else observed.area


def raise_alert(
    step: Step,
    person: Person,
    *,
    rule: RuleName,
    subject: str,
    occurrence: str,
    severity: Severity,
    area: str,
    detail: dict[str, Any],
    reason: AlertReason = AlertReason.OPENED,
    due_at: datetime | None = None,
    policy_version: str | None = None,
) -> Alert:
    """Raise a new alert as revision 1 and return it; it lives under the person's key."""
    identity = alert_id(rule, subject, occurrence)
    assert not person.had_alert(identity), "the same cause is the same alert"
    alert = Alert(
        alert_id=identity,
        revision=1,
        rule=rule,
        state=AlertState.OPEN,
        severity=severity,
        reason=reason,
        subject=subject,
        person_id=person.person_id,
        key=person.person_id,
        area=area,
        occurrence=occurrence,
        due_at=due_at,
        raised_at=step.now,
        updated_at=step.now,
        evidence=step.event_ids,
        policy_version=policy_version or step.policy.policy_version,
        detail=detail,
    )
    person.keep(alert, step.policy)
    step.add_alert(alert)
    return alert


def revise(
    step: Step,
    person: Person,
    identity: str,
    *,
    reason: AlertReason,
    state: AlertState | None = None,
    severity: Severity | None = None,
    evidence: tuple[str, ...] | None = None,
) -> None:
    """Give an alert its next revision; one that does not exist or is resolved stays as it is.

    Without `evidence` the record's id is added to it. An acknowledged alert whose severity rises is open again.
    """
    alert = person.alert(identity)
    if alert is None:
        return
    severity = severity or alert.severity
    state = state or alert.state
    if state is AlertState.ACKNOWLEDGED and SEVERITY_ORDER[severity] > SEVERITY_ORDER[alert.severity]:
        state = AlertState.OPEN
    is_bound = alert.rule in _BOUND_TO_WINDOW
    revised = replace(
        alert,
        revision=alert.revision + 1,
        state=state,
        severity=severity,
        reason=reason,
        updated_at=step.now,
        evidence=alert.evidence + step.event_ids if evidence is None else evidence,
        policy_version=alert.policy_version if is_bound else step.policy.policy_version,
    )
    person.keep(revised, step.policy)
    step.add_alert(revised)


def resolve(step: Step, person: Person, identity: str, reason: AlertReason) -> None:
    """Resolve an alert for a reason; one that does not exist or is resolved stays as it is."""
    revise(step, person, identity, reason=reason, state=AlertState.RESOLVED)
