"""Intake, watch and sink side by side until everything that came in has reached ClickHouse: a process each, as deployed.

    python -m bench.subjects.together PREFIX RAW-RECORDS FIRST-DAY DAYS      with the settings in the environment

This process is intake; it starts the other two, on the same core as itself. It drives the clock: a tick for every
hour of the town when that share of the raw records was taken, into every partition. When all is written it tells the others
where their topics end, and each says what it took until it had read so far. The report is of the three together, from
intake's first batch to the last row in ClickHouse.
"""

import asyncio
import json
import sys
from asyncio.subprocess import PIPE, Process
from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import Any

from bench.span import Span, report
from events.codec import encode
from events.records import Tick
from sinks.clickhouse.columns import TOPICS
from streams.broker.offsets import OffsetReader
from streams.broker.outputs import Output
from streams.broker.publisher import Publisher
from streams.loops import run
from streams.running import run_parts, worker_part
from streams.settings import Settings, load_settings
from streams.workers import Worker

_LOOK_EVERY_S = 0.01
_FOLLOWERS = ("watch", "sink")


class Together:
    """Intake, the processes that follow it, and the look at how far they are."""

    def __init__(self, settings: Settings, raw_records: int, start: datetime, days: int) -> None:
        """Prepare; `start` is the first instant of the town."""
        self._settings = settings
        self._raw_records = raw_records
        self._ticks = [start + timedelta(hours=hour) for hour in range(24 * days + 1)]
        self._intake = Worker("intake", settings)

    async def run(self) -> None:
        """Run all until everything is in ClickHouse, and report what it took."""
        followers = [await _start(role, self._settings.topic_prefix) for role in _FOLLOWERS]

        async def observe(stop: asyncio.Event) -> None:
            await self._observe(followers)
            stop.set()

        await run_parts([worker_part(self._intake), observe], asyncio.Event())

    async def _observe(self, followers: list[Process]) -> None:
        intake = self._intake.partitions.progress
        while not intake.records:
            await asyncio.sleep(_LOOK_EVERY_S)
        span, first = Span(), intake.records
        async with Publisher(self._settings) as publisher, OffsetReader(self._settings) as offsets:
            await self._drive_clock(publisher)
            timeline = await _ends(offsets, ["timeline"])
            await _tell(followers[0], timeline)
            watched = await _measurement(followers[0])
            await _tell(followers[1], await _ends(offsets, TOPICS))
        parts = [watched, await _measurement(followers[1])]
        report(_sum(span.as_json(self._raw_records - first), parts))
        for follower in followers:
            await follower.wait()

    async def _drive_clock(self, publisher: Publisher) -> None:
        """Write the ticks of the town as intake goes through its records."""
        intake = self._intake.partitions.progress
        for number, at in enumerate(self._ticks):
            while intake.records < self._raw_records * number // (len(self._ticks) - 1):
                await asyncio.sleep(_LOOK_EVERY_S)
            await publisher.publish([Output("timeline", None, encode(Tick(at=at)), to_all_partitions=True)])


async def _start(role: str, prefix: str) -> Process:
    """Start a follower and wait until it says that it is ready to be told where to end."""
    command = (sys.executable, "-m", "bench.subjects.following", prefix, role)
    follower = await asyncio.create_subprocess_exec(*command, stdin=PIPE, stdout=PIPE)
    await _line(follower)
    return follower


async def _ends(offsets: OffsetReader, topics: Iterable[str]) -> list[tuple[str, int, int]]:
    found = await offsets.ends(await offsets.partitions(topics))
    return [(tp.topic, tp.partition, end) for tp, end in found.items()]


async def _tell(follower: Process, ends: list[tuple[str, int, int]]) -> None:
    assert follower.stdin is not None
    follower.stdin.write(json.dumps(ends).encode() + b"\n")
    await follower.stdin.drain()


async def _measurement(follower: Process) -> dict[str, float]:
    found: dict[str, float] = await _line(follower)
    return found


async def _line(follower: Process) -> Any:
    """Return the next line of JSON that a follower says; Faust puts others between."""
    assert follower.stdout is not None
    while line := await follower.stdout.readline():
        if line.startswith(b"{"):
            return json.loads(line)
    raise RuntimeError(f"a follower ended with status {await follower.wait()}")


def _sum(own: dict[str, float], others: list[dict[str, float]]) -> dict[str, float]:
    together = dict(own)
    for name in ("cpu_seconds", "rss_mb"):
        together[name] += sum(other[name] for other in others)
    return together


def main(prefix: str, raw_records: int, first_day: str, days: int) -> None:
    """Run with the settings of the environment."""
    settings = load_settings(topic_prefix=prefix, group_prefix=prefix)
    start = datetime.fromisoformat(f"{first_day}T00:00:00+08:00")
    run(Together(settings, raw_records, start, days).run())


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]), sys.argv[3], int(sys.argv[4]))
