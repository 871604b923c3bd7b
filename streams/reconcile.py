"""The reading half of `gridwatch reconcile`: how far the parts are, and what ClickHouse must hold of some hours.

Committed offsets are read before the ends of what follows from them, so all that a commit stands for is below those ends.
"""

import asyncio
import time
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from itertools import groupby
from operator import attrgetter

from faust.types import TP

from events.records import RAW_TOPICS
from streams.broker.hours import LogHours
from streams.broker.offsets import OffsetReader
from streams.partition import LogRecord
from streams.reconciling.findings import HOUR_MS
from streams.reconciling.rows import Row, RowSums
from streams.settings import Settings

SUNK_TOPICS = ("timeline", "checks", "alerts", "dead-letters")
_POLL_S = 0.5
_OFFSET, _STAMP = attrgetter("offset"), attrgetter("timestamp")

# Catalogue name of a topic, partition and records: the fingerprints of their rows, in the same order.
Fingerprints = Callable[[str, TP, Sequence[LogRecord]], Sequence[int]]
Advance = Callable[[], object]


@dataclass(frozen=True, slots=True)
class Standing:
    """How far everybody is, by partition: where the logs end, and what the groups of intake, watch and sink have committed.

    `is_sunk`: the sink has carried all verdicts that watch had written at its commit, and the timeline they come from.
    """

    ends: Mapping[TP, int]
    starts: Mapping[TP, int]
    intake: Mapping[TP, int]
    watch: Mapping[TP, int]
    sink: Mapping[TP, int]
    is_sunk: bool

    def of(self, topic: str) -> list[TP]:
        """Return the partitions of a topic by its name on the brokers."""
        return sorted(tp for tp in self.ends if tp.topic == topic)


async def take_standing(settings: Settings, *, sink_seconds: float) -> Standing:
    """Ask how far everybody is, and wait so long for the sink to come up with watch.

    Raises LookupError for a topic that is not there, and KafkaError.
    """
    give_up_at = time.monotonic() + sink_seconds
    async with OffsetReader(settings) as offsets:
        sunk = await offsets.partitions(SUNK_TOPICS)
        timeline = [tp for tp in sunk if tp.topic == settings.topic("timeline")]
        raw = await offsets.partitions(RAW_TOPICS)
        intake, watch = await offsets.committed("intake"), await offsets.committed("watch")
        verdicts = [tp for tp in sunk if tp.topic == settings.topic("checks")]
        wanted = await offsets.ends(verdicts) | {tp: watch.get(tp, 0) for tp in timeline}
        is_sunk = await _reaches(offsets, wanted, give_up_at)
        sink = await offsets.committed("sink")
        ends = await offsets.ends(sunk)
        is_sunk = is_sunk and await _reaches(offsets, {tp: ends[tp] for tp in timeline}, give_up_at)
        # Last of all: the timeline holds nothing that does not stand there.
        ends |= await offsets.ends(raw)
        return Standing(ends, await offsets.starts(ends), intake, watch, sink, is_sunk)


async def _reaches(offsets: OffsetReader, wanted: Mapping[TP, int], give_up_at: float) -> bool:
    while True:
        sink = await offsets.committed("sink")
        if all(sink.get(tp, 0) >= offset for tp, offset in wanted.items()):
            return True
        if time.monotonic() >= give_up_at:
            return False
        await asyncio.sleep(_POLL_S)


class Expected:
    """What ClickHouse must hold of the hours that are read: sums by partition and hour, of all that the sink has committed.

    `spans` are the offsets of the hours in each partition, below the sink's commit; `under_way` counts what lies beyond.
    """

    def __init__(
        self, settings: Settings, standing: Standing, fingerprints: Fingerprints, may_repeat: Callable[[str], bool]
    ) -> None:
        """Begin with nothing; `may_repeat` tells of a topic whether the same message may stand in it twice."""
        self.sums = {topic: RowSums(may_repeat=may_repeat(topic)) for topic in SUNK_TOPICS}
        self.spans: dict[str, dict[int, tuple[int, int]]] = {topic: {} for topic in SUNK_TOPICS}
        self.under_way: Counter[str] = Counter()
        self._prefix, self._committed, self._fingerprints = settings.topic_prefix, standing.sink, fingerprints

    def take(self, tp: TP, records: Sequence[LogRecord]) -> None:
        """Take records of the hours, those of a partition in their order."""
        topic, committed = tp.topic.removeprefix(self._prefix), self._committed.get(tp, 0)
        if records[-1].offset >= committed:
            self.under_way[topic] += sum(record.offset >= committed for record in records)
            records = [record for record in records if record.offset < committed]
        for hour, group in groupby(records, lambda record: record.timestamp // HOUR_MS):
            part = list(group)
            found = self._fingerprints(topic, tp, part)
            self.sums[topic].add(tp.partition, hour, list(map(_OFFSET, part)), found)

    def close_before(self, hour: int) -> None:
        """Hold no single fingerprints of earlier hours any longer."""
        for sums in self.sums.values():
            sums.close_before(hour)

    def note_spans(self, began: Mapping[TP, int], ended: Mapping[TP, int]) -> None:
        """Note where the hours begin and end in each partition."""
        for tp, first in began.items():
            following = min(ended[tp], self._committed.get(tp, 0))
            if first < following:
                self.spans[tp.topic.removeprefix(self._prefix)][tp.partition] = (first, following)


async def read_results(
    settings: Settings, standing: Standing, hours: range, expected: Expected, advance: Advance
) -> None:
    """Read the verdicts and alerts of whole hours, by the broker's stamps; raises KafkaError."""
    async with reader_of(settings, standing, ("checks", "alerts")) as reader:
        await reader.begin_at(hours.start * HOUR_MS)
        began = reader.positions()
        for hour in hours:
            async for tp, records in reader.until((hour + 1) * HOUR_MS):
                expected.take(tp, records)
            expected.close_before(hour + 1)
            advance()
        expected.note_spans(began, reader.positions())


def reader_of(settings: Settings, standing: Standing, topics: Sequence[str]) -> LogHours:
    """Return what reads all partitions of topics of the catalogue, up to where they stood."""
    names = {settings.topic(topic) for topic in topics}
    return LogHours(settings, {tp: end for tp, end in standing.ends.items() if tp.topic in names})


async def read_rows(
    settings: Settings, tp: TP, span: tuple[int, int], topic: str, fingerprints: Fingerprints
) -> list[Row]:
    """Read a stretch of a partition once more, as the rows that ClickHouse must hold; raises KafkaError."""
    rows: list[Row] = []
    async with LogHours(settings, {tp: span[1]}) as reader:
        await reader.begin_at_offsets({tp: span[0]})
        async for _, records in reader.until():
            found = fingerprints(topic, tp, records)
            rows += map(Row, map(_OFFSET, records), map(_STAMP, records), found)
    return rows
