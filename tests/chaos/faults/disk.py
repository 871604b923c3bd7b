"""A full disk where gridwatch runs. No process of it keeps anything on a disk, and what it says may be lost."""

from __future__ import annotations

from random import Random

from tests.chaos.faults.kinds import Fault
from tests.chaos.scene import Scene

_ROLES = ("intake", "watch", "sink")  # the clock of a run notes its ticks in a file, for the sender


async def _fill(scene: Scene, chance: Random) -> float:
    """Kill all processes of a role and start them where nothing can be written; they have to do all their work there."""
    parts = scene.of_role(chance.choice(_ROLES))
    mended = []
    for part in parts:
        part.is_cramped = True
        mended.append(await part.kill())
        scene.killed[part.name.partition("-")[0]] += 1
    return max(mended)


async def _make_room(scene: Scene) -> None:
    for part in scene.parts.values():
        if part.is_cramped:
            part.is_cramped = False
            await part.kill()


FAULTS = (
    Fault("disk-full", "a role is killed and works on where no file and no log can be written", _fill, _make_room),
)
