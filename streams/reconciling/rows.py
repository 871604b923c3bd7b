"""Rows of a table against the messages that they were made of, by their fingerprints.

First counts and sums, modulo 2^64, by partition and hour; only where these differ, row by row. A message that stands in the
log twice counts once: ClickHouse keeps one row of it, with the later offset.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence, Set
from dataclasses import dataclass, field
from typing import NamedTuple

from streams.reconciling.findings import Finding, Kind, Place

_WRAP = 1 << 64

PartitionHour = tuple[int, int]


class Sum(NamedTuple):
    """How many different rows, and the sum of their fingerprints modulo 2^64."""

    rows: int
    checksum: int


NOTHING = Sum(0, 0)


class Row(NamedTuple):
    """One message or row: its offset, the broker's stamp, and the fingerprint of all else."""

    offset: int
    appended_ms: int
    fingerprint: int


@dataclass(slots=True)
class _Hour:
    first_offset: int
    next_offset: int
    open: set[int] = field(default_factory=set)
    total: Sum = NOTHING


class RowSums:
    """Sums up the messages of one topic by partition and hour.

    While an hour of a partition is open its fingerprints are held, about 80 bytes each, so that repeats count once; topics
    that repeat nothing need not.
    """

    def __init__(self, *, may_repeat: bool) -> None:
        self._may_repeat = may_repeat
        self._hours: dict[PartitionHour, _Hour] = {}

    def add(self, partition: int, hour: int, offsets: Sequence[int], fingerprints: Sequence[int]) -> None:
        """Take messages of one partition and hour, one at least, in the order of their offsets."""
        found = self._hours.setdefault((partition, hour), _Hour(offsets[0], offsets[0]))
        found.first_offset = min(found.first_offset, offsets[0])
        found.next_offset = max(found.next_offset, offsets[-1] + 1)
        if self._may_repeat:
            found.open.update(fingerprints)
        else:
            found.total = _plus(found.total, fingerprints)

    def close_before(self, hour: int) -> None:
        """Forget the fingerprints of earlier hours and keep their sums."""
        for (_, number), found in self._hours.items():
            if number < hour and found.open:
                found.total, found.open = _plus(found.total, found.open), set()

    def sums(self) -> dict[PartitionHour, Sum]:
        """Return the sums so far."""
        return {key: _plus(found.total, found.open) for key, found in self._hours.items()}

    def span(self, key: PartitionHour) -> tuple[int, int]:
        """Return the first offset of a partition's hour and the one after its last."""
        found = self._hours[key]
        return found.first_offset, found.next_offset


def _plus(total: Sum, fingerprints: Iterable[int]) -> Sum:
    found = list(fingerprints)
    return Sum(total.rows + len(found), (total.checksum + sum(found)) % _WRAP)


def differing(log: Mapping[PartitionHour, Sum], table: Mapping[PartitionHour, Sum]) -> Iterator[PartitionHour]:
    """Yield the partitions' hours of which the sums differ, in order."""
    for key in sorted(log.keys() | table.keys()):
        if log.get(key, NOTHING) != table.get(key, NOTHING):
            yield key


def compare_rows(
    finding: Finding, topic: str, partition: int, log: Sequence[Row], table: Sequence[Row], *, has_gaps: bool = False
) -> set[int]:
    """Compare messages with the rows of the same offsets; add what is changed or extra, and return what is missing.

    These are the fingerprints that no row has: ClickHouse may hold them with a later offset. `has_gaps` is for a log of
    which older messages may be gone: there a row without a message says nothing.
    """
    by_offset = {row.offset: row for row in log}
    expected, present = {row.fingerprint for row in log}, {row.fingerprint for row in table}
    wrong: dict[int, int] = {}
    for row in table:
        place = Place(topic, partition, row.offset, row.appended_ms)
        message = by_offset.get(row.offset)
        if message is None:
            if row.fingerprint not in expected and not has_gaps:
                finding.add_at(Kind.EXTRA, place)
        elif message != row and row.offset not in wrong:
            wrong[row.offset] = message.fingerprint
            finding.add_at(Kind.CHANGED, place._replace(appended_ms=message.appended_ms))
    return expected - present - set(wrong.values())


def add_missing(finding: Finding, topic: str, partition: int, log: Iterable[Row], missing: Set[int]) -> None:
    """Add the messages whose fingerprints have no row anywhere, each once."""
    left = set(missing)
    for row in log:
        if row.fingerprint in left:
            left.remove(row.fingerprint)
            finding.add_at(Kind.MISSING, Place(topic, partition, row.offset, row.appended_ms))
