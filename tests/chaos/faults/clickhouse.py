"""ClickHouse: gone, killed, refusing, hanging, slow, out of space, or its answers lost."""

from __future__ import annotations

import asyncio
import time
from random import Random

from tests.chaos.clickhouse_link import Mood
from tests.chaos.faults.kinds import Fault, Injection
from tests.chaos.links import Weather
from tests.chaos.scene import Scene

_BEYOND_PATIENCE_S = 66.0  # the sink tries for 60 s
_TEN_MINUTES_S = 600.0


def _cut(shortest_s: float, longest_s: float) -> Injection:
    async def inject(scene: Scene, chance: Random) -> float:
        await scene.stage.clickhouse_link.weather(Weather(cut=True))
        await asyncio.sleep(chance.uniform(shortest_s, longest_s))
        await scene.stage.clickhouse_link.weather(Weather())
        return time.monotonic()

    return inject


async def _kill(scene: Scene, chance: Random) -> float:
    """Kill the engine in the middle of what it does, and start it on what it had written."""
    await asyncio.to_thread(scene.stage.engine.kill)
    scene.killed["engine"] += 1
    await asyncio.sleep(chance.uniform(0.0, 8.0))
    await scene.stage.start_engine()
    return time.monotonic()


def _mood(mood: Mood, shortest_s: float, longest_s: float, *, ends_connections: bool = False) -> Injection:
    async def inject(scene: Scene, chance: Random) -> float:
        link = scene.stage.clickhouse_link
        before = (await link.counts())["inserts_spoilt"]
        await link.mood(mood)
        await asyncio.sleep(chance.uniform(shortest_s, longest_s))
        while (mood.answer or mood.loses_answer) and (await link.counts())["inserts_spoilt"] == before:
            await asyncio.sleep(0.1)  # not before it has hit something
        await link.mood(Mood(), ends_connections=ends_connections and chance.random() < 0.5)
        return time.monotonic()

    return inject


FAULTS = (
    Fault("clickhouse-kill", "kill -9 of ClickHouse's engine, and its return", _kill),
    Fault("clickhouse-refuse", "it takes no connection, 2 to 20 s", _cut(2.0, 20.0)),
    Fault("clickhouse-gone", "the same for longer than the sink's patience", _cut(_BEYOND_PATIENCE_S, 75.0)),
    Fault(
        "clickhouse-long", "the same for ten minutes", _cut(_TEN_MINUTES_S, _TEN_MINUTES_S), limit_s=_TEN_MINUTES_S + 60
    ),
    Fault(
        "clickhouse-hang",
        "it takes requests and answers none, 5 to 25 s",
        _mood(Mood(hangs=True), 5.0, 25.0, ends_connections=True),
    ),
    Fault("clickhouse-error", "it answers 500 without saying why", _mood(Mood(answer="error", to_all=True), 2.0, 15.0)),
    Fault(
        "clickhouse-parts", "it answers that there are too many parts", _mood(Mood(answer="too_many_parts"), 2.0, 15.0)
    ),
    Fault("clickhouse-space", "it answers that there is no space left", _mood(Mood(answer="no_space"), 2.0, 20.0)),
    Fault("clickhouse-slow", "every answer takes 1 s more", _mood(Mood(slow_s=1.0), 5.0, 20.0)),
    Fault("clickhouse-lost", "inserts are made and their answers lost", _mood(Mood(loses_answer=True), 1.0, 10.0)),
)
