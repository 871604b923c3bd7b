"""Intake, watch and sink in one process until everything that came in has reached ClickHouse.

python -m bench.subjects.together PREFIX RAW-RECORDS FIRST-DAY DAYS      with the settings in the environment
"""

import asyncio
import sys
import threading
from datetime import datetime, timedelta

from faust.types import TP

from bench.span import Span, report
from events.codec import encode
from events.records import Tick
from sinks.clickhouse.columns import TOPICS
from sinks.clickhouse.consumer import build_consumer
from sinks.clickhouse.loop import SinkLoop, SinkSettings
from sinks.clickhouse.migration import migrate
from sinks.clickhouse.writer import DatabaseWriter
from streams.broker.offsets import OffsetReader
from streams.broker.outputs import Output
from streams.broker.publisher import Publisher
from streams.cli.migrate import open_database
from streams.running import Part, run_parts, worker_part
from streams.settings import Settings, load_settings
from streams.workers import Worker

_LOOK_EVERY_S = 0.01
_DRAIN_SECONDS = 300.0


class Together:
    """The parts of one process, and the look at how far they are."""

    def __init__(self, settings: Settings, raw_records: int, start: datetime, days: int) -> None:
        """Prepare; `start` is the first instant of the town."""
        self._settings = settings
        self._raw_records = raw_records
        self._ticks = [start + timedelta(hours=hour) for hour in range(24 * days + 1)]
        self._intake, self._watch = Worker("intake", settings), Worker("watch", settings)

    async def run(self, sink: SinkLoop) -> None:
        """Run all until everything is in ClickHouse, and report what it took."""
        parts = [worker_part(self._intake), worker_part(self._watch), _sink_part(sink), self._observer(sink)]
        await run_parts(parts, asyncio.Event())

    def _observer(self, sink: SinkLoop) -> Part:
        async def observe(stop: asyncio.Event) -> None:
            intake = self._intake.partitions.progress
            while not intake.records:
                await asyncio.sleep(_LOOK_EVERY_S)
            span, first = Span(), intake.records
            async with Publisher(self._settings) as publisher, OffsetReader(self._settings) as offsets:
                await self._drive_clock(publisher)
                ends = await self._wait_for_watch(offsets)
                places = {(tp.topic, tp.partition): end for tp, end in ends.items()}
                assert await asyncio.to_thread(sink.drain, places, _DRAIN_SECONDS)
            report(span.as_json(self._raw_records - first))
            stop.set()

        return observe

    async def _drive_clock(self, publisher: Publisher) -> None:
        """Write the ticks of the town as intake goes through its records."""
        intake = self._intake.partitions.progress
        for number, at in enumerate(self._ticks):
            while intake.records < self._raw_records * number // (len(self._ticks) - 1):
                await asyncio.sleep(_LOOK_EVERY_S)
            await publisher.publish([Output("timeline", None, encode(Tick(at=at)), to_all_partitions=True)])

    async def _wait_for_watch(self, offsets: OffsetReader) -> dict[TP, int]:
        """Wait until watch has read the timeline to its end, and return where all topics of the sink end then."""
        timeline = await offsets.partitions(["timeline"])
        records = sum((await offsets.ends(timeline)).values())
        while self._watch.partitions.progress.records < records:
            await asyncio.sleep(_LOOK_EVERY_S)
        return await offsets.ends(await offsets.partitions(TOPICS))


def _sink_part(sink: SinkLoop) -> Part:
    async def serve(stop: asyncio.Event) -> None:
        end = threading.Event()
        running = asyncio.create_task(asyncio.to_thread(sink.run, end))
        stopping = asyncio.create_task(stop.wait())
        await asyncio.wait({running, stopping}, return_when=asyncio.FIRST_COMPLETED)
        end.set()
        stopping.cancel()
        await running

    return serve


def main(prefix: str, raw_records: int, first_day: str, days: int) -> None:
    """Open the engine, bring its tables up to date, and run."""
    settings = load_settings(topic_prefix=prefix, group_prefix=prefix)
    together = Together(settings, raw_records, datetime.fromisoformat(f"{first_day}T00:00:00+08:00"), days)
    with open_database(settings, create=True) as database:
        migrate(database)
        options = settings.kafka.async_client_options()
        sink = SinkLoop(
            lambda: build_consumer(options, settings.group("sink"), session_timeout_ms=30_000),
            DatabaseWriter(database),
            SinkSettings(prefix, settings.sink.batch_records, settings.sink.flush_seconds),
        )
        asyncio.run(together.run(sink))


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]), sys.argv[3], int(sys.argv[4]))
