"""Visits, readings and scans: which checks they satisfy, and what the rules make of them (contract sections 4 and 5)."""

from events.records import CheckpointScanned, Reading, TemperatureTaken, VisitRecorded
from events.vocabulary import VisitOutcome
from streams.core import checks
from streams.core.layout import Slot, SlotKey
from streams.core.ledger import CheckEvent
from streams.core.observation import Observation
from streams.core.outcome import Step
from streams.core.person import Person, WaitingRecord
from streams.core.rules import breach, fever, health_code, implausible_reading


def measured(record: Reading) -> float | None:
    """Return the temperature of a record in degrees Celsius, or None where none was measured (null and 0)."""
    return record.temperature_c or None


def take(step: Step, person: Person, record: Reading) -> None:
    """Apply a record to the checks of the person's observations, then to the rules about readings and scans."""
    policy = step.policy
    temperature_c = measured(record)
    waiting = _as_waiting(step, record, temperature_c)
    for observation in person.observations:
        for position in observation.ledger.layout.around(record.occurred_at):
            if satisfies(waiting, observation.ledger.layout.slots[position]):
                checks.change(step, person, observation, position, CheckEvent.SATISFIED)
    if temperature_c is not None:
        if policy.fever.is_plausible(temperature_c):
            fever.read(step, person, record, temperature_c)
        else:
            implausible_reading.read(step, person, record, temperature_c)
    if isinstance(record, CheckpointScanned):
        breach.scan(step, person, record)
        health_code.scan(step, person, record)
    elif person.open_observation is None:
        person.wait(waiting, policy)


def _as_waiting(step: Step, record: Reading, temperature_c: float | None) -> WaitingRecord:
    return WaitingRecord(
        event_id=record.event_id,
        kind=record.kind,
        occurred_at=record.occurred_at,
        was_seen=not isinstance(record, VisitRecorded) or record.outcome is VisitOutcome.SEEN,
        temperature_c=temperature_c,
        arrived_at=step.now,
    )


def satisfies(record: WaitingRecord, slot: Slot) -> bool:
    """Tell whether a record made in time is what a check asks for.

    A visit must have met the person; a check that a reading satisfies too is satisfied by a visit only with a plausible
    temperature, and a scan satisfies nothing without one. Plausible is what the policy of the window says.
    """
    if record.kind not in slot.satisfied_by or not record.was_seen:
        return False
    needs_reading = record.kind == CheckpointScanned.kind or TemperatureTaken.kind in slot.satisfied_by
    return not needs_reading or (
        record.temperature_c is not None and slot.policy.fever.is_plausible(record.temperature_c)
    )


def apply_waiting(step: Step, person: Person, observation: Observation, brought: set[SlotKey]) -> None:
    """Apply what came before its opening to the checks that the opening brings, in log order."""
    if not brought:
        return
    ledger = observation.ledger
    for record in person.waiting:
        if step.clock is not None and step.clock >= record.arrived_at + step.policy.early:
            continue
        for position in ledger.layout.around(record.occurred_at):
            slot = ledger.layout.slots[position]
            if slot.key in brought and satisfies(record, slot):
                checks.change(step, person, observation, position, CheckEvent.SATISFIED, (record.event_id,))
