"""The demo: a simulated town goes through the real agents, and what comes out is compared with what must.

    town's file --------------.--> raw topics --> [intake] --> timeline --> [watch] --> checks, alerts --> sink -> ClickHouse
      `-- gates --> [gateway] -'                    ticks of the file, each once intake has read what stands before it

Gateway, intake and watch are processes of their own; gates, feeder, clock, sink and the display live in this one.
"""

import asyncio
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any

from events.topics import CATALOGUE
from sinks.clickhouse.consumer import build_consumer, end_offsets
from sinks.clickhouse.driver import Database
from sinks.clickhouse.loop import SinkLoop, SinkSettings
from sinks.clickhouse.writer import DatabaseWriter
from streams.broker.offsets import OffsetReader, behind
from streams.broker.publisher import Publisher
from streams.clock.writer import TickWriter
from streams.feeding import RawLine, read_line
from streams.following import AlertDocument, Revisions, follow
from streams.replay import numbered_lines
from streams.settings import Settings
from streams.trying.gates import Gates, gates_of, register_gates
from streams.trying.machine import PartFailedError, Processes
from streams.trying.truth import Comparison, compare, read_rows

_SETTLE_SECONDS = 60.0
_START_SECONDS = 60.0


@dataclass(slots=True)
class DemoProgress:
    """How far the demo is; the display reads it."""

    clock: datetime | None = None
    records: int = 0
    posted: int = 0
    ticks: int = 0
    alerts: Counter[str] = field(default_factory=Counter)


@dataclass(frozen=True, slots=True)
class DemoShow:
    """What the demo tells while it runs: each tick, and each new revision of an alert."""

    on_tick: Callable[[DemoProgress], None]
    on_alert: Callable[[AlertDocument], None]


@contextmanager
def running_sink(settings: Settings, database: Database) -> Iterator[SinkLoop]:
    """Run the sink in a thread of this process for as long as the block lasts."""
    stop = threading.Event()
    batching = SinkSettings(settings.topic_prefix, settings.sink.batch_records, settings.sink.flush_seconds)
    loop = SinkLoop(
        lambda: build_consumer(settings.kafka.async_client_options(), settings.group("sink")),
        DatabaseWriter(database),
        batching,
    )
    thread = threading.Thread(target=loop.run, args=(stop,), name="sink", daemon=True)
    thread.start()
    try:
        yield loop
    finally:
        stop.set()
        thread.join(30)


async def run_town(settings: Settings, events: Path, area: str, processes: Processes, show: DemoShow) -> DemoProgress:
    """Send a town's history with its ticks, and return when watch has decided all of it.

    The gates of `area` are registered first, and the gateway is started. Raises PartFailedError when a process ends.
    """
    progress = DemoProgress()
    async with OffsetReader(settings) as offsets, Publisher(settings) as publisher:
        keys = await register_gates(publisher, gates_of(events), area)
        processes.start("gateway")
        processes.wait_for_log("gateway", "gateway listens", _START_SECONDS)
        writer = TickWriter(settings, offsets, publisher)
        await writer.start()
        alerts = asyncio.create_task(_show_alerts(settings, progress, show))
        feeding = asyncio.create_task(_feed(events, publisher, Gates(_url(settings), keys), writer, progress, show))
        try:
            await _while_alive(feeding, processes)
            await _while_alive(asyncio.create_task(_wait_for_watch(offsets)), processes)
        finally:
            for task in (alerts, feeding):
                task.cancel()
            await asyncio.gather(alerts, feeding, return_exceptions=True)
    return progress


async def _while_alive(task: asyncio.Task[None], processes: Processes) -> None:
    while not task.done():
        await asyncio.wait({task}, timeout=0.5)
        processes.check()
    await task


def _url(settings: Settings) -> str:
    return f"http://{settings.gateway.host}:{settings.gateway.port}"


async def _feed(
    events: Path, publisher: Publisher, gates: Gates, writer: TickWriter, progress: DemoProgress, show: DemoShow
) -> None:
    async with gates:
        await gates.wait_until_ready(_START_SECONDS)
        await _feed_lines(events, publisher, gates, writer, progress, show)


async def _send(lines: list[RawLine], publisher: Publisher, gates: Gates, progress: DemoProgress) -> None:
    straight, posted = gates.divide(lines)
    progress.records += await publisher.publish([each.output for each in straight])
    await gates.post(posted)
    count = sum(map(len, posted.values()))
    progress.records, progress.posted = progress.records + count, progress.posted + count
    lines.clear()


