"""Everything the state holds of one person, and when something about the person falls due or may be forgotten.

People who were never observed are held only while something about them can still matter: a record that waits for an
opening, an alert, the ids by which a repeat is recognised.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta

from events.policy import Policy
from events.results import Alert
from events.vocabulary import AlertState, HealthCode
from streams.core.layout import EMPTY_LAYOUT, SlotKey, Timetable
from streams.core.ledger import Ledger
from streams.core.observation import Observation

_DAY = timedelta(days=1)
# A repeat can still satisfy a check until the check is final; the longest window lies within this.
_LONGEST_WINDOW = timedelta(days=2)
_SHORTEST_WAIT = timedelta(days=7)
# What is decided is remembered at least so long, however short a time a policy lets it change.
_SHORTEST_MEMORY = timedelta(days=30)
_NEVER = datetime.max.replace(tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class WaitingRecord:
    """A visit or reading that came before its opening; `arrived_at` is the clock of its arrival."""

    event_id: str
    kind: str
    occurred_at: datetime
    was_seen: bool
    temperature_c: float | None
    arrived_at: datetime

    def kept_until(self, policy: Policy) -> datetime:
        """Return until when it is kept; a little longer than it counts, for a policy to come that lets it count longer."""
        return self.arrived_at + max(policy.early, _SHORTEST_WAIT)


@dataclass(slots=True)
class FeverCase:
    """The open fever alert of a person; `due_at` is None once it is settled by reading or by time."""

    alert_id: str
    first_taken_at: datetime
    due_at: datetime | None
    is_confirmed: bool


@dataclass(slots=True)
class CodeCount:
    """The health code alerts of one date and colour: the number of the latest, and its alert."""

    number: int
    alert_id: str


@dataclass(slots=True)
class Person:
    """One person as the log describes them so far.

    `next_at` and `forget_at` are caches: when a tick has something to do, and the first midnight with something to forget,
    or None where that has to be looked for. A midnight that is too early does no harm.
    """

    person_id: str
    observations: list[Observation] = field(default_factory=list)
    alerts: dict[str, Alert] = field(default_factory=dict)
    fever: FeverCase | None = None
    code_counts: dict[tuple[date, HealthCode], CodeCount] = field(default_factory=dict)
    waiting: list[WaitingRecord] = field(default_factory=list)
    seen: dict[str, datetime] = field(default_factory=dict)
    next_at: datetime | None = None
    forget_at: datetime | None = None

    @property
    def open_observation(self) -> Observation | None:
        """The observation under which the person is now, if any."""
        last = self.observations[-1] if self.observations else None
        return last if last is not None and last.is_open else None

    @property
    def is_empty(self) -> bool:
        """Tell whether nothing about the person can matter any more."""
        return not (self.observations or self.alerts or self.waiting or self.seen)

    def find_observation(self, observation_id: str) -> Observation | None:
        """Return the observation that an id names, first or later name, open or closed."""
        return next((known for known in self.observations if observation_id in known.ids), None)

    def checks_elsewhere(self, observation: Observation, timetable: Timetable) -> set[SlotKey]:
        """Return the checks that belong to other observations of the person, forgotten ledgers included."""
        return {
            key
            for other in self.observations
            if other is not observation
            for key in other.ledger.layout.index or other.checks_had(timetable)
        }

    def find_check(self, key: SlotKey) -> tuple[Observation, int] | None:
        """Return the observation and position of an expected check."""
        for observation in self.observations:
            position = observation.ledger.find(key)
            if position is not None:
                return observation, position
        return None

    def is_open_alert(self, identity: str) -> bool:
        """Tell whether an alert exists and is not resolved."""
        alert = self.alerts.get(identity)
        return alert is not None and alert.state is not AlertState.RESOLVED

    def remember(self, event_id: str, until: datetime) -> None:
        """Recognise a repeat of this event until an instant."""
        self.seen[event_id] = max(until, self.seen.get(event_id, until))
        self._note_end(until)

    def wait(self, record: WaitingRecord, policy: Policy) -> None:
        """Keep a record for an opening to come."""
        self.waiting.append(record)
        self._note_end(record.kept_until(policy))

    def keep(self, alert: Alert, policy: Policy) -> None:
        """Put the newest revision of an alert in the place of the one before."""
        self.alerts[alert.alert_id] = alert
        if alert.state is AlertState.RESOLVED:
            self._note_end(alert.updated_at + _memory(policy))

    def _note_end(self, end: datetime) -> None:
        if self.forget_at is not None:
            self.forget_at = min(self.forget_at, _next_midnight(end))


def recognised_until(clock: datetime, occurred_at: datetime, policy: Policy) -> datetime:
    """Return how long a repeat of a record must be recognised: as long as it could still revise a check."""
    grace = max(check.grace for check in policy.checks)
    return max(clock, occurred_at) + _memory(policy) + grace + _LONGEST_WINDOW


def _memory(policy: Policy) -> timedelta:
    return max(policy.late, _SHORTEST_MEMORY)


def next_due(person: Person, policy: Policy) -> datetime | None:
    """Return the first instant at which a tick has something to do for the person, deadlines and forgetting alike."""
    return min(_instants(person, policy), default=None)


def _instants(person: Person, policy: Policy) -> Iterator[datetime]:
    for observation in person.observations:
        judgement = observation.ledger.next_judgement()
        if judgement is not None:
            yield judgement
    observed = person.open_observation
    if observed is not None and (overdue_at := observed.overdue_at(policy)) is not None:
        yield overdue_at
    if person.fever is not None and person.fever.due_at is not None:
        yield person.fever.due_at
    if person.forget_at is None:
        ends = min(_ends_of_memory(person, policy), default=_NEVER)
        person.forget_at = ends if ends is _NEVER else _next_midnight(ends)
    if person.forget_at is not _NEVER:
        yield person.forget_at
    for observation in person.observations:
        final_at = _final_at(observation)
        if final_at is not None:
            yield _next_midnight(final_at)


def _ends_of_memory(person: Person, policy: Policy) -> Iterator[datetime]:
    yield from person.seen.values()
    yield from (waiting.kept_until(policy) for waiting in person.waiting)
    for alert in person.alerts.values():
        if alert.state is AlertState.RESOLVED:
            yield alert.updated_at + _memory(policy)


def _midnight_before(instant: datetime) -> datetime:
    return datetime(instant.year, instant.month, instant.day, tzinfo=UTC)


def _next_midnight(instant: datetime) -> datetime:
    """Round up to a UTC midnight, so that a person is visited for forgetting once a day at most."""
    midnight = _midnight_before(instant)
    return midnight if midnight == instant else midnight + _DAY


def _final_at(observation: Observation) -> datetime | None:
    """Return when a closed observation's checks can change no more, or None while some are open or none are left."""
    slots = observation.ledger.layout.slots
    if observation.is_open or not slots or observation.ledger.next_judgement() is not None:
        return None
    return max(max(slot.final_at, slot.due_at + _SHORTEST_MEMORY) for slot in slots)


