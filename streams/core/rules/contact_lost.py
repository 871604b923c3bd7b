"""contact_lost: one check was missed several times in a row (critical).

Counted per check of an observation: from the decided check with the latest due time backwards, waived and unknown ones
passed over, missed ones counted until the first done or late one.
"""

from events.vocabulary import AlertReason, AlertState, CheckState, RuleName, Severity
from streams.core.alerting import person_subject, raise_alert, resolve, revise
from streams.core.layout import Slot
from streams.core.ledger import PENDING_MARK
from streams.core.observation import LostContact, Observation
from streams.core.outcome import Step
from streams.core.person import Person

_FOUND = (CheckState.DONE, CheckState.LATE)


def missed_in_a_row(observation: Observation, check: str) -> list[int]:
    """Return the positions of the misses that count now, latest due first."""
    ledger = observation.ledger
    marks = ledger.marks
    missed: list[int] = []
    for position in ledger.layout.by_check.get(check, ()):
        if marks[position] != PENDING_MARK:
            state = ledger.state(position)
            if state in _FOUND:
                break
            if state is CheckState.MISSED:
                missed.append(position)
    return missed


def open_for(step: Step, person: Person, observation: Observation, position: int) -> None:
    """Raise the alert when the miss at a position brings the count to its policy's `lost_after`, and none is open."""
    slot = observation.ledger.layout.slots[position]
    if not observation.is_open or slot.lost_after == 0 or _is_open(person, observation, slot.check):
        return
    if observation.ledger.missed_count() < slot.lost_after:
        return  # not even all checks together were missed so often
    missed = missed_in_a_row(observation, slot.check)
    if len(missed) < slot.lost_after or position not in missed:
        return
    alert = raise_alert(
        step,
        person,
        rule=RuleName.CONTACT_LOST,
        subject=person_subject(person),
        occurrence=slot.occurrence,
        severity=Severity.CRITICAL,
        area=observation.area,
        due_at=slot.due_at,
        policy_version=slot.policy.policy_version,
        detail={"observation_id": observation.name, "check": slot.check, "missed": len(missed)},
    )
    observation.lost[slot.check] = LostContact(alert.alert_id, slot.lost_after)


def _is_open(person: Person, observation: Observation, check: str) -> bool:
    lost = observation.lost.get(check)
    return lost is not None and person.is_open_alert(lost.alert_id)


def settle(
    step: Step,
    person: Person,
    observation: Observation,
    slot: Slot,
    reason: AlertReason,
    evidence: tuple[str, ...] | None = None,
) -> None:
    """Resolve the open alert of a check when the count has fallen below what it was opened at.

    `evidence` is what did it, where that is not the record itself but one that waited: it came before all that the alert
    has.
    """
    lost = observation.lost.get(slot.check)
    if lost is None or len(missed_in_a_row(observation, slot.check)) >= lost.lost_after:
        return
    alert = person.alert(lost.alert_id)
    if evidence is not None and alert is not None:
        evidence = (*evidence, *alert.evidence)
    revise(step, person, lost.alert_id, reason=reason, state=AlertState.RESOLVED, evidence=evidence)
    del observation.lost[slot.check]


def close(step: Step, person: Person, observation: Observation) -> None:
    """Resolve the open alerts of an observation that closes."""
    for check in sorted(observation.lost):
        resolve(step, person, observation.lost[check].alert_id, AlertReason.OBSERVATION_CLOSED)
    observation.lost.clear()
