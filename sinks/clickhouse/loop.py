"""The sink's loop: read the topics, write batches, then commit. Nothing is committed that was not written.

    read -> buffers, one a partition -> batches -> ClickHouse -> commit
     ^                    |
     +---- no more than `waiting_records` and `waiting_bytes`: then nothing is read until something is written

Reading goes on while a batch is written, which happens in a thread of its own; one batch at a time, in their order, so
that a commit never covers what is not written.

A crash anywhere reads again from the last commit and writes the same rows again, which fall on themselves. So does a
rebalance: what was read of a partition that is taken away is written all the same, only not committed, and whoever has
it now reads from the commit. (To forget it would need to be in step with the client's own task, and a buffer dropped
too late is a gap.) Any error of writing leaves the loop: the surroundings' fault ends the process without a commit.
"""

import asyncio
import threading
import time
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import NamedTuple

import structlog

from sinks.clickhouse.assembly import Assembler
from sinks.clickhouse.batches import Batch
from sinks.clickhouse.columns import TOPICS
from sinks.clickhouse.consumer import LogReader
from sinks.clickhouse.runs import Place, Run
from sinks.clickhouse.writer import Writer

_log = structlog.get_logger(__name__)
_READ_SECONDS = 0.2
_PAUSE_SECONDS = 0.05
# What a stop waits for: a read that is under way, and the last commit. Without brokers neither would end.
_LAST_READ_SECONDS, _LAST_COMMIT_SECONDS = 1.0, 10.0
_COMMIT_SECONDS = 30.0
_WITHOUT_GAPS = frozenset({"timeline", "dead-letters"})


@dataclass(frozen=True, slots=True)
class SinkSettings:
    """How the sink batches: at `batch_records` offsets, or after `flush_seconds` where fewer come.

    Nothing is read while `waiting_records` messages or `waiting_bytes` of them are read and not written; the last read may
    go beyond by a fetch of each partition (1 MiB). Where that is no room for full batches, smaller ones are written.
    """

    topic_prefix: str = ""
    batch_records: int = 50_000
    flush_seconds: float = 1.0
    waiting_records: int = 100_000
    waiting_bytes: int = 32 * 1024 * 1024

    def topics(self) -> dict[str, str]:
        """Names of the topics with their prefix, each to its name in the catalogue."""
        return {f"{self.topic_prefix}{topic}": topic for topic in TOPICS}


class SinkInsight(NamedTuple):
    """What can be seen of a sink: `reached` as `progress` says, `read_to` the offset that is expected next.

    `is_joining` while partitions are dealt out; `is_writing` while a batch is with ClickHouse.
    """

    assigned: frozenset[Place]
    reached: Mapping[Place, int]
    read_to: Mapping[Place, int]
    batches_written: int
    rebalances: int
    is_joining: bool
    is_writing: bool


