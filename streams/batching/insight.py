"""A batch application seen from outside its event loop: how far it reads, what is not acked, whether it rebalances.

Everything here may be called from any thread, before the start and after the end too; nothing waits and nothing is changed.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from typing import Any, NamedTuple

from faust.types import TP

from streams.batching.app import BatchApp


class InFlight(NamedTuple):
    """How far a partition is: `next_offset` is delivered next; the oldest batch that is not acked, if any.

    `begin` is where this assignment began; `unacked_since` is of the steady clock (`time.monotonic`), at that delivery.
    """

    begin: int
    next_offset: int
    unacked_offset: int | None
    unacked_since: float | None


def in_flight(app: BatchApp) -> dict[TP, InFlight]:
    """Return every partition that this worker has, or is just taking over."""
    consumer: Any = app._consumer
    found: dict[TP, InFlight] = {}
    for tp, ledger in sorted(getattr(consumer, "_ledgers", {}).items()):
        oldest = ledger.oldest_unacked(consumer._acked_index.get(tp, ()))
        found[tp] = InFlight(ledger.begin, ledger.expected, *(oldest or (None, None)))
    return found


def is_rebalancing(app: BatchApp) -> bool:
    """Tell whether partitions are changing hands, or have not been dealt out for the first time."""
    return app.rebalancing or app.rebalancing_count == 0


def generation(app: BatchApp) -> tuple[int, int]:
    """Return how many rebalances have begun here, and the generation of the group as far as this member is in it."""
    consumer: Any = getattr(getattr(app._consumer, "_thread", None), "_consumer", None)
    coordinator = getattr(consumer, "_coordinator", None)
    return app.rebalancing_count, getattr(coordinator, "generation", -1)


def event_loops(app: BatchApp) -> Iterator[tuple[str, asyncio.AbstractEventLoop]]:
    """Yield the event loops without which nothing goes on, the application's own first, each with a name."""
    loop = app._loop  # the property would make one
    if loop is not None:
        yield "event loop", loop
    thread: Any = getattr(app._consumer, "_thread", None)
    if thread is not None and getattr(thread, "_thread", None) is not None:
        yield "fetching loop", thread.thread_loop
