"""Everything the state holds of one person, and when something about the person falls due or may be forgotten.

People who were never observed are held only while something about them can still matter: a record that waits for an
opening, an alert, the marks by which a repeat is recognised.
"""

import re
from collections.abc import Iterator
from datetime import UTC, date, datetime, time, timedelta
from functools import lru_cache
from hashlib import blake2b

import msgspec

from events.policy import Policy
from events.results import Alert
from events.vocabulary import AlertState, CheckState, HealthCode
from streams.core.calendar import day_number, numbered_day
from streams.core.confirm_readings import ConfirmReading, event_ids, pack_reading, read_readings
from streams.core.held_alerts import pack_alert, unpack_alert
from streams.core.layout import EMPTY_LAYOUT, SlotKey, Timetable
from streams.core.ledger import Ledger
from streams.core.observation import Observation
from streams.core.outages import Outages

# A repeat can still satisfy a check until the check is final; the longest window lies within this.
_LONGEST_WINDOW = timedelta(days=2)
_SHORTEST_WAIT = timedelta(days=7)
# What is decided is remembered at least so long, however short a time a policy lets it change.
_SHORTEST_MEMORY = timedelta(days=30)
# Not looked for yet, and none.
_UNKNOWN, _NEVER = 0, date.max.toordinal()
_MARK_BYTES = 8


class WaitingRecord(msgspec.Struct, frozen=True, array_like=True):
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


class FeverCase(msgspec.Struct, array_like=True):
    """The open fever alert of a person; `due_at` is None once it is settled by reading or by time."""

    alert_id: str
    first_taken_at: datetime
    due_at: datetime | None
    is_confirmed: bool


class CodeCount(msgspec.Struct, array_like=True):
    """The health code alerts of one date and colour: the number of the latest, and its alert."""

    number: int
    alert_id: str


