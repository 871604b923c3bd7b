"""Processes of gridwatch and the sender: killed, killed while they start, frozen until they are zombies, more and fewer."""

from __future__ import annotations

import asyncio
import time
from random import Random

from tests.chaos.faults.kinds import Fault, Injection
from tests.chaos.parts import Part
from tests.chaos.scene import PARTS, Scene
from tests.chaos.settings import SESSION_S


def _kill(role: str) -> Injection:
    async def inject(scene: Scene, chance: Random) -> float:
        parts = scene.of_role(role)
        return await _kill_all(scene, chance.sample(parts, chance.randint(1, len(parts))))

    return inject


async def _kill_all(scene: Scene, victims: list[Part]) -> float:
    """Kill some at the same moment; returns when the last of them was started again."""
    scene.killed.update(part.name.partition("-")[0] for part in victims)
    return max(await asyncio.gather(*(part.kill() for part in victims)))


async def _kill_everything(scene: Scene, _: Random) -> float:
    return await _kill_all(scene, [part for part in scene.parts.values() if not part.is_over])


async def _kill_while_starting(scene: Scene, chance: Random) -> float:
    """Kill the same one three times, twice within the time in which it starts and takes over."""
    victim = chance.choice([*scene.of_role("intake"), *scene.of_role("watch"), *scene.of_role("sink")])
    for _ in range(2):
        await _kill_all(scene, [victim])
        await asyncio.sleep(chance.uniform(0.3, 5.0))
    return await _kill_all(scene, [victim])


def _freeze(role: str) -> Injection:
    async def inject(scene: Scene, chance: Random) -> float:
        """Stop one beyond its session; others take over what they can; then it wakes and does not know."""
        victim = chance.choice(scene.of_role(role))
        victim.freeze()
        await asyncio.sleep(SESSION_S + chance.uniform(1.0, 6.0))
        victim.thaw()
        return time.monotonic()

    return inject


async def _scale(scene: Scene, chance: Random) -> float:
    """From two to one, to three, to one and back to two, with some load in between."""
    role = chance.choice(("intake", "watch"))
    first, *others = (f"{role}-{number}" for number in (1, 2, 3))
    await scene.take_away(others[0])
    await asyncio.sleep(chance.uniform(0.5, 4.0))
    for name in others:
        scene.add(name)
    await asyncio.sleep(chance.uniform(2.0, 8.0))
    await asyncio.gather(*(scene.take_away(name) for name in others))
    await asyncio.sleep(chance.uniform(0.5, 4.0))
    assert PARTS[role] == 2
    assert first in scene.parts
    return await _started(scene.add(others[0]))


async def _started(part: Part) -> float:
    await part.started_after(0)
    return part.starts[-1]


_MEANINGS = {"intake": "an intake worker", "watch": "a watch worker", "sink": "the sink", "clock": "the clock"}
FAULTS = (
    *(
        Fault(f"kill-{role}", f"kill -9 of {what}, or of both", _kill(role))
        for role, what in list(_MEANINGS.items())[:2]
    ),
    *(Fault(f"kill-{role}", f"kill -9 of {what}", _kill(role)) for role, what in list(_MEANINGS.items())[2:]),
    Fault("kill-sender", "kill -9 of the sender: what was not noted comes twice", _kill("sender")),
    Fault("kill-all", "kill -9 of all seven processes at once", _kill_everything),
    Fault("kill-starting", "kill -9 of one three times, twice while it starts", _kill_while_starting),
    *(
        Fault(f"freeze-{role}", f"SIGSTOP of {what} beyond its session, then SIGCONT: a zombie", _freeze(role))
        for role, what in _MEANINGS.items()
    ),
    Fault("scale", "workers of a role from 2 to 1, 3, 1 and 2", _scale),
)
