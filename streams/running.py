"""Long-running parts in one process: started together, stopped by a signal, ended by the first that fails."""

import asyncio
import signal
from collections.abc import Awaitable, Callable, Sequence
from contextlib import AsyncExitStack, suppress
from functools import partial

from streams.batching import serve_worker
from streams.broker.offsets import OffsetReader
from streams.broker.publisher import Publisher
from streams.clock.log_clock import read_log_clock
from streams.clock.writer import TickWriter, Waiting
from streams.garbage import collect_garbage_rarely
from streams.health.clock import ClockVitals
from streams.health.pulses import StalledError
from streams.logs import get_logger
from streams.settings import Settings
from streams.workers import Worker

log = get_logger(__name__)

_LAST_TICK_S = 10.0

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


class _Stalled:
    """Told by the watchdog, within the loop, why the part that waits for it has to end."""

    def __init__(self) -> None:
        self.reason: StalledError | None = None
        self._told = asyncio.Event()

    def tell(self, reason: StalledError) -> None:
        self.reason = reason
        self._told.set()

    async def wait(self) -> None:
        await self._told.wait()


def clock_part(settings: Settings, vitals: ClockVitals | None = None) -> Part:
    """Return a part that writes ticks by the machine's time; `vitals` are told when it begins."""

    async def serve(stop: asyncio.Event) -> None:
        stalled = _Stalled()
        async with AsyncExitStack() as stack:
            offsets = await stack.enter_async_context(OffsetReader(settings))
            publisher = await stack.enter_async_context(Publisher(settings))
            writer = TickWriter(settings, offsets, publisher)
            if vitals is not None:
                vitals.begin(writer.progress, stalled.tell)
            await writer.start()
            log.info("clock started", tick_seconds=settings.clock.tick_seconds)
            ticking = asyncio.create_task(writer.run(stop, partial(read_log_clock, settings, offsets)))
            stopping = asyncio.create_task(stop.wait())
            stalling = asyncio.create_task(stalled.wait())
            await asyncio.wait({ticking, stopping, stalling}, return_when=asyncio.FIRST_COMPLETED)
            if stop.is_set() and writer.progress.waiting is Waiting.WRITING:  # the rest of the tick goes out at once
                await asyncio.wait({ticking, stalling}, timeout=_LAST_TICK_S, return_when=asyncio.FIRST_COMPLETED)
            for task in (ticking, stopping, stalling):
                task.cancel()
            await asyncio.gather(stopping, stalling, return_exceptions=True)
            with suppress(asyncio.CancelledError):
                await ticking
            if stalled.reason is not None:
                raise stalled.reason
        log.info("clock stopped")

    return serve
