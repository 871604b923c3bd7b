"""The sink's loop: read the topics, write batches, then commit. Nothing is committed that was not written.

    poll -> buffers, one a partition -> batches -> ClickHouse -> commit

A crash anywhere reads again from the last commit and writes the same rows again, which fall on themselves. So does a
rebalance: what was read of a partition that is taken away is written all the same, only not committed, and whoever has
it now reads from the commit. (To forget it would need to be in step with the client's own thread, and a buffer dropped
too late is a gap.) Any error of writing leaves the loop: the surroundings' fault ends the process without a commit.
"""

import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import structlog
from kafka.errors import CommitFailedError, RebalanceInProgressError
from kafka.structs import OffsetAndMetadata, TopicPartition

from sinks.clickhouse.assembly import Assembler
from sinks.clickhouse.batches import Batch, Place
from sinks.clickhouse.rows import TOPICS, Message
from sinks.clickhouse.writer import Writer

_log = structlog.get_logger(__name__)
_POLL_MS = 200
_COMMIT_MS = 30_000
_WITHOUT_GAPS = frozenset({"timeline", "dead-letters"})


@dataclass(frozen=True, slots=True)
class SinkSettings:
    """How the sink batches: at `batch_records` offsets, or after `flush_seconds` where fewer come."""

    topic_prefix: str = ""
    batch_records: int = 20_000
    flush_seconds: float = 1.0
    poll_records: int = 10_000

    def topics(self) -> dict[str, str]:
        """Names of the topics with their prefix, each to its name in the catalogue."""
        return {f"{self.topic_prefix}{topic}": topic for topic in TOPICS}


class SinkLoop:
    """Reads the sink's topics and writes them; `run` in one thread, the rest from any.

    The consumer that the factory builds (`sinks.clickhouse.consumer`) is built, used and closed by the thread that runs.
    """

    def __init__(
        self,
        consumer_factory: Callable[[], Any],
        writer: Writer,
        settings: SinkSettings,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._consumer_factory = consumer_factory
        self._writer = writer
        self._poll_records = settings.poll_records
        self._clock = clock
        self._catalogue = settings.topics()
        self._assembler = Assembler(self._catalogue, settings.batch_records, settings.flush_seconds)
        self._reached: dict[Place, int] = {}
        self._changed = threading.Condition()
        self._ended = False
        self.messages_written = 0
        self.messages_quarantined = 0

    def run(self, stop: threading.Event) -> None:
        """Work until `stop` is set, then write what was read and leave the group; raises what writing raises."""
        consumer = self._consumer_factory()
        try:
            consumer.subscribe(topics=sorted(self._catalogue))
            while not stop.is_set():
                self._read(consumer)
                self._write(consumer)
            self._write(consumer, everything=True)
        finally:
            with self._changed:
                self._ended = True
                self._changed.notify_all()
            consumer.close(autocommit=False)

    def progress(self) -> dict[Place, int]:
        """Return, by topic and partition, the offset before which everything is in ClickHouse."""
        with self._changed:
            return dict(self._reached)

    def drain(self, ends: Mapping[Place, int], timeout_seconds: float) -> bool:
        """Wait until everything before the given end offsets is written; False when time is up or the loop has ended."""
        with self._changed:
            self._changed.wait_for(lambda: self._ended or self._has_reached(ends), timeout_seconds)
            return self._has_reached(ends)

    def _has_reached(self, ends: Mapping[Place, int]) -> bool:
        return all(self._reached.get(place, 0) >= end for place, end in ends.items())

    def _read(self, consumer: Any) -> None:
        polled = consumer.poll(timeout_ms=_POLL_MS, max_records=self._poll_records)
        for partition, records in polled.items():
            messages = [Message(r.topic, r.partition, r.offset, r.timestamp, r.value) for r in records]
            self._warn_of_gap(tuple(partition), messages)
            self._assembler.add(tuple(partition), messages, self._clock(), consumer.highwater(partition))

    def _warn_of_gap(self, place: Place, messages: list[Message]) -> None:
        """Say so when the broker deleted what was never read; compacted topics have gaps by nature."""
        waiting = self._assembler.last_waiting(place)
        expected = self._reached.get(place) if waiting is None else waiting + 1
        if self._catalogue[place[0]] in _WITHOUT_GAPS and expected is not None and messages[0].offset > expected:
            _log.error("log_has_gap", place=place, expected_offset=expected, came_offset=messages[0].offset)

    def _write(self, consumer: Any, *, everything: bool = False) -> None:
        written: dict[Place, int] = {}
        for batch in self._assembler.take(self._clock(), everything=everything):
            self._note(batch, quarantined=self._writer.write(batch))
            written |= {place: last for place, (_, last) in batch.spans.items()}
        ours = {TopicPartition(*place) for place in written} & consumer.assignment()
        if ours:
            self._commit(consumer, {part: OffsetAndMetadata(written[tuple(part)] + 1, "", -1) for part in ours})
        self._publish(consumer)

    def _note(self, batch: Batch, *, quarantined: int) -> None:
        self.messages_written += len(batch.messages)
        self.messages_quarantined += quarantined
        spans = [f"{topic}/{partition}/{first}-{last}" for (topic, partition), (first, last) in batch.spans.items()]
        _log.debug("batch_written", topic=batch.topic, messages=len(batch.messages), spans=spans)
        if quarantined:
            _log.warning("messages_quarantined", topic=batch.topic, messages=quarantined, spans=spans)

    def _commit(self, consumer: Any, offsets: dict[TopicPartition, OffsetAndMetadata]) -> None:
        try:
            consumer.commit(offsets, timeout_ms=_COMMIT_MS)
        except (CommitFailedError, RebalanceInProgressError) as error:
            # The partitions are changing owner, and the new one writes the same rows once more.
            _log.warning("commit_refused", partitions=len(offsets), error=type(error).__name__)

    def _publish(self, consumer: Any) -> None:
        """Make known how far it is; a partition of which nothing waits is done up to where the consumer stands."""
        reached: dict[Place, int] = {}
        for partition in consumer.assignment():
            offset = self._assembler.first_waiting(tuple(partition))
            offset = consumer.position(partition, timeout_ms=0) if offset is None else offset
            if offset is not None:
                reached[tuple(partition)] = offset
        with self._changed:
            self._reached = reached
            self._changed.notify_all()