class SinkLoop:
    """Reads the sink's topics and writes them; `run` in one thread, the rest from any.

    The reader that the factory builds (`sinks.clickhouse.consumer`) is built, used and stopped by the thread that runs.
    """

    def __init__(
        self,
        consumer_factory: Callable[[], LogReader],
        writer: Writer,
        settings: SinkSettings,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._consumer_factory = consumer_factory
        self._writer = writer
        self._settings = settings
        self._clock = clock
        self._catalogue = settings.topics()
        self._assembler = Assembler(self._catalogue, settings.batch_records, settings.flush_seconds)
        self._writing_records = 0
        self._writing_bytes = 0
        self._read_to: dict[Place, int] = {}
        self._reached: dict[Place, int] = {}
        self._changed = threading.Condition()
        self._ended = False
        self._failure: BaseException | None = None
        self._reader: LogReader | None = None
        self._batches_written = 0
        self.event_loop: asyncio.AbstractEventLoop | None = None
        self.messages_written = 0
        self.messages_quarantined = 0

    def run(self, stop: threading.Event) -> None:
        """Work until `stop` is set, then write what was read and leave the group; raises what writing raises.

        Also raises aiokafka's KafkaError.
        """
        try:
            asyncio.run(self._run(stop))
        finally:
            with self._changed:
                self._ended = True
                self._changed.notify_all()

    def fail(self, reason: BaseException) -> None:
        """Have `run` end with a reason, nothing more written or committed."""
        self._failure = reason

    def insight(self) -> SinkInsight:
        """Return what can be seen from outside, for any thread; nothing is waited for."""
        reader, reached = self._reader, self._reached
        return SinkInsight(
            frozenset(reached),
            reached,
            dict(tuple(self._read_to.items())),
            self._batches_written,
            0 if reader is None else reader.rebalances,
            reader is None or reader.is_joining,
            self._writing_records > 0,
        )

    def progress(self) -> dict[Place, int]:
        """Return, by topic and partition, the offset before which everything is in ClickHouse."""
        with self._changed:
            return dict(self._reached)

    def waiting(self) -> tuple[int, int]:
        """Return how many messages, and how many bytes of them, were read and are not written."""
        return (
            self._assembler.waiting_records + self._writing_records,
            self._assembler.waiting_bytes + self._writing_bytes,
        )

    def drain(self, ends: Mapping[Place, int], timeout_seconds: float) -> bool:
        """Wait until everything before the given end offsets is written; False when time is up or the loop has ended."""
        with self._changed:
            self._changed.wait_for(lambda: self._ended or self._has_reached(ends), timeout_seconds)
            return self._has_reached(ends)

    def _has_reached(self, ends: Mapping[Place, int]) -> bool:
        return all(self._reached.get(place, 0) >= end for place, end in ends.items())

    async def _run(self, stop: threading.Event) -> None:
        self.event_loop = asyncio.get_running_loop()
        reader = self._reader = self._consumer_factory()
        if not await self._has_started(reader, stop):
            return
        reading = asyncio.create_task(self._read(reader, stop))
        try:
            with ThreadPoolExecutor(1, thread_name_prefix="clickhouse") as thread:
                while not (self._is_over(stop) or reading.done()):
                    if not await self._write(reader, thread):
                        await asyncio.sleep(_PAUSE_SECONDS)
                await _come_to_an_end(reading, _LAST_READ_SECONDS)
                if self._failure is not None:
                    raise self._failure
                await self._write(reader, thread, everything=True)
        finally:
            reading.cancel()
            await asyncio.gather(reading, return_exceptions=True)
            await reader.stop()

    def _is_over(self, stop: threading.Event) -> bool:
        return stop.is_set() or self._failure is not None

    async def _has_started(self, reader: LogReader, stop: threading.Event) -> bool:
        """Join the group; False when a stop came first, as it may where brokers answer and no group comes together."""
        starting = asyncio.create_task(reader.start(sorted(self._catalogue)))
        while not (starting.done() or self._is_over(stop)):
            await asyncio.wait({starting}, timeout=_PAUSE_SECONDS)
        if starting.done():
            await starting
            return True
        starting.cancel()
        await asyncio.gather(starting, return_exceptions=True)
        if self._failure is not None:
            raise self._failure
        return False

    async def _read(self, reader: LogReader, stop: threading.Event) -> None:
        while not self._is_over(stop):
            if self._is_full():
                await asyncio.sleep(_PAUSE_SECONDS)
                continue
            for run, end_seen in await reader.read(_READ_SECONDS):
                self._warn_of_gap(run)
                self._assembler.add(run, self._clock(), end_seen)

    def _is_full(self) -> bool:
        records, size_bytes = self.waiting()
        return records >= self._settings.waiting_records or size_bytes >= self._settings.waiting_bytes

    def _warn_of_gap(self, run: Run) -> None:
        """Say so when the broker deleted what was never read; compacted topics have gaps by nature."""
        expected = self._read_to.get(run.place)
        if self._catalogue[run.topic] in _WITHOUT_GAPS and expected is not None and run.offsets[0] > expected:
            _log.error("log_has_gap", place=run.place, expected_offset=expected, came_offset=run.offsets[0])
        self._read_to[run.place] = run.offsets[-1] + 1

    async def _write(self, reader: LogReader, thread: ThreadPoolExecutor, *, everything: bool = False) -> bool:
        """Write what is to be written now and commit it; returns whether there was anything."""
        batches = self._assembler.take(self._clock(), everything=everything)
        if not batches and self._is_full():
            batches = self._assembler.take(self._clock(), everything=True)
        for batch in batches:
            self._count(batch, 1)
        written: dict[Place, int] = {}
        for batch in batches:
            quarantined = await asyncio.get_running_loop().run_in_executor(thread, self._writer.write, batch)
            self._note(batch, quarantined=quarantined)
            self._count(batch, -1)
            written |= {place: last + 1 for place, (_, last) in batch.spans.items()}
        await reader.commit(written, _LAST_COMMIT_SECONDS if everything else _COMMIT_SECONDS)
        await self._publish(reader)
        return bool(batches)

    def _count(self, batch: Batch, sign: int) -> None:
        self._writing_records += sign * len(batch)
        self._writing_bytes += sign * batch.size_bytes

    def _note(self, batch: Batch, *, quarantined: int) -> None:
        self._batches_written += 1
        self.messages_written += len(batch)
        self.messages_quarantined += quarantined
        spans = [f"{topic}/{partition}/{first}-{last}" for (topic, partition), (first, last) in batch.spans.items()]
        _log.debug("batch_written", topic=batch.topic, messages=len(batch), spans=spans)
        if quarantined:
            _log.warning("messages_quarantined", topic=batch.topic, messages=quarantined, spans=spans)

    async def _publish(self, reader: LogReader) -> None:
        """Make known how far it is; a partition of which nothing waits is done up to where the reader stands."""
        reached = await reader.positions()
        for place in reached:
            waiting = self._assembler.first_waiting(place)
            reached[place] = reached[place] if waiting is None else waiting
        # Of partitions that went elsewhere nothing is expected any more: others read on there.
        self._read_to = {place: offset for place, offset in self._read_to.items() if place in reached}
        with self._changed:
            self._reached = reached
            self._changed.notify_all()


async def _come_to_an_end(task: asyncio.Task[None], seconds: float) -> None:
    """Give a task so long to end by itself, then end it; raises what it raises."""
    await asyncio.wait({task}, timeout=seconds)
    if task.done():
        await task
