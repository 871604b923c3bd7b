"""The sink until it has written what its topics hold; `asked` has another thread ask for reports meanwhile.

python -m bench.subjects.sinking PREFIX alone|asked FIRST-DAY      with the settings in the environment
"""

import asyncio
import sys
import threading
import time
from datetime import date, timedelta
from statistics import median

from bench.span import Span, report
from sinks.clickhouse.columns import TOPICS
from sinks.clickhouse.consumer import build_consumer
from sinks.clickhouse.driver import Database
from sinks.clickhouse.loop import SinkLoop, SinkSettings
from sinks.clickhouse.migration import migrate
from sinks.clickhouse.report import UnknownAreaError, daily_report
from sinks.clickhouse.writer import DatabaseWriter
from streams.broker.offsets import OffsetReader
from streams.cli.migrate import open_database
from streams.settings import Settings, load_settings

_DRAIN_SECONDS = 200.0
_PAUSE_S = 0.2


async def _ends(settings: Settings) -> dict[tuple[str, int], int]:
    async with OffsetReader(settings) as offsets:
        ends = await offsets.ends(await offsets.partitions(TOPICS))
    return {(tp.topic, tp.partition): end for tp, end in ends.items()}


def _ask(database: Database, first_day: date, stop: threading.Event, seconds: list[float]) -> None:
    """Ask for one day after the other of the whole town until stopped."""
    day = 0
    while not stop.wait(_PAUSE_S):
        began = time.perf_counter()
        try:
            daily_report(database, first_day + timedelta(days=day % 14), "jintang")
        except UnknownAreaError:
            continue
        seconds.append(time.perf_counter() - began)
        day += 1


def main(prefix: str, first_day: date, *, asks: bool) -> None:
    """Write everything and report what it took."""
    settings = load_settings(topic_prefix=prefix, group_prefix=f"{prefix}{'asked' if asks else 'alone'}")
    ends = asyncio.run(_ends(settings))
    stop, answers = threading.Event(), list[float]()
    with open_database(settings, create=True) as database:
        migrate(database)
        options = settings.kafka.async_client_options()
        sink = SinkLoop(
            lambda: build_consumer(options, settings.group("sink"), session_timeout_ms=30_000),
            DatabaseWriter(database),
            SinkSettings(prefix, settings.sink.batch_records, settings.sink.flush_seconds),
        )
        threads = [threading.Thread(target=sink.run, args=(stop,))]
        if asks:
            threads.append(threading.Thread(target=_ask, args=(database, first_day, stop, answers)))
        for thread in threads:
            thread.start()
        while not sink.messages_written:
            time.sleep(0.005)
        span, first = Span(), sink.messages_written
        assert sink.drain(ends, _DRAIN_SECONDS), "the sink did not get through"
        measured = span.as_json(sink.messages_written - first)
        stop.set()
        for thread in threads:
            thread.join()
    if answers:
        measured |= {"median": 1000 * median(answers), "slowest": 1000 * max(answers)}
    report(measured)


if __name__ == "__main__":
    main(sys.argv[1], date.fromisoformat(sys.argv[3]), asks=sys.argv[2] == "asked")
