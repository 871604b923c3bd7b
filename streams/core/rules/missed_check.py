"""missed_check: an expected check was not made (warning).

Resolved by a late record, by a waiver, by the closing of its observation. A miss judged after the closing opens nothing.
"""

from events.results import alert_id
from events.vocabulary import AlertReason, CheckState, RuleName, Severity
from streams.core.alerting import person_subject, raise_alert, resolve
from streams.core.layout import Slot
from streams.core.observation import Observation
from streams.core.outcome import Step
from streams.core.person import Person


def _identity(person: Person, slot: Slot) -> str:
    return alert_id(RuleName.MISSED_CHECK, person_subject(person), slot.occurrence)


def open_for(step: Step, person: Person, observation: Observation, slot: Slot) -> None:
    """Raise the alert of a check that was just judged missed."""
    if not observation.is_open:
        return
    raise_alert(
        step,
        person,
        rule=RuleName.MISSED_CHECK,
        subject=person_subject(person),
        occurrence=slot.occurrence,
        severity=Severity.WARNING,
        area=observation.area,
        due_at=slot.due_at,
        policy_version=slot.policy.policy_version,
        detail={
            "observation_id": observation.name,
            "check": slot.check,
            "date": slot.date.isoformat(),
            "window": slot.window,
        },
    )


def settle(step: Step, person: Person, slot: Slot, reason: AlertReason) -> None:
    """Resolve the alert of a check that is missed no more."""
    resolve(step, person, _identity(person, slot), reason)


def close(step: Step, person: Person, observation: Observation) -> None:
    """Resolve the alerts of every missed check of an observation that closes."""
    ledger = observation.ledger
    for position in ledger.positions(CheckState.MISSED):
        settle(step, person, ledger.layout.slots[position], AlertReason.OBSERVATION_CLOSED)
