"""breach: a person who must stay is met at a checkpoint (critical).

Counted per observation and local date of the scan: while the alert with the highest number is open a further scan adds
nothing, after it was resolved the next one opens a new number. A scan may arrive long after it was made.
"""

from events.records import CheckpointScanned
from events.results import alert_id
from events.vocabulary import AlertReason, RuleName, Severity
from streams.core.alerting import person_subject, raise_alert, resolve
from streams.core.calendar import day_number, local_day, numbered_day
from streams.core.observation import BreachCount, Observation
from streams.core.outcome import Step
from streams.core.person import Person


def _occurrence(observation: Observation, day: int, number: int) -> str:
    return f"{observation.name}/{numbered_day(day).isoformat()}/{number}"


def scan(step: Step, person: Person, record: CheckpointScanned) -> None:
    """Look at a scan under the observation that it falls into; of several, the one opened last."""
    categories = step.policy.observation.breach_categories
    for observation in reversed(person.observations):
        if observation.category in categories and observation.covers(record.occurred_at):
            _count(step, person, observation, record)
            return


def _count(step: Step, person: Person, observation: Observation, record: CheckpointScanned) -> None:
    day = day_number(local_day(record.occurred_at, step.policy.zone))
    count = observation.breaches.get(day)
    if count is not None and person.is_open_alert(_identity(person, observation, day, count.number)):
        count.earliest_at = min(count.earliest_at, record.occurred_at)
        return
    number = 1 if count is None else count.number + 1
    observation.breaches[day] = BreachCount(number, record.occurred_at)
    raise_alert(
        step,
        person,
        rule=RuleName.BREACH,
        subject=person_subject(person),
        occurrence=_occurrence(observation, day, number),
        severity=Severity.CRITICAL,
        area=observation.area,
        detail={
            "observation_id": observation.name,
            "checkpoint_id": record.checkpoint_id,
            "direction": record.direction.value,
            "decision": record.decision.value,
        },
    )


def _identity(person: Person, observation: Observation, day: int, number: int) -> str:
    return alert_id(RuleName.BREACH, person_subject(person), _occurrence(observation, day, number))


def close(step: Step, person: Person, observation: Observation) -> None:
    """Resolve the alerts whose scans, added or not, were all made at or after a closing that arrives late."""
    assert observation.closed_at is not None
    for day, count in sorted(observation.breaches.items()):
        if count.earliest_at >= observation.closed_at:
            identity = _identity(person, observation, day, count.number)
            resolve(step, person, identity, AlertReason.OBSERVATION_CLOSED)
