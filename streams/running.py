"""Long-running parts in one process: started together, stopped by a signal, ended by the first that fails."""

import asyncio
import signal
from collections.abc import Awaitable, Callable, Sequence
from contextlib import AsyncExitStack, suppress
from functools import partial

from streams.batching import serve_worker
from streams.broker.offsets import OffsetReader
from streams.broker.publisher import Publisher
from streams.clock.last_tick import last_tick
from streams.clock.writer import TickWriter
from streams.garbage import collect_garbage_rarely
from streams.logs import get_logger
from streams.settings import Settings
from streams.workers import Worker

log = get_logger(__name__)

Part = Callable[[asyncio.Event], Awaitable[None]]


async def run_parts(parts: Sequence[Part], stop: asyncio.Event) -> None:
    """Run parts side by side until `stop`; the first that raises stops the others and is raised."""
    collect_garbage_rarely()

    async def run(part: Part) -> None:
        try:
            await part(stop)
        finally:
            stop.set()

    async with asyncio.TaskGroup() as group:
        for part in parts:
            group.create_task(run(part))


def stop_on_signals() -> asyncio.Event:
    """Return an event that SIGTERM and SIGINT set; a second signal ends the process at once."""
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()

    def begin_stop(number: signal.Signals) -> None:
        stop.set()
        loop.remove_signal_handler(number)
        signal.signal(number, signal.SIG_DFL)

    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, begin_stop, number)
    return stop


def worker_part(worker: Worker, *, on_ready: Callable[[], None] | None = None) -> Part:
    """Return a part that serves intake or watch."""

    async def serve(stop: asyncio.Event) -> None:
        async with AsyncExitStack() as stack:
            for publisher in worker.publishers:
                await stack.enter_async_context(publisher)
            try:
                await serve_worker(worker.app, stop, on_ready=on_ready)
            finally:
                await worker.partitions.close()
        log.info("worker stopped", role=worker.role, records=worker.partitions.progress.records)

    return serve


def clock_part(settings: Settings) -> Part:
    """Return a part that writes ticks by the machine's time."""

    async def serve(stop: asyncio.Event) -> None:
        async with AsyncExitStack() as stack:
            offsets = await stack.enter_async_context(OffsetReader(settings))
            publisher = await stack.enter_async_context(Publisher(settings))
            writer = TickWriter(settings, offsets, publisher)
            await writer.start()
            log.info("clock started", tick_seconds=settings.clock.tick_seconds)
            ticking = asyncio.create_task(writer.run(stop, read_last=partial(last_tick, settings, offsets)))
            stopping = asyncio.create_task(stop.wait())
            await asyncio.wait({ticking, stopping}, return_when=asyncio.FIRST_COMPLETED)
            for task in (ticking, stopping):
                task.cancel()
            await asyncio.gather(stopping, return_exceptions=True)
            with suppress(asyncio.CancelledError):
                await ticking
        log.info("clock stopped")

    return serve