class Person(msgspec.Struct, array_like=True):
    """One person as the log describes them so far.

    `alerts` are those that can still change, packed, by their ids as bytes; of a resolved one a mark of its id remains, by
    the day of its end.
    `seen` holds marks of the events taken, eight bytes each, by the day at whose UTC midnight they are forgotten.
    `forget_on` is a cache: the first such day with anything to forget; one that is too early does no harm.
    `layouts` are those to which the ledgers referred when the person was last put down. `readings` are those at a confirm
    site while under observation; events among them need no mark.
    """

    person_id: str
    observations: list[Observation] = []
    alerts: dict[bytes, bytes] = {}
    resolved: dict[int, bytes] = {}
    fever: FeverCase | None = None
    code_counts: dict[tuple[date, HealthCode], CodeCount] = {}
    waiting: list[WaitingRecord] = []
    seen: dict[int, bytes] = {}
    forget_on: int = _UNKNOWN
    layouts: list[int] = []
    reading_count: int = 0
    readings: bytes = b""

    @property
    def open_observation(self) -> Observation | None:
        """The observation under which the person is now, if any."""
        last = self.observations[-1] if self.observations else None
        return last if last is not None and last.is_open else None

    @property
    def is_empty(self) -> bool:
        """Tell whether nothing about the person can matter any more."""
        return not (self.observations or self.alerts or self.resolved or self.waiting or self.seen)

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
        """Tell whether an alert exists and is not resolved; not of one that is a fresh miss."""
        return _is_identity(identity) is not None and bytes.fromhex(identity) in self.alerts

    def alert(self, identity: str) -> Alert | None:
        """Return an alert that can still change; not one that is a fresh miss."""
        if not self.is_open_alert(identity):
            return None
        packed = self.alerts[bytes.fromhex(identity)]
        return unpack_alert(packed, identity, self.person_id, self.observations)

    def move(self, observation: Observation, area: str) -> None:
        """Bring an observation to another area; alerts keep theirs."""
        alerts = [
            unpack_alert(packed, identity.hex(), self.person_id, self.observations)
            for identity, packed in self.alerts.items()
        ]
        observation.area = area
        for alert in alerts:
            self.alerts[bytes.fromhex(alert.alert_id)] = pack_alert(alert, self.observations)

    def had_alert(self, identity: str) -> bool:
        """Tell whether an alert exists, resolved or not, as long as that is remembered."""
        if self.is_open_alert(identity):
            return True
        if not self.resolved or not _is_identity(identity):
            return False
        mark = _alert_mark(identity)
        return _holds(b"".join(self.resolved.values()), mark)

    def has_seen(self, event_id: str) -> bool:
        """Tell whether an event was taken before, as long as that is remembered."""
        mark = _mark(event_id)
        return _holds(b"".join(self.seen.values()), mark) or self._is_among_readings(event_id)

    def _is_among_readings(self, event_id: str) -> bool:
        return self.reading_count > 0 and event_id in event_ids(self.readings, self.reading_count)

    def note_reading(self, reading: ConfirmReading) -> None:
        """Keep a reading at a confirm site for a fever that may turn out to have begun before it."""
        before = event_ids(self.readings, self.reading_count)[-1] if self.reading_count else ""
        self.readings += pack_reading(reading, before)
        self.reading_count += 1

    def readings_of(self, observation: Observation) -> list[ConfirmReading]:
        """Return the readings at a confirm site since an observation was opened, in the order in which they came."""
        return read_readings(self.readings, self.reading_count)[observation.first_reading :]

    def remember(self, event_id: str, until: datetime) -> None:
        """Recognise a repeat of this event until an instant."""
        day = _midnight_from(until)
        self.seen[day] = self.seen.get(day, b"") + _mark(event_id)
        self._note_end(day)

    def wait(self, record: WaitingRecord, policy: Policy) -> None:
        """Keep a record for an opening to come."""
        self.waiting.append(record)
        self._note_end(_midnight_from(record.kept_until(policy)))

    def keep(self, alert: Alert, policy: Policy) -> None:
        """Put the newest revision of an alert in the place of the one before."""
        if alert.state is not AlertState.RESOLVED:
            self.alerts[bytes.fromhex(alert.alert_id)] = pack_alert(alert, self.observations)
            return
        self.alerts.pop(bytes.fromhex(alert.alert_id), None)
        day = _midnight_from(alert.updated_at)
        self.resolved[day] = self.resolved.get(day, b"") + _alert_mark(alert.alert_id)
        self._note_end(day + memory(policy).days)

    def _note_end(self, day: int) -> None:
        if self.forget_on > day:
            self.forget_on = day


@lru_cache(maxsize=2)  # asked for when a record comes, and again when it is remembered
def _mark(event_id: str) -> bytes:
    """Return what is kept of an event id; two ids of one person meet in it once in 2**64 pairs."""
    return blake2b(event_id.encode(), digest_size=_MARK_BYTES).digest()


def _alert_mark(identity: str) -> bytes:
    return bytes.fromhex(identity[: 2 * _MARK_BYTES])


_is_identity = re.compile("[0-9a-f]{32}").fullmatch  # a command may name anything


def _holds(marks: bytes, mark: bytes) -> bool:
    position = marks.find(mark)
    while position % _MARK_BYTES and position >= 0:
        position = marks.find(mark, position + 1)
    return position >= 0


def recognised_until(clock: datetime, occurred_at: datetime, policy: Policy) -> datetime:
    """Return how long a repeat of a record must be recognised: as long as it could still revise a check."""
    return max(clock, occurred_at) + memory(policy) + policy.longest_grace + _LONGEST_WINDOW


def memory(policy: Policy) -> timedelta:
    """Return how long what is decided is remembered: as long as it can change, and 30 days at least."""
    return max(policy.late, _SHORTEST_MEMORY)


