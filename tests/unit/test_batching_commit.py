"""Commits wait for each other, and whoever is cancelled while it waits is gone and has harmed nobody."""

from __future__ import annotations

import asyncio
from contextlib import suppress

from streams.batching.transport import Consumer


class Committing(Consumer):
    """A consumer without brokers whose commit is under way until told."""

    def __init__(self) -> None:
        self.is_done = asyncio.Event()
        self.commits = 0
        self.client_only = False

    @property
    def app(self) -> Committing:  # type: ignore[override]
        return self

    async def force_commit(self, *_: object, **__: object) -> bool:
        await self.is_done.wait()
        self.commits += 1
        return True


async def turns(count: int = 10) -> None:
    """Give the loop some turns."""
    for _ in range(count):
        await asyncio.sleep(0)


async def test_a_commit_that_is_given_up_does_not_hold_the_loop_nor_the_one_it_waited_for() -> None:
    consumer = Committing()
    consumer.loop = asyncio.get_running_loop()
    first = asyncio.create_task(consumer.commit())
    await turns()
    second, third = asyncio.create_task(consumer.commit()), asyncio.create_task(consumer.commit())
    await turns()
    second.cancel()
    await turns()
    assert second.cancelled()
    assert not first.done()
    assert not third.done()
    consumer.is_done.set()
    async with asyncio.timeout(5):
        assert await first
        assert await third
    assert consumer.commits == 2
    with suppress(asyncio.CancelledError):
        await second
