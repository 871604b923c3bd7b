"""Watch or sink as a process of its own that reads until it is told where its topics end, and says what it took.

    python -m bench.subjects.following PREFIX watch|sink      started by `bench.subjects.together`

Says `{}` when it has begun. Takes one line of JSON, `[[topic, partition, end], ...]`; when it has read everything before
those ends it reports what it took since its first records came, and ends.
"""

import asyncio
import json
import os
import sys
import threading
import time

from bench.span import Span, report
from sinks.clickhouse.consumer import build_consumer
from sinks.clickhouse.loop import SinkLoop, SinkSettings
from sinks.clickhouse.migration import migrate
from sinks.clickhouse.writer import DatabaseWriter
from streams.cli.migrate import open_database
from streams.loops import run
from streams.running import run_parts, worker_part
from streams.settings import Settings, load_settings
from streams.workers import Worker

_LOOK_EVERY_S = 0.01
_DRAIN_SECONDS = 300.0


def _told() -> dict[tuple[str, int], int]:
    """Wait for the line that says where the topics end."""
    return {(topic, partition): end for topic, partition, end in json.loads(sys.stdin.readline())}


async def _watch(settings: Settings) -> None:
    worker = Worker("watch", settings)

    async def observe(stop: asyncio.Event) -> None:
        progress = worker.partitions.progress
        told = asyncio.create_task(asyncio.to_thread(_told))
        while not progress.records:
            await asyncio.sleep(_LOOK_EVERY_S)
        span, first = Span(), progress.records
        records = sum((await told).values())
        while progress.records < records:
            await asyncio.sleep(_LOOK_EVERY_S)
        report(span.as_json(records - first))
        stop.set()

    await run_parts([worker_part(worker), observe], asyncio.Event())


def _sink(settings: Settings) -> None:
    with open_database(settings, create=True) as database:
        migrate(database)
        options = settings.kafka.async_client_options()
        batching = SinkSettings(settings.topic_prefix, settings.sink.batch_records, settings.sink.flush_seconds)
        sink = SinkLoop(
            lambda: build_consumer(options, settings.group("sink"), session_timeout_ms=30_000),
            DatabaseWriter(database),
            batching,
        )
        stop = threading.Event()
        thread = threading.Thread(target=sink.run, args=(stop,))
        thread.start()
        try:
            while not any(sink.waiting()) and thread.is_alive():
                time.sleep(_LOOK_EVERY_S)
            span = Span()
            assert sink.drain(_told(), _DRAIN_SECONDS), "the sink did not get through"
            report(span.as_json(sink.messages_written))
        finally:
            stop.set()
            thread.join()


def main(prefix: str, role: str) -> None:
    """Run a role with the settings of the environment."""
    settings = load_settings(topic_prefix=prefix, group_prefix=prefix)
    os.write(1, b"\n{}\n")
    if role == "watch":
        run(_watch(settings))
    else:
        _sink(settings)


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2])
