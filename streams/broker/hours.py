"""Reading partitions side by side from a time on, stretch by stretch, without a group: nothing is committed or written.

A stretch ends before the first record that the broker stamped at or after a given time, so that stretches that follow each
other hold every record once, even where a broker's clock went back a little: such a record counts with those it stands with.
"""

import asyncio
from collections.abc import AsyncGenerator, Mapping, Sequence, Set
from contextlib import suppress
from types import TracebackType
from typing import Any, Self

from aiokafka import AIOKafkaConsumer, TopicPartition
from faust.types import TP

from streams.batching.parsed import is_parsed_here, take_parsed
from streams.partition import LogRecord
from streams.settings import Settings

_FETCH_BYTES = 512 * 1024
_POLL_SECONDS = 0.2


class LogHours:
    """A reader of some partitions, each up to an end that is known beforehand.

    At most a fetch of each partition (512 KiB) waits in memory beside what was handed out.
    """

    def __init__(self, settings: Settings, ends: Mapping[TP, int]) -> None:
        """Read the partitions of `ends`, each below its offset there."""
        self._ends = {TopicPartition(*tp): end for tp, end in ends.items()}
        self._held: dict[TopicPartition, Sequence[LogRecord]] = {}
        self._next: dict[TopicPartition, int] = {}
        self._options = settings.kafka.async_client_options()
        self._consumer: Any = None

    async def __aenter__(self) -> Self:
        """Connect; raises aiokafka's KafkaConnectionError when no broker answers."""
        # Brokers verify checksums when a record is written; here they would cost a tenth of the time.
        self._consumer = AIOKafkaConsumer(
            **self._options, enable_auto_commit=False, max_partition_fetch_bytes=_FETCH_BYTES, check_crcs=False
        )
        try:
            await self._consumer.start()
        except BaseException:
            await self._consumer.stop()
            raise
        await asyncio.sleep(0)  # a consumer stopped before its tasks have begun raises CancelledError (aiokafka 0.14)
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._consumer.stop()

    async def begin_at(self, at_ms: int) -> None:
        """Go to the first record of every partition that was stamped at or after a time, or to its end."""
        self._held = {}
        if not self._ends:
            return
        self._consumer.assign(list(self._ends))
        found = await self._consumer.offsets_for_times(dict.fromkeys(self._ends, at_ms))
        for tp, end in self._ends.items():
            offset = found[tp].offset if found.get(tp) is not None else end
            self._next[tp] = min(offset, end)
            self._consumer.seek(tp, self._next[tp])
        async for _ in self.until(at_ms):
            pass  # not every broker finds the place to the record

    async def begin_at_offsets(self, offsets: Mapping[TP, int]) -> None:
        """Go to given offsets, one for every partition."""
        self._held = {}
        self._consumer.assign(list(self._ends))
        for tp, offset in offsets.items():
            self._next[TopicPartition(*tp)] = offset
            self._consumer.seek(TopicPartition(*tp), offset)

    async def until(self, at_ms: int | None = None) -> AsyncGenerator[tuple[TP, Sequence[LogRecord]], None]:
        """Yield the records before the first one that was stamped at or after a time, those of a partition in their order.

        Without a time, all up to the ends. Who stops in between can go on later.
        """
        reading = {tp for tp, end in self._ends.items() if self._next[tp] < end}
        while reading:
            for tp in [tp for tp in self._held if tp in reading]:
                taken = self._take(tp, self._held.pop(tp), at_ms)
                if tp in self._held or self._next[tp] >= self._ends[tp]:
                    reading.discard(tp)
                if taken:
                    yield TP(tp.topic, tp.partition), taken
            if reading:
                self._held |= await self._fetch(reading)
            for tp in reading - self._held.keys():
                # Compaction may leave nothing before the end.
                self._next[tp] = max(self._next[tp], await self._consumer.position(tp))
            reading = {tp for tp in reading if self._next[tp] < self._ends[tp]}

    async def _fetch(self, reading: Set[TopicPartition]) -> dict[TopicPartition, Sequence[LogRecord]]:
        """Return what has come, as aiokafka parsed it: to make its records of it would cost as much once more."""
        fetcher = self._consumer._fetcher
        if not reading & fetcher._records.keys():
            with suppress(TimeoutError):
                async with asyncio.timeout(_POLL_SECONDS):
                    await fetcher._create_fetch_waiter()
        fetched: dict[TopicPartition, Sequence[LogRecord]] = {}
        for tp in reading & fetcher._records.keys():
            result = fetcher._records[tp]
            if not is_parsed_here(result):  # an error, which is raised there
                fetched |= await fetcher.fetched_records({tp}, timeout=0)
                continue
            fetched[tp], _ = take_parsed(result, tp, None)
            if fetched[tp]:
                self._next[tp] = fetched[tp][0].offset
            del fetcher._records[tp]
            fetcher._notify(fetcher._wait_consume_future)  # the next may be fetched
        return fetched

    def _take(self, tp: TopicPartition, records: Sequence[LogRecord], at_ms: int | None) -> Sequence[LogRecord]:
        """Return what belongs to the stretch, hold the rest, and note what comes next."""
        end = self._ends[tp]
        if records and records[-1].offset >= end:
            records = [record for record in records if record.offset < end]
            self._next[tp] = end
        elif records:
            self._next[tp] = records[-1].offset + 1
        if at_ms is None or all(record.timestamp < at_ms for record in records):
            return records
        cut = next(index for index, record in enumerate(records) if record.timestamp >= at_ms)
        self._held[tp] = records[cut:]
        self._next[tp] = records[cut].offset
        return records[:cut]

    def positions(self) -> dict[TP, int]:
        """Return the offset that comes next in each partition; the end where nothing does."""
        return {TP(tp.topic, tp.partition): offset for tp, offset in self._next.items()}
