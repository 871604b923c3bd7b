"""missed_check: an expected check was not made (warning).

Resolved by a late record, by a waiver, by the closing of its observation. A miss judged after the closing opens nothing.

Most of these alerts stay as they were raised for days, and all that one says stands in the ledger: until something befalls
it, it is held as a fresh miss of the ledger, and made whole again when it is asked for.
"""

from datetime import datetime

from events.results import Alert, alert_id
from events.vocabulary import AlertReason, AlertState, CheckState, RuleName, Severity
from streams.core.alerting import person_subject, resolve
from streams.core.layout import Slot
from streams.core.observation import Observation
from streams.core.outcome import Step
from streams.core.person import Person


def open_for(step: Step, person: Person, observation: Observation, position: int) -> None:
    """Raise the alert of a check that was just judged missed."""
    if not observation.is_open:
        return
    ledger = observation.ledger
    assert position not in ledger.fresh_misses, "the same cause is the same alert"
    assert not step.event_ids, "a miss is decided by the clock"
    ledger.fresh_misses[position] = step.now
    step.add_alert(_as_raised(person, observation, ledger.layout.slots[position], step.now))


def _as_raised(person: Person, observation: Observation, slot: Slot, raised_at: datetime) -> Alert:
    subject = person_subject(person)
    return Alert(
        alert_id=alert_id(RuleName.MISSED_CHECK, subject, slot.occurrence),
        revision=1,
        rule=RuleName.MISSED_CHECK,
        state=AlertState.OPEN,
        severity=Severity.WARNING,
        reason=AlertReason.OPENED,
        subject=subject,
        person_id=person.person_id,
        key=person.person_id,
        area=observation.area,
        occurrence=slot.occurrence,
        due_at=slot.due_at,
        raised_at=raised_at,
        updated_at=raised_at,
        evidence=(),
        policy_version=slot.policy.policy_version,
        detail={
            "observation_id": observation.name,
            "check": slot.check,
            "date": slot.date.isoformat(),
            "window": slot.window,
        },
    )


def make_whole(step: Step, person: Person, observation: Observation, identity: str | None = None) -> None:
    """Hold the alerts of all fresh misses whole, before anything that they say changes; or only the one of an id."""
    for position in sorted(observation.ledger.fresh_misses):
        if identity is None or identity == _identity(person, observation, position):
            _make_one_whole(step, person, observation, position)


def _identity(person: Person, observation: Observation, position: int) -> str:
    occurrence = observation.ledger.layout.slots[position].occurrence
    return alert_id(RuleName.MISSED_CHECK, person_subject(person), occurrence)


def _make_one_whole(step: Step, person: Person, observation: Observation, position: int) -> None:
    ledger = observation.ledger
    raised_at = ledger.fresh_misses.pop(position, None)
    if raised_at is not None:
        person.keep(_as_raised(person, observation, ledger.layout.slots[position], raised_at), step.policy)


def settle(step: Step, person: Person, observation: Observation, position: int, reason: AlertReason) -> None:
    """Resolve the alert of a check that is missed no more."""
    _make_one_whole(step, person, observation, position)
    resolve(step, person, _identity(person, observation, position), reason)


def close(step: Step, person: Person, observation: Observation) -> None:
    """Resolve the alerts of every missed check of an observation that closes."""
    for position in observation.ledger.positions(CheckState.MISSED):
        settle(step, person, observation, position, AlertReason.OBSERVATION_CLOSED)
