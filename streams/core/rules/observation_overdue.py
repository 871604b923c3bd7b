"""observation_overdue: the last day has passed and nobody closed the observation (warning).

Due at the local midnight after the last day plus the observation's grace. Each last day is judged once.
"""

from datetime import datetime

from events.results import alert_id
from events.vocabulary import AlertReason, RuleName, Severity
from streams.core.alerting import person_subject, raise_alert, resolve
from streams.core.calendar import numbered_day
from streams.core.observation import Observation
from streams.core.outcome import Step
from streams.core.person import Person


def _occurrence(observation: Observation, last_day: int) -> str:
    return f"{observation.name}/{numbered_day(last_day).isoformat()}"


def fall_due(step: Step, person: Person, observation: Observation, due_at: datetime) -> None:
    """Raise the alert of the current last day."""
    last_day = observation.last_day_number
    observation.overdue_days.append(last_day)
    raise_alert(
        step,
        person,
        rule=RuleName.OBSERVATION_OVERDUE,
        subject=person_subject(person),
        occurrence=_occurrence(observation, last_day),
        severity=Severity.WARNING,
        area=observation.area,
        due_at=due_at,
        detail={"observation_id": observation.name, "last_day": observation.last_day.isoformat()},
    )


def settle(
    step: Step, person: Person, observation: Observation, reason: AlertReason, moved_to: int | None = None
) -> None:
    """Resolve the alerts of this observation: all at a closing, at an extension those of a day that is the last no more."""
    for last_day in observation.overdue_days:
        if last_day != moved_to:
            occurrence = _occurrence(observation, last_day)
            resolve(step, person, alert_id(RuleName.OBSERVATION_OVERDUE, person_subject(person), occurrence), reason)
