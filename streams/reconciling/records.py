"""Raw topics against timeline and dead letters, stretch by stretch.

Raw records are given before what follows from them: they are open until their lines or letters come. Lines and letters look
for their raw records among those that were seen; where one comes before its raw record, it is open until that comes.

Records that do not count are seen and ask for nothing: those before the range, because intake takes a moment, and because
repeats repeat them; those after it, in which the partners of the last of the range may stand.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from events.reading_wire import read_tick
from events.records import RAW_TOPICS
from streams.partition import LogRecord
from streams.reconciling.findings import Finding, Kind, Place, Relation
from streams.reconciling.lines import is_left_out_twice, is_of_intake, is_tick, read_letter, read_line, read_raw
from streams.reconciling.pairing import USUAL_MEMORY, Memory, Pairing, TooManyOpenError
from streams.reconciling.ticks import TickSeen

_TIMELINE, _LETTERS = "timeline", "dead-letters"
# Clocks of several machines, one of which stamps and another ticks.
_SKEW = timedelta(minutes=1)
_EPOCH = _NEVER = datetime(1970, 1, 1, tzinfo=UTC)

PartitionOf = tuple[str, int]


@dataclass(slots=True)
class _Side:
    """One direction: what is asked of one log for the other."""

    finding: Finding
    pairing: Pairing

    def take(self, seen: set[int], wanted: Mapping[int, Place]) -> None:
        self.pairing.see(seen)
        if wanted and not self.finding.broken_off:
            try:
                self.pairing.want(wanted)
            except TooManyOpenError as error:
                self.finding.broken_off = f"{error}: what follows was not compared"

    @property
    def open_count(self) -> int:
        return self.pairing.open_count

    def result(self, kind: Kind) -> Finding:
        for place in self.pairing.open_places():
            self.finding.add_at(kind, place)
        return self.finding


class RecordComparison:
    """Takes the records of raw topics, timeline and dead letters, and tells what has no counterpart.

    `committed` is how far intake is in each raw partition: what lies beyond is under way. `raw_from` is the first offset
    that is read of each: a dead letter of one before it is not asked after.
    """

    def __init__(
        self,
        timeline_partitions: int,
        committed: Mapping[PartitionOf, int],
        raw_from: Mapping[PartitionOf, int],
        *,
        examples: int = 5,
        memory: Memory = USUAL_MEMORY,
    ) -> None:
        self._partitions = timeline_partitions
        self._committed, self._raw_from = committed, raw_from
        self._sides = {
            relation: _Side(Finding(relation, examples), Pairing(memory))
            for relation in (
                Relation.RAW_TO_TIMELINE,
                Relation.TIMELINE_FROM_RAW,
                Relation.RAW_TO_DEAD_LETTERS,
                Relation.DEAD_LETTERS_FROM_RAW,
            )
        }
        self.ticks: dict[int, list[TickSeen]] = {number: [] for number in range(timeline_partitions)}
        self._clocks = dict.fromkeys(range(timeline_partitions), _NEVER)

    def take_raw(self, topic: str, partition: int, records: Iterable[LogRecord], *, counts: bool) -> None:
        """Take records of a raw topic, named as in the catalogue."""
        lines, letters = self._sides[Relation.RAW_TO_TIMELINE], self._sides[Relation.RAW_TO_DEAD_LETTERS]
        committed = self._committed.get((topic, partition), 0)
        whole, refused = set[int](), set[int]()
        lines_wanted, letters_wanted = dict[int, Place](), dict[int, Place]()
        for record in records:
            offset, stamp = record.offset, record.timestamp
            asks = counts and offset < committed
            read = read_raw(topic, partition, offset, stamp, record.value or b"", self._partitions)
            if counts:
                finding = letters.finding if isinstance(read, int) else lines.finding
                finding.compared += asks
                finding.under_way += not asks
            if isinstance(read, int):
                refused.add(read)
                if asks:
                    letters_wanted[read] = Place(topic, partition, offset, stamp)
                continue
            for identity in read:
                whole.add(identity.whole)
                if asks:
                    lines_wanted.setdefault(identity.identity, Place(topic, partition, offset, stamp))
        lines.take(set(), lines_wanted)
        letters.take(set(), letters_wanted)
        self._sides[Relation.TIMELINE_FROM_RAW].take(whole, {})
        self._sides[Relation.DEAD_LETTERS_FROM_RAW].take(refused, {})

    def take_timeline(self, partition: int, records: Iterable[LogRecord], *, counts: bool) -> None:
        """Take records of a partition of the timeline."""
        lines, whole = self._sides[Relation.RAW_TO_TIMELINE], self._sides[Relation.TIMELINE_FROM_RAW]
        seen, wanted = set[int](), dict[int, Place]()
        for record in records:
            line = record.value or b""
            if is_tick(line) and (tick := read_tick(line)) is not None:
                self._take_tick(partition, TickSeen(tick.at, record.offset, record.timestamp))
                continue
            if is_of_intake(line):
                continue
            identity = read_line(line, partition)
            if counts:
                place = Place(_TIMELINE, partition, record.offset, record.timestamp)
                whole.finding.compared += 1
                wanted.setdefault(identity.whole, place)
                is_again = identity.identity in seen or lines.pairing.knows(identity.identity)
                if is_again and is_left_out_twice(line):
                    whole.finding.add_at(Kind.REPEATED, place)
            seen.add(identity.identity)
        lines.take(seen, {})
        whole.take(set(), wanted)

    def _take_tick(self, partition: int, tick: TickSeen) -> None:
        self.ticks[partition].append(tick)
        if tick.is_live:
            self._clocks[partition] = max(self._clocks[partition], tick.at)

    def take_dead_letters(self, partition: int, records: Iterable[LogRecord], *, counts: bool) -> None:
        """Take records of a partition of the dead letters; those of the timeline come from watch, and are passed over."""
        letters, refused = self._sides[Relation.RAW_TO_DEAD_LETTERS], self._sides[Relation.DEAD_LETTERS_FROM_RAW]
        seen, wanted = set[int](), dict[int, Place]()
        for record in records:
            place = Place(_LETTERS, partition, record.offset, record.timestamp)
            letter = read_letter(record.value or b"")
            if letter is None:
                if counts:
                    refused.finding.compared += 1
                    refused.finding.add_at(Kind.EXTRA, place)
                continue
            if letter.topic not in RAW_TOPICS:
                continue
            seen.add(letter.hash)
            if counts and letter.offset >= self._raw_from.get((letter.topic, letter.partition), 0):
                refused.finding.compared += 1
                wanted.setdefault(letter.hash, place)
        letters.take(seen, {})
        refused.take(set(), wanted)

    @property
    def open_lines(self) -> int:
        """How many raw records have no line in the timeline so far."""
        return self._sides[Relation.RAW_TO_TIMELINE].open_count

    @property
    def open_letters(self) -> int:
        """How many raw records have no dead letter so far."""
        return self._sides[Relation.RAW_TO_DEAD_LETTERS].open_count

    @property
    def open_sources(self) -> int:
        """How many lines and dead letters have no raw record so far."""
        sides = self._sides
        return sides[Relation.TIMELINE_FROM_RAW].open_count + sides[Relation.DEAD_LETTERS_FROM_RAW].open_count

    @property
    def has_forgotten(self) -> bool:
        """Whether something that was seen is not remembered any longer."""
        return any(side.pairing.has_forgotten for side in self._sides.values())

    def is_past(self, until_ms: int) -> bool:
        """Tell whether every partition has had a tick after which nothing comes that was received before `until_ms`."""
        return all(clock >= _EPOCH + timedelta(milliseconds=until_ms) + _SKEW for clock in self._clocks.values())

    def findings(self) -> list[Finding]:
        """Return what was found; call it once, when everything was taken."""
        sides = self._sides
        return [
            sides[Relation.RAW_TO_TIMELINE].result(Kind.MISSING),
            sides[Relation.TIMELINE_FROM_RAW].result(Kind.EXTRA),
            sides[Relation.RAW_TO_DEAD_LETTERS].result(Kind.MISSING),
            sides[Relation.DEAD_LETTERS_FROM_RAW].result(Kind.EXTRA),
        ]
