"""From kill -9 to ready, and to caught up, with the state of many people under observation in its topic.

`gridwatch worker watch` under a name of its own (static membership) carries 8 partitions; it is killed while it works off
a backlog of 300,000 records and started again at once under the same name.
"""

import asyncio
import os
import signal
import subprocess
import time
from itertools import repeat

from bench import broker, crowd
from bench.places import BUILD, subject_core, tell
from bench.processes import PYTHON, end, environment
from bench.results import Results
from bench.saving import save_crowd
from bench.scope import Scope
from streams.broker.offsets import OffsetReader, behind
from streams.settings import Settings

SECONDS = "s"
_PARTITIONS = 8
_BACKLOG = 300_000
_PATIENCE_S = 180.0


def run(scope: Scope, results: Results) -> None:
    """Kill and restart once a round."""
    people = scope.scale_people[-1]
    for number in range(scope.rounds):
        tell(f"restart with {people:,} observed, round {number + 1} of {scope.rounds}")
        with broker.topics(_PARTITIONS) as prefix:
            lines = zip(repeat("timeline"), crowd.hours_after(people, _BACKLOG), strict=False)
            asyncio.run(save_crowd(people, prefix, _PARTITIONS))
            asyncio.run(broker.write(lines, prefix, _PARTITIONS))
            tell("  state and backlog are written")
            ready, caught_up, rss_mb = asyncio.run(_kill_and_restart(prefix))
        tell(f"    ready after {ready:.1f} s, caught up after {caught_up:.1f} s, {rss_mb:,.0f} MB")
        name = f"restart with {people:,} observed"
        results.add(f"{name}: ready", SECONDS, ready)
        results.add(f"{name}: caught up", SECONDS, caught_up)
        results.add(f"{name}: memory", "MB", rss_mb)


async def _kill_and_restart(prefix: str) -> tuple[float, float, float]:
    settings = broker.settings_under(prefix)
    first = _start(prefix)
    try:
        await _ready(first)
    finally:
        os.killpg(first.pid, signal.SIGKILL)
    killed_at = time.monotonic()
    second = _start(prefix)
    try:
        await _ready(second)
        ready = time.monotonic() - killed_at
        await _caught_up(settings)
        return ready, time.monotonic() - killed_at, _rss_mb(second.pid)
    finally:
        end(second)


def _start(prefix: str) -> subprocess.Popen[str]:
    settings = broker.settings(topic_prefix=prefix, group_prefix=prefix, worker__instance_id="bench-1")
    log = BUILD / "restart.log"
    log.write_text("")
    command = ["taskset", "-c", str(subject_core()), PYTHON, "-m", "streams.cli", "worker", "watch"]
    with log.open("a", encoding="utf-8") as file:
        return subprocess.Popen(
            command, stdout=file, stderr=file, env=environment(settings), text=True, start_new_session=True
        )


async def _ready(process: subprocess.Popen[str]) -> None:
    give_up_at = time.monotonic() + _PATIENCE_S
    while "worker ready" not in (BUILD / "restart.log").read_text(encoding="utf-8"):
        if process.poll() is not None or time.monotonic() > give_up_at:
            raise RuntimeError(f"the worker did not become ready; see {BUILD / 'restart.log'}")
        await asyncio.sleep(0.02)


async def _caught_up(settings: Settings) -> None:
    give_up_at = time.monotonic() + _PATIENCE_S
    async with OffsetReader(settings) as offsets:
        ends = await offsets.ends(await offsets.partitions(["timeline"]))
        while behind(ends, await offsets.committed("watch")):
            if time.monotonic() > give_up_at:
                raise RuntimeError("the worker did not catch up")
            await asyncio.sleep(0.05)


def _rss_mb(process_id: int) -> float:
    with open(f"/proc/{process_id}/status", encoding="ascii") as file:  # noqa: PTH123
        return next(int(line.split()[1]) / 1024 for line in file if line.startswith("VmHWM"))
