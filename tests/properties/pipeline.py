"""The pipeline without brokers: the pure deciders of intake and watch, and the logs between them."""

import json
import zlib
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from random import Random
from typing import Any

from events.codec import encode
from events.records import RAW_TOPICS, SourceHeard, SourceRecord, Tick
from streams.broker.outputs import Output
from streams.feeding import read_line
from streams.intake.decider import new_intake
from streams.partition import PartitionDecider, SavedState
from streams.watch.decider import WatchPartition, new_watch
from tests.properties.logs import read, tick_of
from tests.support.written import state_document

_REPEAT_HOURS = 48


@dataclass(frozen=True)
class RawRecord:
    """A line in a raw topic, with the broker's timestamp."""

    value: bytes
    timestamp_ms: int


@dataclass(frozen=True)
class _Record:
    offset: int
    timestamp: int
    value: bytes


@dataclass
class Raw:
    """What stands in the raw topics, by topic and partition, and the order in which intake meets it."""

    records: list[tuple[tuple[str, int], RawRecord | Tick]] = field(default_factory=list)


def raw_log(lines: Iterable[bytes], partitions: int) -> Raw:
    """Put lines into raw topics; a broker's timestamp is never before what a record says has happened.

    What a history tells of sources is left out: intake tells of those that it hears.
    """
    raw, now = Raw(), datetime(1970, 1, 1, tzinfo=UTC)
    for line in lines:
        tick = tick_of(line)
        record = read(line)
        if isinstance(record, SourceRecord):
            now = max(now, record.occurred_at)
        if tick is not None:
            raw.records.append((("", 0), tick))
            continue
        if not line.strip() or isinstance(record, SourceHeard):
            continue
        where = read_line(line)
        assert not isinstance(where, datetime)
        place = (where.output.topic, _partition(where.output.key, partitions))
        raw.records.append((place, RawRecord(line, int((now + timedelta(seconds=1)).timestamp() * 1000))))
    return raw


def _partition(key: bytes | None, partitions: int) -> int:
    return zlib.crc32(key or b"") % partitions


class Interrupted:
    """A decider that is written down and read back at random points, as a restart does."""

    def __init__(self, make: Any, random: Random | None) -> None:
        self._make = make
        self._random = random
        self._restarts = 0.0 if random is None else random.choice([0.05, 0.1, 0.6])
        self._decider: PartitionDecider = make(None)
        self._entries: dict[str, bytes] = {}
        self.next_offset = 0

    def take(self, value: bytes, timestamp_ms: int = 0) -> list[Output]:
        """Decide the next record."""
        if self._random is not None and self._random.random() < self._restarts:
            self._restart()
        record = _Record(self.next_offset, timestamp_ms, value)
        outputs = self._decider.take([record], self.next_offset)
        self.next_offset += 1
        if self._random is not None and self._random.random() < 0.5:
            self._gather_changes()
        return outputs

    def _gather_changes(self) -> None:
        """Take over what has changed, as the state log does."""
        for key, value in self._decider.changes().items():
            if value is None:
                self._entries.pop(key, None)
            else:
                self._entries[key] = value

    def _restart(self) -> None:
        """Begin again with what was gathered, which must be all there is."""
        self._gather_changes()
        assert self._entries == {key: self._decider.entry(key) for key in self._decider.keys()}  # noqa: SIM118  no mapping
        head = json.loads(json.dumps(self._decider.head()))
        self._decider = self._make(SavedState(head, dict(self._entries)))

    def dump(self) -> str:
        """Return the state of a watch as text, whatever the pieces in which it is written down."""
        assert isinstance(self._decider, WatchPartition)
        return json.dumps(state_document(self._decider.state))


@dataclass
class Pipeline:
    """The logs that intake and watch wrote, and their states at the end."""

    timeline: list[list[bytes]]
    results: list[list[Output]]
    refused: list[Output]
    states: list[str]

    def values(self, topic: str, partition: int) -> list[bytes]:
        """Return what watch wrote to a topic because of a partition."""
        return [output.value for output in self.results[partition] if output.topic == topic]


def run_pipeline(raw: Raw, partitions: int, random: Random | None = None) -> Pipeline:
    """Take raw records through intake into the timeline, and the timeline through watch; with `random`, with restarts."""
    timeline, refused = run_intake(raw, partitions, random)
    watches = [
        Interrupted(lambda saved, number=number: new_watch(number, saved), random) for number in range(partitions)
    ]
    results = [
        [output for value in log for output in watch.take(value)] for watch, log in zip(watches, timeline, strict=True)
    ]
    return Pipeline(timeline, results, refused, [watch.dump() for watch in watches])


def run_intake(raw: Raw, partitions: int, random: Random | None) -> tuple[list[list[bytes]], list[Output]]:
    """Take raw records through intake; ticks go to every partition of the timeline."""
    intakes = {
        (topic, number): Interrupted(
            lambda saved, topic=topic, number=number: new_intake(topic, number, _REPEAT_HOURS, saved), random
        )
        for topic in RAW_TOPICS
        for number in range(partitions)
    }
    timeline: list[list[bytes]] = [[] for _ in range(partitions)]
    refused: list[Output] = []
    for place, record in raw.records:
        if isinstance(record, Tick):
            outputs = [Output("timeline", None, encode(record), to_all_partitions=True)]
        else:
            outputs = intakes[place].take(record.value, record.timestamp_ms)
        for output in outputs:
            if output.topic == "dead-letters":
                refused.append(output)
            elif output.to_all_partitions:
                for log in timeline:
                    log.append(output.value)
            else:
                timeline[_partition(output.key, partitions)].append(output.value)
    return timeline, refused
