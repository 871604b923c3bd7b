"""`step`: one record of the timeline, and everything that follows from it."""

from datetime import timedelta

from events.codec import Refusal
from events.records import (
    AlertAcknowledged,
    AlertResolved,
    CheckpointScanned,
    CheckWaived,
    ObservationClosed,
    ObservationExtended,
    ObservationOpened,
    OutageClosed,
    OutageRecord,
    PersonRecord,
    PolicyChanged,
    Record,
    SourceDefined,
    SourceHeard,
    TemperatureTaken,
    Tick,
    VisitRecorded,
)
from events.vocabulary import AlertReason, AlertState, DeadLetterReason
from streams.core import checks, listening, observing, readings
from streams.core.alerting import revise
from streams.core.calendar import microseconds
from streams.core.falling_due import fall_due
from streams.core.observation import Observation, lay_out_anew
from streams.core.outages import Outage
from streams.core.outcome import NOTHING, Outcome, Step
from streams.core.passing import passes_by
from streams.core.person import Person, forget, look_again, memory, recognised_until
from streams.core.rules import missed_check, way_broken
from streams.core.state import State

# Slots of longer ago are rarely asked for again; they would be made anew.
_SHARED_FOR = timedelta(days=60)

StaffCommand = AlertAcknowledged | AlertResolved


def step(state: State, record: Record) -> Outcome:
    """Take one record of a timeline partition and return what it brings, in the order of the contract.

    The state is changed in place. A record that refers to nothing is refused in the outcome and has changed nothing; a
    repeat brings nothing. The same records from the same state always bring the same outcomes.
    """
    if isinstance(record, SourceHeard) and (outcome := listening.hear_steady(state, record)) is not None:
        return outcome
    current = Step(state, record)
    had_policy = state.policy is not None
    if not isinstance(record, PolicyChanged):
        state.current_policy()
    outcome = _decide(current, record)
    if outcome.refusal is not None and not had_policy:
        state.forget_policy()  # what is refused has used nothing
    return outcome


def _decide(current: Step, record: Record) -> Outcome:
    try:
        if isinstance(record, Tick):
            _tick(current, record)
        elif isinstance(record, PolicyChanged):
            _change_policy(current, record)
        elif isinstance(record, PersonRecord):
            return _about_person(current, record)
        elif isinstance(record, OutageRecord):
            _about_outage(current, record)
        elif isinstance(record, SourceHeard):
            listening.hear(current, record)
        elif isinstance(record, SourceDefined):
            listening.define(current, record)
        else:
            _command(current, record)
    except Refusal as refusal:
        return Outcome(refusal=refusal)
    return current.outcome()


def _about_person(current: Step, record: PersonRecord) -> Outcome:
    state = current.state
    if isinstance(record, CheckpointScanned) and passes_by(state, record):
        return NOTHING
    person = state.people.get(record.person_id)
    if _is_repeat(state, person, record.event_id, record.person_id):
        return NOTHING
    if person is None:
        person = Person(record.person_id)
    reading_count = person.reading_count
    _dispatch(current, person, record)
    if person.reading_count == reading_count:  # a reading that is kept is recognised by itself
        person.remember(record.event_id, recognised_until(current.now, record.occurred_at, current.policy))
    state.settle(person)
    return current.outcome()


def _is_repeat(state: State, person: Person | None, event_id: str, person_id: str) -> bool:
    """Tell whether an event id was seen under a person, be it that of a scan that left nothing."""
    if person is not None and person.has_seen(event_id):
        return True
    return (event_id, person_id) in state.passed_scans


def _dispatch(current: Step, person: Person, record: PersonRecord) -> None:
    match record:
        case VisitRecorded() | TemperatureTaken() | CheckpointScanned():
            readings.take(current, person, record)
        case ObservationOpened():
            observing.open_observation(current, person, record)
        case ObservationExtended():
            observing.extend(current, person, record)
        case ObservationClosed():
            observing.close(current, person, record)
        case CheckWaived():
            observing.waive(current, person, record)
        case _:
            raise AssertionError(f"no rule for {record.kind}")


