"""released_early: somebody was released before the last window of the last day had ended (warning)."""

from datetime import datetime

from events.records import ObservationClosed
from events.vocabulary import ClosingOutcome, RuleName, Severity
from streams.core.alerting import person_subject, raise_alert
from streams.core.observation import Observation
from streams.core.outcome import Step
from streams.core.person import Person


def _last_end(step: Step, observation: Observation) -> datetime:
    """Return when the last window of any check of the last day ends.

    A window that the ledger holds counts as it was laid out, one that it does not hold as the current policy has it.
    """
    held = {slot.key: slot for slot in observation.ledger.layout.slots if slot.date == observation.last_day}
    laid_out = {slot.key: slot for slot in step.book.day(step.policy, observation.last_day)}
    return max(slot.end for slot in {**laid_out, **held}.values())


def open_for(step: Step, person: Person, observation: Observation, closing: ObservationClosed) -> None:
    """Raise the alert when a release comes too early; called before the closing changes the ledger."""
    if closing.outcome is not ClosingOutcome.RELEASED or closing.occurred_at >= _last_end(step, observation):
        return
    raise_alert(
        step,
        person,
        rule=RuleName.RELEASED_EARLY,
        subject=person_subject(person),
        occurrence=observation.name,
        severity=Severity.WARNING,
        area=observation.area,
        detail={"observation_id": observation.name, "last_day": observation.last_day.isoformat()},
    )
