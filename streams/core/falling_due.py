"""What a tick decides about one person: checks, an observation that should be closed, a fever that nobody measured again."""

from collections.abc import Callable, Iterator
from datetime import datetime
from functools import partial
from operator import itemgetter

from events.vocabulary import CheckState
from streams.core import checks
from streams.core.ledger import CheckEvent
from streams.core.observation import Observation
from streams.core.outages import Outages
from streams.core.outcome import Step
from streams.core.person import Person
from streams.core.rules import fever, observation_overdue

_Deadline = tuple[datetime, Callable[[], None]]
_instant_of = itemgetter(0)


def fall_due(step: Step, person: Person, unsettled: Outages, before: datetime | None) -> None:
    """Decide everything that the clock has reached, in the order of the instants it had to reach.

    `before` is the clock before this tick, `unsettled` the outages that were not settled then.
    """
    due: list[_Deadline] = []
    for observation in person.observations:
        due += _checks(step, person, observation, unsettled, before)
    due += _others(step, person)
    if len(due) > 1:
        due.sort(key=_instant_of)
    for due_at, decide in due:
        step.reached_at = due_at
        decide()


def _checks(
    step: Step, person: Person, observation: Observation, unsettled: Outages, before: datetime | None
) -> Iterator[_Deadline]:
    """Yield the checks of an observation that fall due.

    One that an outage holds becomes unknown, and missed when it is released, which may be at this tick too.
    """
    ledger, clock = observation.ledger, step.now
    change = partial(checks.change, step, person, observation)
    held = list(ledger.positions(CheckState.UNKNOWN)) if ledger.has_unknown() else []
    for position in ledger.pending_until(clock):
        slot = ledger.layout.slots[position]
        held_by = unsettled.holding(observation.area, slot, before)
        if held_by:
            yield slot.judge_at, partial(change, position, CheckEvent.HELD, held_by)
            held.append(position)
        else:
            yield slot.judge_at, partial(change, position, CheckEvent.OVERDUE)
    for position in held:
        release_at = step.state.outages.release_at(observation.area, ledger.layout.slots[position], before)
        if release_at is not None and release_at <= clock:
            yield release_at, partial(change, position, CheckEvent.OVERDUE)


def _others(step: Step, person: Person) -> Iterator[_Deadline]:
    clock, observed, case = step.now, person.open_observation, person.fever
    overdue_at = None if observed is None else observed.overdue_at(step.policy)
    if observed is not None and overdue_at is not None and overdue_at <= clock:
        yield overdue_at, partial(observation_overdue.fall_due, step, person, observed, overdue_at)
    if case is not None and case.due_at is not None and case.due_at <= clock:
        yield case.due_at, partial(fever.fall_due, step, person)
