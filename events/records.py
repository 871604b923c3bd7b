"""The records of the log as values (contract section 2).

Plain frozen dataclasses; `events.codec` validates untrusted bytes into them with pydantic. Field order is the order in
which a record is written.
"""

import re
from dataclasses import dataclass, field
from typing import Annotated, Any, ClassVar

from pydantic import AfterValidator, ConfigDict, Field, WithJsonSchema

from events.instants import Day, Instant
from events.policy import Policy
from events.vocabulary import (
    Category,
    ClosingOutcome,
    Decision,
    Direction,
    HealthCode,
    OutageCause,
    Site,
    VisitOutcome,
)

_STRICT = ConfigDict(extra="forbid", hide_input_in_errors=True)
# So that a `source_heard` is never above 64 KiB, whatever its numbers are.
MOST_RUNS = 400

is_identifier = re.compile("[A-Za-z0-9._:-]{1,64}", re.ASCII).fullmatch
Identifier = Annotated[str, Field(strict=True, pattern=r"^[A-Za-z0-9._:-]{1,64}$")]
AreaPath = Annotated[str, Field(strict=True, pattern=r"^[A-Za-z0-9_-]+(/[A-Za-z0-9_-]+){0,7}$")]


def _carried_by_utf8(text: str) -> str:
    if not text.isascii():
        try:
            text.encode()
        except UnicodeEncodeError:
            raise ValueError("expected text that UTF-8 can carry") from None
    return text


Text = Annotated[str, Field(strict=True), AfterValidator(_carried_by_utf8)]
Sequence = Annotated[int, Field(strict=True, ge=1, le=2**63 - 1)]
Temperature = Annotated[float, Field(strict=True, allow_inf_nan=False)]


def _measured(temperature_c: float) -> float:
    if temperature_c == 0:
        raise ValueError("expected a measured temperature; 0 means not measured")
    return temperature_c


MeasuredTemperature = Annotated[
    float,
    Field(strict=True, allow_inf_nan=False),
    AfterValidator(_measured),
    WithJsonSchema({"type": "number", "not": {"const": 0}}),
]


@dataclass(frozen=True, slots=True, kw_only=True)
class SourceRecord:
    """What every record from outside carries.

    `occurred_at` is the source's clock, `received_at` the gateway's or intake's; `sequence` the source's own counter.
    """

    __pydantic_config__: ClassVar[ConfigDict] = _STRICT
    kind: ClassVar[str]
    topic: ClassVar[str]

    event_id: Identifier
    source_id: Identifier
    sequence: Sequence | None = None
    occurred_at: Instant
    received_at: Instant | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class PersonRecord(SourceRecord):
    """A record about one person, who is the key under which it stands in the timeline."""

    __pydantic_config__: ClassVar[ConfigDict] = _STRICT

    person_id: Identifier

    @property
    def key(self) -> str:
        """The timeline key of the record."""
        return self.person_id


@dataclass(frozen=True, slots=True, kw_only=True)
class ObservationOpened(PersonRecord):
    """A person came under observation; day 0 is `last_exposure_on`."""

    __pydantic_config__: ClassVar[ConfigDict] = _STRICT
    kind: ClassVar[str] = "observation_opened"
    topic: ClassVar[str] = "observations"

    observation_id: Identifier
    area: AreaPath
    category: Category
    last_exposure_on: Day
    household_id: Identifier | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ObservationExtended(PersonRecord):
    """A later exposure became known; it moves the last exposure forward, never back."""

    __pydantic_config__: ClassVar[ConfigDict] = _STRICT
    kind: ClassVar[str] = "observation_extended"
    topic: ClassVar[str] = "observations"

    observation_id: Identifier
    last_exposure_on: Day


@dataclass(frozen=True, slots=True, kw_only=True)
class ObservationClosed(PersonRecord):
    """An observation ended."""

    __pydantic_config__: ClassVar[ConfigDict] = _STRICT
    kind: ClassVar[str] = "observation_closed"
    topic: ClassVar[str] = "observations"

    observation_id: Identifier
    outcome: ClosingOutcome


@dataclass(frozen=True, slots=True, kw_only=True)
class CheckWaived(PersonRecord):
    """Somebody decided that one expected check need not be made."""

    __pydantic_config__: ClassVar[ConfigDict] = _STRICT
    kind: ClassVar[str] = "check_waived"
    topic: ClassVar[str] = "observations"

    check: Text
    date: Day
    window: Text
    reason: Text


