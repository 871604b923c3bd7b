"""released_early: somebody was released before the last window of the last day had ended (warning)."""

from events.records import ObservationClosed
from events.vocabulary import ClosingOutcome, RuleName, Severity
from streams.core.alerting import person_subject, raise_alert
from streams.core.observation import Observation
from streams.core.outcome import Step
from streams.core.person import Person


def _is_early(step: Step, observation: Observation, closing: ObservationClosed) -> bool:
    """Tell whether a window of the last day ends after the closing, whether or not it was promised to this person."""
    return any(slot.end > closing.occurred_at for slot in step.timetable.day(observation.last_day))


def open_for(step: Step, person: Person, observation: Observation, closing: ObservationClosed) -> None:
    """Raise the alert when a release comes too early; called before the closing changes the ledger."""
    if closing.outcome is not ClosingOutcome.RELEASED or not _is_early(step, observation, closing):
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
