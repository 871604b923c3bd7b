"""What one step brings, collected while it is decided and put into the order of the contract at its end."""

from dataclasses import dataclass, field
from datetime import UTC, datetime

from events.codec import Refusal
from events.policy import Policy
from events.records import Record, SourceHeard, Tick
from events.results import Alert, Verdict
from streams.core.layout import Timetable
from streams.core.sources import Source
from streams.core.state import State

_BEFORE_ALL = datetime.min.replace(tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class Outcome:
    """Verdicts and alerts of one record in the order decided, and why the record was refused, if it was.

    `sources` are those of which it changed what is known, by their ids, each with the instant under which that is dated.
    They go on changing with later records: `Source.state` says what is known when it is asked.
    """

    verdicts: tuple[Verdict, ...] = ()
    alerts: tuple[Alert, ...] = ()
    sources: tuple[tuple[Source, datetime], ...] = ()
    refusal: Refusal | None = None


NOTHING = Outcome()


@dataclass(slots=True)
class Step:
    """One record being decided.

    `reached_at` is the instant that the clock had to reach for what is being decided, None for what the record itself
    brings. `now` is the clock, or before the first tick when the record happened; `event_ids` the record as evidence,
    nothing where the clock decides.
    """

    state: State
    record: Record
    reached_at: datetime | None = None
    verdicts: list[tuple[datetime, Verdict]] = field(default_factory=list)
    alerts: list[tuple[datetime, Alert]] = field(default_factory=list)
    sources: dict[str, Source] = field(default_factory=dict)
    event_ids: tuple[str, ...] = field(init=False)

    def __post_init__(self) -> None:
        self.event_ids = () if isinstance(self.record, Tick) else (self.record.event_id,)

    @property
    def clock(self) -> datetime | None:
        """The highest tick so far."""
        return self.state.clock

    @property
    def now(self) -> datetime:
        """The instant under which results of this step are dated."""
        clock = self.state.clock
        if clock is not None:
            return clock
        assert not isinstance(self.record, Tick), "a tick that is decided has raised the clock"
        return self.record.heard_until if isinstance(self.record, SourceHeard) else self.record.occurred_at

    @property
    def policy(self) -> Policy:
        """The policy that holds."""
        return self.state.policy or self.state.current_policy()

    @property
    def timetable(self) -> Timetable:
        """The windows that there are."""
        return self.state.timetable

    def add_verdict(self, verdict: Verdict) -> None:
        """Add a verdict to what the step brings."""
        self.verdicts.append((self.reached_at or _BEFORE_ALL, verdict))

    def add_alert(self, alert: Alert) -> None:
        """Add an alert revision to what the step brings."""
        self.alerts.append((self.reached_at or _BEFORE_ALL, alert))

    def note_source(self, source: Source) -> None:
        """Note that the step changed what is known of a source."""
        self.sources[source.source_id] = source

    def outcome(self) -> Outcome:
        """Return what the step brought: by instant reached, then by the keys of verdicts and alerts."""
        if not self.verdicts and not self.alerts and not self.sources:
            return NOTHING
        if len(self.verdicts) > 1:
            self.verdicts.sort(key=_verdict_order)
        if len(self.alerts) > 1:
            self.alerts.sort(key=_alert_order)
        return Outcome(
            tuple([verdict for _, verdict in self.verdicts]),
            tuple([alert for _, alert in self.alerts]),
            tuple([(self.sources[source_id], self.now) for source_id in sorted(self.sources)]),
        )


def _verdict_order(decided: tuple[datetime, Verdict]) -> tuple[object, ...]:
    reached_at, verdict = decided
    return (reached_at, verdict.person_id, verdict.check, verdict.date, verdict.window)


def _alert_order(decided: tuple[datetime, Alert]) -> tuple[object, ...]:
    reached_at, alert = decided
    return (reached_at, alert.rule, alert.subject, alert.occurrence, alert.revision)