@dataclass(frozen=True, slots=True, kw_only=True)
class VisitRecorded(PersonRecord):
    """A visitor was at the person's door."""

    __pydantic_config__: ClassVar[ConfigDict] = _STRICT
    kind: ClassVar[str] = "visit_recorded"
    topic: ClassVar[str] = "visits"

    area: AreaPath
    visitor_id: Identifier
    outcome: VisitOutcome
    symptoms: Annotated[tuple[Text, ...], Field(strict=False)]
    temperature_c: Temperature | None = None
    site: Site | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class TemperatureTaken(PersonRecord):
    """A temperature was measured."""

    __pydantic_config__: ClassVar[ConfigDict] = _STRICT
    kind: ClassVar[str] = "temperature_taken"
    topic: ClassVar[str] = "temperatures"

    area: AreaPath
    temperature_c: MeasuredTemperature
    site: Site | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class CheckpointScanned(PersonRecord):
    """A person was met at a checkpoint."""

    __pydantic_config__: ClassVar[ConfigDict] = _STRICT
    kind: ClassVar[str] = "checkpoint_scanned"
    topic: ClassVar[str] = "checkpoints"

    area: AreaPath
    checkpoint_id: Identifier
    direction: Direction
    decision: Decision
    temperature_c: Temperature | None = None
    site: Site | None = None
    health_code: HealthCode | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class StaffCommand(SourceRecord):
    """What the command office says about one alert; `key` is the timeline key the alert lives under."""

    __pydantic_config__: ClassVar[ConfigDict] = _STRICT
    topic: ClassVar[str] = "commands"

    alert_id: Identifier
    key: Annotated[str, Field(strict=True, min_length=1, max_length=512), AfterValidator(_carried_by_utf8)]
    actor_id: Identifier
    note: Text | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class AlertAcknowledged(StaffCommand):
    """Somebody took the alert on."""

    __pydantic_config__: ClassVar[ConfigDict] = _STRICT
    kind: ClassVar[str] = "alert_acknowledged"


@dataclass(frozen=True, slots=True, kw_only=True)
class AlertResolved(StaffCommand):
    """Somebody closed the alert."""

    __pydantic_config__: ClassVar[ConfigDict] = _STRICT
    kind: ClassVar[str] = "alert_resolved"


@dataclass(frozen=True, slots=True, kw_only=True)
class PolicyChanged(SourceRecord):
    """From here on another policy holds; stands in every partition of the timeline."""

    __pydantic_config__: ClassVar[ConfigDict] = _STRICT
    kind: ClassVar[str] = "policy_changed"
    topic: ClassVar[str] = "commands"

    policy: Annotated[Policy, Field(description="the whole policy")]


@dataclass(frozen=True, slots=True, kw_only=True)
class OutageRecord(SourceRecord):
    """What is known about a time in which records could not come; stands under its key, and as a copy in every partition.

    `is_copy` is set by intake alone: the alert lives where the record itself stands.
    """

    __pydantic_config__: ClassVar[ConfigDict] = _STRICT
    topic: ClassVar[str] = "commands"

    outage_id: Identifier
    is_copy: Annotated[bool, Field(strict=True)] | None = None

    @property
    def key(self) -> str:
        """The timeline key of the record."""
        return f"outage:{self.outage_id}"


@dataclass(frozen=True, slots=True, kw_only=True)
class OutageOpened(OutageRecord):
    """From `since` on records of an area may not come; without an area, those of all.

    `concerned_source_id` is the source whose way is broken, where it is one.
    """

    __pydantic_config__: ClassVar[ConfigDict] = _STRICT
    kind: ClassVar[str] = "outage_opened"

    cause: OutageCause
    area: AreaPath | None = None
    concerned_source_id: Identifier | None = None
    since: Instant


@dataclass(frozen=True, slots=True, kw_only=True)
class OutageClosed(OutageRecord):
    """The way is open again from `until` on, and what was held back has come by `backfill_until`."""

    __pydantic_config__: ClassVar[ConfigDict] = _STRICT
    kind: ClassVar[str] = "outage_closed"

    until: Instant
    backfill_until: Instant


