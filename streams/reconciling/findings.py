"""What a comparison found: differences by place, and what was set aside."""

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from typing import Any, NamedTuple

from events.instants import format_instant

HOUR_MS = 3_600_000
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


class Relation(StrEnum):
    """What was compared with what."""

    RAW_TO_TIMELINE = "raw to timeline"
    TIMELINE_FROM_RAW = "timeline from raw"
    RAW_TO_DEAD_LETTERS = "raw to dead-letters"
    DEAD_LETTERS_FROM_RAW = "dead-letters from raw"
    TICKS = "ticks"
    TIMELINE_TO_CLICKHOUSE = "timeline to clickhouse"
    CHECKS_TO_CLICKHOUSE = "checks to clickhouse"
    ALERTS_TO_CLICKHOUSE = "alerts to clickhouse"
    DEAD_LETTERS_TO_CLICKHOUSE = "dead-letters to clickhouse"
    REVISIONS = "revisions"
    LAST_REVISIONS = "last revisions"
    LEDGER = "ledger"
    FIGURES = "figures"


class Kind(StrEnum):
    """How the two sides differ at a place."""

    MISSING = "missing"
    CHANGED = "changed"
    EXTRA = "extra"
    REPEATED = "repeated"
    OVERTAKEN = "overtaken"
    MENDED = "mended"


# What stands in the log twice is recognised everywhere and harmless; a crash leaves some. What was mended is so no longer.
_NO_DIFFERENCE = frozenset({Kind.REPEATED, Kind.MENDED})


class Place(NamedTuple):
    """Where a record stands; `topic` has its name in the catalogue, `appended_ms` is the broker's stamp, since 1970."""

    topic: str
    partition: int
    offset: int
    appended_ms: int


class Group(NamedTuple):
    """Records that are told of together: those of one hour (since 1970) of one partition, or of one area and day."""

    topic: str
    partition: int | None = None
    hour: int | None = None
    area: str = ""
    date: str = ""

    def document(self) -> dict[str, Any]:
        """Return what there is of it as JSON values; the hour by the instant at which it begins."""
        hour = None if self.hour is None else format_instant(hour_begins_at(self.hour))
        named = {"topic": self.topic, "partition": self.partition, "hour": hour, "area": self.area, "date": self.date}
        return {name: value for name, value in named.items() if value not in (None, "")}


@dataclass(slots=True)
class Difference:
    """How often something differs in a group, and the first offsets at which it does."""

    kind: Kind
    group: Group
    count: int = 0
    offsets: list[int] = field(default_factory=list)


@dataclass(slots=True)
class Finding:
    """One relation: how much was compared, what is under way and was not, and where the two sides differ.

    `set_aside` says why it was not compared, where it was not, and `broken_off` why only a part was: that is no agreement.
    `examples` bounds the offsets that a difference names.
    """

    relation: Relation
    examples: int = 5
    compared: int = 0
    under_way: int = 0
    set_aside: str = ""
    broken_off: str = ""
    _by_group: dict[tuple[Kind, Group], Difference] = field(default_factory=dict)

    def add(self, kind: Kind, group: Group, count: int = 1, offsets: Iterable[int] = ()) -> None:
        """Count a difference of a group."""
        difference = self._by_group.setdefault((kind, group), Difference(kind, group))
        difference.count += count
        room = self.examples - len(difference.offsets)
        difference.offsets += [offset for offset, _ in zip(offsets, range(room), strict=False)]

    def add_at(self, kind: Kind, place: Place) -> None:
        """Count a difference at one place."""
        self.add(kind, group_of(place), 1, (place.offset,))

    @property
    def differences(self) -> list[Difference]:
        """What differs, by place."""
        return [found for _, found in self._sorted() if found.kind not in _NO_DIFFERENCE]

    @property
    def notes(self) -> list[Difference]:
        """What is worth knowing and no difference, by place."""
        return [found for _, found in self._sorted() if found.kind in _NO_DIFFERENCE]

    def counts(self) -> Counter[Kind]:
        """Return how often each kind was found."""
        counts: Counter[Kind] = Counter()
        for (kind, _), found in self._by_group.items():
            counts[kind] += found.count
        return counts

    def _sorted(self) -> Iterator[tuple[object, Difference]]:
        yield from sorted(self._by_group.items(), key=lambda item: (_order(item[0][1]), item[0][0]))


def _order(group: Group) -> tuple[object, ...]:
    return (
        group.topic,
        -1 if group.partition is None else group.partition,
        group.hour or 0,
        group.date,
        group.area,
    )


def group_of(place: Place) -> Group:
    """Return the hour and partition in which a record stands."""
    return Group(place.topic, place.partition, place.appended_ms // HOUR_MS)


def hour_begins_at(hour: int) -> datetime:
    """Return the instant at which an hour since 1970 begins."""
    return _EPOCH + timedelta(hours=hour)


def hour_of(instant: datetime) -> int:
    """Return the hour since 1970 in which an instant lies."""
    return (instant - _EPOCH) // timedelta(hours=1)


@dataclass(frozen=True, slots=True)
class LedgerDay:
    """The checks of a local date that are certain, of all areas: expected is the sum of the others."""

    date: str
    expected: int = 0
    done: int = 0
    late: int = 0
    missed: int = 0
    waived: int = 0
    unknown: int = 0
    pending: int = 0
    lost: int = 0


@dataclass(frozen=True, slots=True)
class Reconciliation:
    """All findings of a range of whole hours by the broker's stamps, `until` not included; and the ledger of its days."""

    since: datetime
    until: datetime
    findings: list[Finding]
    ledger: Sequence[LedgerDay] = ()

    @property
    def agrees(self) -> bool:
        """Whether nothing differs, as far as could be compared at all."""
        return not any(finding.differences or finding.broken_off for finding in self.findings)