async def _feed_lines(
    events: Path, publisher: Publisher, gates: Gates, writer: TickWriter, progress: DemoProgress, show: DemoShow
) -> None:
    waiting: list[RawLine] = []
    with events.open("rb") as file:
        for _, raw, _ in numbered_lines(file):
            line = read_line(raw)
            if isinstance(line, RawLine):
                waiting.append(line)
                if not line.is_policy:
                    continue
            await _send(waiting, publisher, gates, progress)
            if isinstance(line, RawLine):
                await writer.wait_for_intake()  # the policy stands in the timeline before what it decides
                continue
            await writer.advance_to(line)
            progress.clock, progress.ticks = line, progress.ticks + 1
            show.on_tick(progress)
    await _send(waiting, publisher, gates, progress)
    await writer.wait_for_intake()


async def _wait_for_watch(offsets: OffsetReader) -> None:
    ends = await offsets.ends(await offsets.partitions(["timeline"]))
    while behind(ends, await offsets.committed("watch")):
        await asyncio.sleep(0.05)


async def _show_alerts(settings: Settings, progress: DemoProgress, show: DemoShow) -> None:
    revisions = Revisions("alert_id")
    async for alert in follow(settings, "alerts", from_start=True, until_end=False):
        if revisions.is_new(alert):
            if alert["revision"] == 1:
                progress.alerts[alert["rule"]] += 1
            show.on_alert(alert)


def wait_for_sink(settings: Settings, loop: SinkLoop) -> None:
    """Wait until ClickHouse holds what the topics hold now; raises PartFailedError when it does not get there."""
    names = [settings.topic(spec.name) for spec in CATALOGUE if spec.name in _SUNK]
    began = time.monotonic()
    ends = end_offsets(settings.kafka.client_options(), names)
    if not loop.drain(ends, _SETTLE_SECONDS):
        raise PartFailedError(f"the sink has not caught up after {time.monotonic() - began:.0f} s")


_SUNK = frozenset({"timeline", "checks", "alerts", "dead-letters"})


def compare_with_truth(database: Database, town: Path) -> list[Comparison]:
    """Compare verdicts, alerts and dead letters in ClickHouse with the town's ground truth: all of it, nothing more.

    Alerts about sources are left out: two weeks of the log pass in a minute here, and intake gathers what it tells of
    sources by half hours of the broker's time.
    """
    checks = database.query(
        "SELECT check_id, person_id, area, check, toString(date) AS date, window, state FROM v_checks"
    )
    alerts = database.query(
        "SELECT alert_id, rule, subject, person_id, occurrence, state, severity, reason FROM v_alerts "
        "WHERE rule NOT IN ('sequence_gap', 'source_silent')"
    )
    return [
        compare("verdicts", "check_id", read_rows(town / "truth-checks.ndjson"), checks),
        compare("alerts", "alert_id", read_rows(town / "truth-alerts.ndjson"), alerts),
        _compare_dead_letters(database, town),
    ]


def _compare_dead_letters(database: Database, town: Path) -> Comparison:
    """Compare by reason: the truth counts lines of the file, ClickHouse places in topics."""
    expected = Counter[str](row["reason"] for row in read_rows(town / "truth-dead-letters.ndjson"))
    found: Counter[str] = Counter(
        {row["reason"]: int(row["letters"]) for row in database.query(_DEAD_LETTERS_BY_REASON)}
    )
    result = Comparison("dead letters", expected.total())
    result.missing = sorted((expected - found).elements())
    result.extra = sorted((found - expected).elements())
    return result


_DEAD_LETTERS_BY_REASON = "SELECT reason, count() AS letters FROM v_dead_letters GROUP BY reason"


def figures_by_day(database: Database, area: str) -> list[dict[str, Any]]:
    """Return the checks of an area by day, as ClickHouse has them."""
    return database.query(
        "SELECT toString(date) AS date, sum(v.decided) AS decided, sum(v.done) AS done, sum(v.late) AS late, "
        "sum(v.missed) AS missed, sum(v.waived) AS waived, sum(v.unknown) AS unknown "
        "FROM v_checks_by_area AS v WHERE area = {area:String} GROUP BY date ORDER BY date",
        {"area": area},
    )