def forget(person: Person, clock: datetime, policy: Policy) -> None:
    """Drop what cannot matter any more at this clock.

    Observations stay for ever as a few fields (an id is never opened again, a scan may name any day of the past), their
    ledgers go when every check is final; resolved alerts go after the policy's late days. Things are forgotten at UTC
    midnights, when everybody with something to forget is visited: so it does not matter how time is cut into ticks.
    """
    midnight = _midnight_before(clock)
    if person.forget_at is None or person.forget_at <= clock:
        _forget_records(person, midnight, policy)
        person.forget_at = None
    for observation in person.observations:
        final_at = _final_at(observation)
        if final_at is not None and final_at <= midnight:
            observation.ledger = Ledger(EMPTY_LAYOUT)
            observation.confirm_readings = []


def _forget_records(person: Person, midnight: datetime, policy: Policy) -> None:
    person.seen = {event_id: until for event_id, until in person.seen.items() if until > midnight}
    person.waiting = [waiting for waiting in person.waiting if waiting.kept_until(policy) > midnight]
    expired = [
        identity
        for identity, alert in person.alerts.items()
        if alert.state is AlertState.RESOLVED and alert.updated_at + _memory(policy) <= midnight
    ]
    for identity in expired:
        del person.alerts[identity]
    person.code_counts = {key: count for key, count in person.code_counts.items() if count.alert_id in person.alerts}