@dataclass(frozen=True, slots=True, kw_only=True)
class SourceDefined(SourceRecord):
    """What the town expects of a source; the last one in log order holds.

    `areas` are those whose checks depend on it. `interval_seconds` is the longest silence that is normal; with 0 none is
    noticed, nor of a source that is not active.
    """

    __pydantic_config__: ClassVar[ConfigDict] = _STRICT
    kind: ClassVar[str] = "source_defined"
    topic: ClassVar[str] = "commands"

    defined_source_id: Identifier
    areas: Annotated[tuple[AreaPath, ...], Field(strict=False, max_length=64)]
    interval_seconds: Annotated[int, Field(strict=True, ge=0, le=604_800)]
    is_active: Annotated[bool, Field(strict=True)]

    @property
    def key(self) -> str:
        """The timeline key of the record."""
        return source_key(self.defined_source_id)


@dataclass(frozen=True, slots=True, kw_only=True)
class SequenceRun:
    """Consecutive numbers that a source gave its records, and the least and greatest `occurred_at` of these."""

    __pydantic_config__: ClassVar[ConfigDict] = _STRICT

    first: Sequence
    last: Sequence
    since: Instant
    until: Instant


def _in_order(run: SequenceRun) -> SequenceRun:
    if run.last < run.first:
        raise ValueError("expected a last number that is not below the first")
    if run.until < run.since:
        raise ValueError("expected an until that is not before since")
    return run


@dataclass(frozen=True, slots=True, kw_only=True)
class SourceHeard:
    """Intake heard of a source: what came of it since it was last told, in one raw partition.

    `heard_until` is the end of the half hour behind the one in which the newest of it came. `least_delay_ms` is the least
    time from `occurred_at` to `received_at`, null where no record came that says; `sequences` are the numbers, in the
    order in which they came.
    """

    __pydantic_config__: ClassVar[ConfigDict] = _STRICT
    kind: ClassVar[str] = "source_heard"
    topic: ClassVar[str] = "timeline"

    event_id: Identifier
    source_id: Identifier
    heard_until: Instant
    least_delay_ms: Annotated[int, Field(strict=True, ge=-(10**13), le=10**13)] | None = None
    sequences: Annotated[
        tuple[Annotated[SequenceRun, AfterValidator(_in_order)], ...], Field(strict=False, max_length=MOST_RUNS)
    ]

    @property
    def key(self) -> str:
        """The timeline key of the record."""
        return source_key(self.source_id)


def source_key(source_id: str) -> str:
    """Return the timeline key under which stands what concerns a source; that of a person may be the same."""
    return f"source:{source_id}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Tick:
    """The clock of a timeline partition reached `at`; every record received before stands before it."""

    __pydantic_config__: ClassVar[ConfigDict] = _STRICT
    kind: ClassVar[str] = "tick"
    topic: ClassVar[str] = "timeline"

    at: Instant


Reading = VisitRecorded | TemperatureTaken | CheckpointScanned
OutsideRecord = (
    ObservationOpened
    | ObservationExtended
    | ObservationClosed
    | CheckWaived
    | VisitRecorded
    | TemperatureTaken
    | CheckpointScanned
    | AlertAcknowledged
    | AlertResolved
    | PolicyChanged
    | OutageOpened
    | OutageClosed
    | SourceDefined
)
Record = OutsideRecord | SourceHeard | Tick

OUTSIDE_KINDS: dict[str, type[Any]] = {
    record.kind: record
    for record in (
        ObservationOpened,
        ObservationExtended,
        ObservationClosed,
        CheckWaived,
        VisitRecorded,
        TemperatureTaken,
        CheckpointScanned,
        AlertAcknowledged,
        AlertResolved,
        PolicyChanged,
        OutageOpened,
        OutageClosed,
        SourceDefined,
    )
}
KINDS: dict[str, type[Any]] = {**OUTSIDE_KINDS, SourceHeard.kind: SourceHeard, Tick.kind: Tick}
# The source of the outages that watch opens.
WATCH = "gridwatch-watch"
RAW_TOPICS = ("visits", "temperatures", "checkpoints", "observations", "commands")


@dataclass(frozen=True, slots=True, kw_only=True)
class DeadLetter:
    """One refused record: why, which field, where it stood, and its bytes.

    `path` names the field (`policy.checks.0.name`), empty where no single field is at fault. `offset` is the offset in
    the topic, or in a file the zero-based line number. `message` holds no personal data.
    """

    reason: str
    path: str
    message: str
    topic: str = ""
    partition: int = 0
    offset: int = 0
    raw: bytes = field(default=b"", repr=False)
