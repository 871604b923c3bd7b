"""A story: a table told to the core line by line, and the questions that a test asks of it afterwards."""

from collections import Counter
from datetime import datetime
from zoneinfo import ZoneInfo

from events.codec import Refusal, decode, encode, refuse_future
from events.policy import default_policy
from events.records import Record, SourceRecord
from events.results import Alert, SourceState, Verdict, encode_alert, encode_verdict
from events.timezones import is_timezone, load_timezone
from events.vocabulary import AlertState
from streams.core.engine import step
from streams.core.outcome import Outcome
from streams.core.state import State, new_state
from tests.support.source_states import source_states
from tests.support.timeline.grammar import alert_identity, raw_record, read_line, statements, subject_of
from tests.support.timeline.moments import day, short, short_moment

_TIMEZONE_TERM = "timezone="


class Story:
    """The records of a table, decided in order; ask it for verdicts, alerts and dead letters.

    Every story is audited: records survive writing and reading, revisions count from 1, what is resolved stays so.
    """

    def __init__(self, table: str) -> None:
        self.state: State = new_state()
        self.zone: ZoneInfo = default_policy().zone
        self.outcomes: list[Outcome] = []
        for number, text in statements(table):
            self.zone = _zone_of(text, self.zone)
            raw = raw_record(read_line(number, text, self.zone), self.zone)
            self.outcomes.append(self._take(raw))
        _audit(self.verdicts(), self.alerts())

    def _take(self, raw: bytes) -> Outcome:
        try:
            record: Record = decode(raw)
            if isinstance(record, SourceRecord):
                refuse_future(record)
        except Refusal as refusal:
            return Outcome(refusal=refusal)
        assert decode(encode(record)) == record, "a record survives being written and read"
        return step(self.state, record)

    def outcome(self, number: int) -> Outcome:
        """Return what a line brought; lines count from 1, negative numbers from the end."""
        return self.outcomes[number - 1 if number > 0 else number]

    def verdicts(
        self, person: str | None = None, check: str | None = None, date: str | None = None, window: str | None = None
    ) -> list[Verdict]:
        """Return every verdict in the order decided, or those that match what is given."""
        return [
            verdict
            for outcome in self.outcomes
            for verdict in outcome.verdicts
            if person in (None, verdict.person_id)
            and check in (None, verdict.check)
            and (date is None or day(date) == verdict.date)
            and window in (None, verdict.window)
        ]

    def states(self, person: str, check: str, date: str, window: str) -> list[str]:
        """Return the states into which a check came, one for each revision."""
        return [verdict.state.value for verdict in self.verdicts(person, check, date, window)]

    def verdict(self, person: str, check: str, date: str, window: str) -> Verdict:
        """Return the last verdict of a check."""
        return self.verdicts(person, check, date, window)[-1]

    def expected(self, person: str) -> dict[str, str]:
        """Return every expected check of a person as `CHECK/DAY/WINDOW` with the state that it is in, by day."""
        held = self.state.people.get(person)
        observations = [] if held is None else held.observations
        found = {
            short(f"{slot.check}/{slot.date}/{slot.window}"): observation.ledger.state(position).value
            for observation in observations
            for position, slot in enumerate(observation.ledger.layout.slots)
        }
        return dict(sorted(found.items(), key=lambda item: item[0].split("/")[1]))

    def figures(self, person: str) -> dict[str, int]:
        """Return how many checks of a person are in each state."""
        return dict(Counter(self.expected(person).values()))

    def alerts(self, rule: str | None = None, name: str | None = None) -> list[Alert]:
        """Return every alert revision in the order decided, or those of a rule, or of a person (or `source:`)."""
        return [
            alert
            for outcome in self.outcomes
            for alert in outcome.alerts
            if rule in (None, alert.rule.value) and (name is None or alert.subject == subject_of(name))
        ]

    def raised(self, rule: str, name: str | None = None) -> list[str]:
        """Return the occurrences of the alerts that a rule raised, in order, with short days."""
        return [short(alert.occurrence) for alert in self.alerts(rule, name) if alert.revision == 1]

    def revisions(self, rule: str, name: str, occurrence: str) -> list[Alert]:
        """Return every revision of one alert."""
        identity = alert_identity(rule, name, occurrence)
        return [alert for alert in self.alerts() if alert.alert_id == identity]

    def alert(self, rule: str, name: str, occurrence: str) -> list[tuple[str, str, str]]:
        """Return state, severity and reason of every revision of one alert."""
        return [
            (alert.state.value, alert.severity.value, alert.reason.value)
            for alert in self.revisions(rule, name, occurrence)
        ]

    def source(self, source_id: str) -> SourceState:
        """Return the last that was told of a source."""
        found = [state for outcome in self.outcomes for state in source_states(outcome) if state.source_id == source_id]
        return found[-1]

    @property
    def refusals(self) -> list[tuple[str, str]]:
        """The reason and field path of every dead letter."""
        return [(o.refusal.reason.value, o.refusal.path) for o in self.outcomes if o.refusal is not None]

    @property
    def dead_letters(self) -> list[str]:
        """The reason of every dead letter."""
        return [reason for reason, _ in self.refusals]

    @property
    def written(self) -> list[bytes]:
        """Everything that was decided as the bytes that leave the core."""
        return [*map(encode_verdict, self.verdicts()), *map(encode_alert, self.alerts())]

    def local(self, instant: datetime | None) -> str | None:
        """Write an instant as the table would, local to the policy's zone."""
        return None if instant is None else short_moment(instant, self.zone)


def _zone_of(text: str, zone: ZoneInfo) -> ZoneInfo:
    """Return the zone in which a line is to be read: that of a policy line is its own."""
    _, _, statement = text.partition("|")
    words = statement.split()
    if words[:1] == ["policy"]:
        named = [word.removeprefix(_TIMEZONE_TERM) for word in words if word.startswith(_TIMEZONE_TERM)]
        name = named[0] if named else default_policy().timezone
        return load_timezone(name) if is_timezone(name) else zone
    return zone


def _audit(verdicts: list[Verdict], alerts: list[Alert]) -> None:
    """Assert what must hold in every story: revisions count from 1 and nothing comes after a resolution."""
    revision_of: Counter[str] = Counter()
    for verdict in verdicts:
        revision_of[verdict.check_id] += 1
        assert verdict.revision == revision_of[verdict.check_id], "revisions of a verdict count from 1"
    last: dict[str, Alert] = {}
    for alert in alerts:
        earlier = last.get(alert.alert_id)
        assert alert.revision == (1 if earlier is None else earlier.revision + 1), "revisions of an alert count from 1"
        assert earlier is None or earlier.state is not AlertState.RESOLVED, "a resolved alert does not change any more"
        last[alert.alert_id] = alert
