"""Batches whose results are on the way: a bounded number at once, acked in the order in which they were delivered."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import suppress

Ack = Callable[[], object]


def is_cancelled_itself() -> bool:
    """Tell, where CancelledError was raised, whether the running task was cancelled, and not what it waited for."""
    task = asyncio.current_task()
    return task is not None and task.cancelling() > 0


class Settling:
    """Await what handlers returned, one after the other, and ack each batch when it and all before it are settled.

    The first failure is told to `fail` and nothing is acked after it. What is cancelled by somebody else has failed too:
    nobody would hear of it otherwise, and the worker would wait for ever.
    """

    def __init__(self, batches_max: int, fail: Callable[[BaseException], None]) -> None:
        """Let at most `batches_max` batches be on their way, the one in the handler counted."""
        if batches_max < 1:
            raise ValueError(f"at least one batch must be under way, got {batches_max=}")
        self._free = asyncio.Semaphore(batches_max)
        self._fail = fail
        self._queue: asyncio.Queue[tuple[asyncio.Future[object] | None, Ack]] = asyncio.Queue()
        self._acking = asyncio.create_task(self._ack_in_order())

    async def place(self) -> None:
        """Wait until another batch may be taken; every place taken must be given to `add`."""
        await self._free.acquire()

    def add(self, settled: Awaitable[object] | None, ack: Ack) -> None:
        """Take a batch whose handler has returned; None stands for a batch that is settled already."""
        self._queue.put_nowait((None if settled is None else asyncio.ensure_future(settled), ack))

    async def _ack_in_order(self) -> None:
        while True:
            settled, ack = await self._queue.get()
            try:
                if settled is not None:
                    await settled
                ack()
            except asyncio.CancelledError:
                if is_cancelled_itself():
                    raise
                self._fail(RuntimeError("the results of a batch were given up by somebody else"))
                return
            except Exception as error:
                self._fail(error)
                return  # nothing is acked any more, and nobody gets a place
            self._free.release()

    async def stop(self) -> None:
        """Let go of what is still under way, without an ack; what is settled was acked before."""
        self._acking.cancel()
        with suppress(asyncio.CancelledError):
            await self._acking
        waiting = []
        while not self._queue.empty():
            settled, _ = self._queue.get_nowait()
            if settled is not None:
                settled.cancel()
                waiting.append(settled)
        await asyncio.gather(*waiting, return_exceptions=True)
