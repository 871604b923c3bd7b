"""What a fault is."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from random import Random

from tests.chaos.scene import Scene

# Breaks and mends; returns the instant (time.monotonic) from which on recovery is counted.
Injection = Callable[[Scene, Random], Awaitable[float]]


async def _nothing(_: Scene) -> None:
    """Leave all as it is."""


@dataclass(frozen=True, slots=True)
class Fault:
    """A kind of fault.

    `settle` is awaited after the recovery was measured: what must be whole again before the next fault. It must be mended
    within `limit_s` seconds.
    """

    kind: str
    meaning: str
    inject: Injection
    settle: Callable[[Scene], Awaitable[None]] = _nothing
    limit_s: float = 400.0