def next_due(person: Person, policy: Policy, outages: Outages, clock: datetime | None) -> datetime | None:
    """Return the first instant at which a tick has something to do for the person, deadlines and forgetting alike."""
    due: list[datetime] = []
    for observation in person.observations:
        judgement = observation.ledger.next_judgement()
        if judgement is not None:
            due.append(judgement)
        elif (final_at := _final_at(observation)) is not None:
            due.append(_midnight(_midnight_from(final_at)))
        if observation.ledger.has_unknown():
            due += _releases(observation, outages, clock)
    observed = person.open_observation
    if observed is not None and (overdue_at := observed.overdue_at(policy)) is not None:
        due.append(overdue_at)
    if person.fever is not None and person.fever.due_at is not None:
        due.append(person.fever.due_at)
    if person.forget_on == _UNKNOWN:
        person.forget_on = _first_to_forget(person, policy)
    if person.forget_on != _NEVER:
        due.append(_midnight(person.forget_on))
    return min(due, default=None)


def _releases(observation: Observation, outages: Outages, clock: datetime | None) -> Iterator[datetime]:
    """Yield when the unknown checks of an observation become missed, as far as that can be said."""
    for position in observation.ledger.positions(CheckState.UNKNOWN):
        release_at = outages.release_at(observation.area, observation.ledger.layout.slots[position], clock)
        if release_at is not None:
            yield release_at


def look_again(person: Person) -> None:
    """Look anew for what is to be forgotten first: another policy remembers for another while."""
    person.forget_on = _UNKNOWN


def _first_to_forget(person: Person, policy: Policy) -> int:
    memory_days = memory(policy).days
    days = [*person.seen, *(_midnight_from(waiting.kept_until(policy)) for waiting in person.waiting)]
    return min([*days, *(day + memory_days for day in person.resolved)], default=_NEVER)


@lru_cache(maxsize=256)
def _midnight(day: int) -> datetime:
    """Return the UTC midnight at which a day begins."""
    return datetime.combine(numbered_day(day), time(), UTC)


def _midnight_from(instant: datetime) -> int:
    """Round up to a UTC midnight, so that a person is visited for forgetting once a day at most; its day's ordinal."""
    is_midnight = not (instant.hour or instant.minute or instant.second or instant.microsecond)
    return day_number(instant) + (not is_midnight)


def _final_at(observation: Observation) -> datetime | None:
    """Return when a closed observation's checks can change no more, or None while some are open or none are left."""
    if observation.closed_at is None or observation.ledger.next_judgement() is not None:
        return None
    return observation.ledger.layout.final_at


def forget(person: Person, clock: datetime, policy: Policy) -> None:
    """Drop what cannot matter any more at this clock.

    Observations stay for ever as a few fields (an id is never opened again, a scan may name any day of the past), their
    ledgers go when every check is final; resolved alerts go after the policy's late days. Things are forgotten at UTC
    midnights, when everybody with something to forget is visited: so it does not matter how time is cut into ticks.
    """
    today = day_number(clock)
    if person.forget_on <= today:
        _forget_records(person, today, policy)
        look_again(person)
    for observation in person.observations:
        final_at = _final_at(observation)
        if final_at is not None and _midnight_from(final_at) <= today:
            observation.ledger = Ledger(EMPTY_LAYOUT)
    if person.reading_count and not any(held.is_open or held.ledger.marks for held in person.observations):
        _readings_to_marks(person, today, policy)


def _readings_to_marks(person: Person, today: int, policy: Policy) -> None:
    """Let go of readings that no fever can look back at any more; repeats of them are recognised a while longer."""
    readings = read_readings(person.readings, person.reading_count)
    person.readings, person.reading_count = b"", 0
    for observation in person.observations:
        observation.first_reading = 0
    for reading in readings:
        until = recognised_until(reading.taken_at, reading.taken_at, policy)
        if _midnight_from(until) > today:
            person.remember(reading.event_id, until)


def _forget_records(person: Person, today: int, policy: Policy) -> None:
    person.seen = {day: marks for day, marks in person.seen.items() if day > today}
    person.waiting = [held for held in person.waiting if _midnight_from(held.kept_until(policy)) > today]
    oldest = today - memory(policy).days
    person.resolved = {day: marks for day, marks in person.resolved.items() if day > oldest}
    person.code_counts = {key: count for key, count in person.code_counts.items() if person.had_alert(count.alert_id)}