def _about_outage(current: Step, record: OutageRecord) -> None:
    way_broken.take(current, record)
    if isinstance(record, OutageClosed):
        for person in current.state.people.unsettled():  # now it can be said when they are
            current.state.settle(person)


def _command(current: Step, record: StaffCommand) -> None:
    outage = way_broken.of_alert(current.state.outages, record.key, record.alert_id)
    if outage is not None:
        _command_outage(current, outage, record)
        return
    source = listening.of_command(current.state, record)
    if source is not None:
        listening.command(current, source, record)
        return
    person = current.state.people.get(record.key)
    if _is_repeat(current.state, person, record.event_id, record.key):
        return
    if person is None or not _has_alert(current, person, record.alert_id):
        raise Refusal(DeadLetterReason.NO_SUCH_ALERT, "alert_id", "expected an alert that lives under this key")
    alert = person.alert(record.alert_id)
    if isinstance(record, AlertResolved):
        revise(current, person, record.alert_id, reason=AlertReason.BY_STAFF, state=AlertState.RESOLVED)
    elif alert is not None and alert.state is AlertState.OPEN:
        revise(current, person, record.alert_id, reason=AlertReason.BY_STAFF, state=AlertState.ACKNOWLEDGED)
    person.remember(record.event_id, recognised_until(current.now, record.occurred_at, current.policy))
    current.state.settle(person)


def _command_outage(current: Step, outage: Outage, record: StaffCommand) -> None:
    if isinstance(record, AlertResolved):
        way_broken.revise(current, outage, AlertState.RESOLVED, AlertReason.BY_STAFF)
    elif outage.alert is not None and outage.alert.state is AlertState.OPEN:
        way_broken.revise(current, outage, AlertState.ACKNOWLEDGED, AlertReason.BY_STAFF)


def _has_alert(current: Step, person: Person, identity: str) -> bool:
    if not person.had_alert(identity):
        for observation in person.observations:
            missed_check.make_whole(current, person, observation, identity)
    return person.had_alert(identity)


def _change_policy(current: Step, record: PolicyChanged) -> None:
    """Let a policy hold from here on; a version seen before with other content is refused whole."""
    state = current.state
    if state.is_policy_fixed or record.event_id in state.policy_events:
        return
    policy = record.policy
    seen = state.policies.get(policy.policy_version)
    if seen is not None and seen.content != policy.content:
        message = "expected a new version for other content"
        raise Refusal(DeadLetterReason.INVALID_FIELD, "policy.policy_version", message)
    state.policy_events.add(record.event_id)
    if state.policy is not None and seen is state.policy:
        return  # it holds already: everything is laid out under it
    state.change_policy(policy)
    for person in state.people:
        for observation in person.observations:
            _lay_out_anew(current, person, observation)
        look_again(person)
        state.settle(person)
    state.sources.look_again(policy)


def _lay_out_anew(current: Step, person: Person, observation: Observation) -> None:
    clock, closed_at = current.clock, observation.closed_at
    if closed_at is not None and clock is not None and closed_at <= clock:
        return  # whatever has not begun, the closing took away
    lay_out_anew(observation, current.timetable, clock, person.checks_elsewhere(observation, current.timetable))
    if not observation.is_open:
        checks.close_ledger(current, person, observation)


def _tick(current: Step, record: Tick) -> None:
    """Raise the clock and decide everything that fell due; a lower tick changes nothing."""
    state = current.state
    before = state.clock
    if before is not None and record.at <= before:
        return
    is_another_day = before is None or before.date() != record.at.date()
    if is_another_day:
        state.timetable.forget_before(record.at.date() - _SHARED_FOR)
        state.timetable.forget_layouts()
    state.clock = record.at
    unsettled = state.outages.unsettled(before)
    for person in state.people.pop_due(microseconds(record.at)):
        fall_due(current, person, unsettled, before)
        forget(person, record.at, current.policy)
        state.settle(person)
    listening.fall_due(current)
    current.reached_at = None
    if is_another_day:
        midnight = record.at.replace(hour=0, minute=0, second=0, microsecond=0)
        state.outages.forget_before(midnight - memory(current.policy))
