"""Verdicts: an expected check changes its state, and the rules about checks follow (contract section 4)."""

from events.results import Verdict, check_id
from events.vocabulary import AlertReason, CheckState
from streams.core.ledger import PENDING_MARK, CheckEvent
from streams.core.observation import Observation
from streams.core.outcome import Step
from streams.core.person import Person
from streams.core.rules import contact_lost, missed_check

_CHECK_REASON = {CheckState.LATE: AlertReason.LATE_RECORD, CheckState.WAIVED: AlertReason.WAIVED}
_COUNT_REASON = {
    CheckState.DONE: AlertReason.CHECK_DONE,
    CheckState.LATE: AlertReason.CHECK_DONE,
    CheckState.WAIVED: AlertReason.WAIVED,
}


def change(
    step: Step,
    person: Person,
    observation: Observation,
    position: int,
    event: CheckEvent,
    evidence: tuple[str, ...] | None = None,
) -> None:
    """Let an event befall a check: the verdict and what the rules make of it; nothing where the table has no entry.

    No record changes a verdict once the clock has reached its slot's `final_at`; of its deadlines the caller knows.
    `evidence` is the record's id unless given.
    """
    ledger = observation.ledger
    state = ledger.next_state(position, event)
    if state is None:
        return
    if ledger.revision(position) > 0 and event is not CheckEvent.OVERDUE and _is_final(step, observation, position):
        return
    was_missed = ledger.state(position) is CheckState.MISSED
    _judge(step, person, observation, position, state, step.event_ids if evidence is None else evidence)
    slot = ledger.layout.slots[position]
    if state is CheckState.MISSED:
        missed_check.open_for(step, person, observation, position)
        contact_lost.open_for(step, person, observation, position)
        return
    if state is CheckState.UNKNOWN:
        return
    if was_missed:
        missed_check.settle(step, person, observation, position, _CHECK_REASON[state])
    contact_lost.settle(step, person, observation, slot, _COUNT_REASON[state], evidence)


def _is_final(step: Step, observation: Observation, position: int) -> bool:
    return step.clock is not None and step.clock >= observation.ledger.layout.slots[position].final_at


def _judge(
    step: Step, person: Person, observation: Observation, position: int, state: CheckState, evidence: tuple[str, ...]
) -> None:
    slot = observation.ledger.layout.slots[position]
    step.add_verdict(
        Verdict(
            check_id=check_id(person.person_id, slot.check, slot.date, slot.window),
            revision=observation.ledger.judge(position, state),
            person_id=person.person_id,
            observation_id=observation.name,
            area=observation.area,
            check=slot.check,
            date=slot.date,
            window=slot.window,
            state=state,
            due_at=slot.due_at,
            decided_at=step.now,
            evidence=evidence,
            policy_version=slot.policy.policy_version,
        )
    )


def close_ledger(step: Step, person: Person, observation: Observation) -> None:
    """Bring a closing over the ledger.

    Checks that end at or before it are judged as if it had not come. Of the others it takes away the pending ones that
    start at or after it and that the clock has not begun, and waives the rest.
    """
    closed_at, closed_by = observation.closed_at, observation.closed_by
    assert closed_at is not None, "only a closed observation is brought to its end"
    assert closed_by is not None, "a closing is a record"
    ledger = observation.ledger
    kept = [
        (slot, mark)
        for slot, mark in ledger.entries()
        if mark != PENDING_MARK or slot.start < closed_at or slot.has_begun(step.clock)
    ]
    if len(kept) < len(ledger.layout.slots):
        ledger.replace(step.timetable, kept)
    for position, slot in enumerate(ledger.layout.slots):
        if slot.end > closed_at:
            change(step, person, observation, position, CheckEvent.EXCUSED, (closed_by,))
