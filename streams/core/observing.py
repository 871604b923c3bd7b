"""Observations open, are extended and close; checks are waived (contract section 4)."""

from typing import NoReturn

from events.codec import Refusal
from events.records import CheckWaived, ObservationClosed, ObservationExtended, ObservationOpened
from events.vocabulary import AlertReason, DeadLetterReason
from streams.core import checks, readings
from streams.core.calendar import day_number
from streams.core.layout import SlotKey
from streams.core.ledger import CheckEvent
from streams.core.observation import Observation, expose
from streams.core.outcome import Step
from streams.core.person import Person
from streams.core.rules import breach, contact_lost, missed_check, observation_overdue, released_early


def open_observation(step: Step, person: Person, record: ObservationOpened) -> None:
    """Open an observation; for a person who has an open one it is an extension that brings a new area and category.

    Refuses the id of a closed observation. What waited for the opening is applied to the checks it brings.
    """
    known = person.find_observation(record.observation_id)
    if known is not None and not known.is_open:
        _refuse(DeadLetterReason.OBSERVATION_IS_CLOSED, "observation_id", "expected an id that was never closed")
    observation = person.open_observation
    if observation is None:
        observation = Observation(
            ids=[record.observation_id],
            area=record.area,
            category=record.category,
            opened_at=record.occurred_at,
            first_reading=person.reading_count,
        )
        person.observations.append(observation)
        brought = _expose(step, person, observation, record)
    else:
        if known is None:
            observation.ids.append(record.observation_id)
        if record.area != observation.area:
            missed_check.make_whole(step, person, observation)  # an alert keeps the area in which it was raised
            person.move(observation, record.area)
        observation.category = record.category
        brought = _move_exposure(step, person, observation, record)
    readings.apply_waiting(step, person, observation, brought)


def extend(step: Step, person: Person, record: ObservationExtended) -> None:
    """Extend an open observation; one that does not exist or is closed is refused."""
    _move_exposure(step, person, _open_by_id(person, record.observation_id), record)


def _move_exposure(
    step: Step, person: Person, observation: Observation, record: ObservationOpened | ObservationExtended
) -> set[SlotKey]:
    """Move the last exposure forward, never back; return the keys of the checks that came."""
    if day_number(record.last_exposure_on) <= observation.exposures[-1]:
        return set()
    brought = _expose(step, person, observation, record)
    observation_overdue.settle(step, person, observation, AlertReason.EXTENDED, moved_to=observation.last_day_number)
    return brought


def _expose(
    step: Step, person: Person, observation: Observation, record: ObservationOpened | ObservationExtended
) -> set[SlotKey]:
    return expose(
        observation,
        record.last_exposure_on,
        record.occurred_at,
        step.policy.observation,
        step.timetable,
        step.clock,
        person.checks_elsewhere(observation, step.timetable),
    )


def close(step: Step, person: Person, record: ObservationClosed) -> None:
    """Close an observation: its ledger is settled, and what its alerts asked for is moot."""
    observation = _open_by_id(person, record.observation_id)
    released_early.open_for(step, person, observation, record)
    observation.closed_at = record.occurred_at
    observation.closed_by = record.event_id
    missed_check.close(step, person, observation)
    contact_lost.close(step, person, observation)
    observation_overdue.settle(step, person, observation, AlertReason.OBSERVATION_CLOSED)
    breach.close(step, person, observation)
    checks.close_ledger(step, person, observation)


def waive(step: Step, person: Person, record: CheckWaived) -> None:
    """Waive one expected check; one that is not expected is refused, one that is decided otherwise stays so."""
    found = person.find_check((record.check, record.date, record.window))
    if found is None:
        _refuse(
            DeadLetterReason.NO_SUCH_CHECK, "check", "expected a check, date and window that the person is promised"
        )
    observation, position = found
    checks.change(step, person, observation, position, CheckEvent.EXCUSED)
    # The alert goes with the waiver even where the verdict is final and stays.
    missed_check.settle(step, person, observation, position, AlertReason.WAIVED)


def _open_by_id(person: Person, observation_id: str) -> Observation:
    observation = person.find_observation(observation_id)
    if observation is None:
        _refuse(DeadLetterReason.NO_SUCH_OBSERVATION, "observation_id", "expected an observation of this person")
    if not observation.is_open:
        _refuse(DeadLetterReason.OBSERVATION_IS_CLOSED, "observation_id", "expected an observation that is open")
    return observation


def _refuse(reason: DeadLetterReason, path: str, message: str) -> NoReturn:
    raise Refusal(reason, path, message)
