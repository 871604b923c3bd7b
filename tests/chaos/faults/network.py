"""The network between clients and brokers: cut, reset, slow, open in one direction only."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from random import Random

from tests.chaos.cluster import NODES
from tests.chaos.faults.kinds import Fault, Injection
from tests.chaos.links import DIRECTIONS, Weather
from tests.chaos.scene import Scene

_BEYOND_REQUEST_S = 44.0  # aiokafka's requests time out after 40 s


def _weather(make: Callable[[Random], Weather], seconds: tuple[float, float]) -> Injection:
    """Put a weather before one node or all; what was held then arrives late, or is lost with its connection."""

    async def inject(scene: Scene, chance: Random) -> float:
        links = _some(chance)
        await scene.stage.links.weather(make(chance), links)
        await asyncio.sleep(chance.uniform(*seconds))
        await scene.stage.links.weather(Weather(), links, ends_connections=chance.random() < 0.5)
        return time.monotonic()

    return inject


def _slow(chance: Random) -> Weather:
    if chance.random() < 0.5:
        return Weather(delay_s=chance.uniform(0.05, 0.4))
    return Weather(bytes_per_s=chance.randint(20_000, 200_000))


async def _reset(scene: Scene, chance: Random) -> float:
    """Reset all connections some times in a row; new ones are taken at once."""
    for _ in range(chance.randint(1, 5)):
        await scene.stage.links.weather(Weather(), ends_connections=True)
        await asyncio.sleep(chance.uniform(0.05, 2.0))
    return time.monotonic()


async def _forget(scene: Scene, chance: Random) -> float:
    """Let connections carry nothing ever again while new ones are well: who waits for an answer waits in vain."""
    await scene.stage.links.forget_connections(_some(chance))
    return time.monotonic()


def _some(chance: Random) -> list[int]:
    """Return all nodes' links, or that of one."""
    return list(range(len(NODES))) if chance.random() < 0.5 else [chance.randrange(len(NODES))]


FAULTS = (
    Fault("net-cut", "no connection to a broker or all, 2 to 15 s", _weather(lambda _: Weather(cut=True), (2.0, 15.0))),
    Fault(
        "net-cut-long",
        "the same for 44 to 60 s, longer than a request may take",
        _weather(lambda _: Weather(cut=True), (_BEYOND_REQUEST_S, 60.0)),
    ),
    Fault("net-reset", "all connections reset, some times in a row", _reset),
    Fault("net-forgotten", "connections carry nothing any more and do not end; new ones are well", _forget),
    Fault("net-slow", "50 to 400 ms more each way, or 20 to 200 kB a second", _weather(_slow, (5.0, 15.0))),
    Fault(
        "net-half",
        "connections stay open and carry in one direction only",
        _weather(lambda chance: Weather(held=(chance.choice(DIRECTIONS),)), (3.0, 25.0)),
    ),
    Fault(
        "net-half-long",
        "the same for 44 to 60 s",
        _weather(lambda chance: Weather(held=(chance.choice(DIRECTIONS),)), (_BEYOND_REQUEST_S, 60.0)),
    ),
)
