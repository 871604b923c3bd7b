"""Run a Faust application as a process that ends: cleanly on a signal, with the reason on an error."""

from __future__ import annotations

import asyncio
import logging
import os
import signal
import sys
import threading
from collections.abc import Callable, Coroutine, Iterable
from contextlib import suppress
from typing import Any

from mode import Service

from streams.batching.app import BatchApp

log = logging.getLogger(__name__)

EXIT_STUCK = 70
POLL_S = 0.1
LEFTOVER_TIMEOUT_S = 3.0
FAILED_STOP_S = 10.0


class WorkerFailed(RuntimeError):
    """The worker ended because of an error; `__cause__` is that error."""


class WorkerStuck(RuntimeError):
    """The worker was told to stop and did not: only the end of the process helps."""


async def serve_worker(
    app: BatchApp, stop: asyncio.Event, *, on_ready: Callable[[], None] | None = None, stop_timeout: float = 30.0
) -> None:
    """Run `app` in this event loop until `stop` is set, then hand its partitions over and return.

    `on_ready` is called once the first assignment is in place. Stopping waits for the batch in work and commits.
    Raises WorkerFailed for an error of a handler, a listener, Faust or the broker, and WorkerStuck if a stop without an
    error does not end within `stop_timeout` seconds.
    """
    app.loop = asyncio.get_running_loop()
    starting = asyncio.create_task(app.start())
    try:
        reason = await _run_until_end(app, starting, stop, on_ready)
        if reason is not None:
            app.fail(reason)
    finally:
        # After an error there is little to be put in order, and perhaps nobody who would answer.
        stuck = await _stop(app, starting, stop_timeout if app.failure is None else min(stop_timeout, FAILED_STOP_S))
    if reason is not None:
        raise WorkerFailed(f"{app.conf.id}: {type(reason).__name__}: {reason}") from reason
    if stuck is not None:
        raise WorkerStuck(f"{app.conf.id} did not stop: {type(stuck).__name__}: {stuck}") from stuck


async def _run_until_end(
    app: BatchApp, starting: asyncio.Task[None], stop: asyncio.Event, on_ready: Callable[[], None] | None
) -> BaseException | None:
    stopping = asyncio.create_task(stop.wait())
    waits: set[asyncio.Task[Any]] = {starting, stopping}
    try:
        while not stop.is_set():
            # Faust's threads set the crash flag from outside the loop, which wakes nobody: look now and then.
            await asyncio.wait(waits, timeout=POLL_S, return_when=asyncio.FIRST_COMPLETED)
            if (reason := crash_reason(app)) is not None:
                return reason
            if starting in waits and starting.done():
                waits.discard(starting)
                if (error := starting.exception()) is not None:
                    return error
                if on_ready is not None:
                    on_ready()
        return None
    finally:
        stopping.cancel()


async def _stop(app: BatchApp, starting: asyncio.Task[None], timeout: float) -> Exception | None:
    # After a crash of Faust's own its parts stand in no order, and a stop may fail or hang; the reason counts, not that.
    try:
        await asyncio.wait_for(app.stop(), timeout)
    except Exception as error:
        return error
    finally:
        starting.cancel()
        with suppress(asyncio.CancelledError, Exception):
            await starting
    return None


def crash_reason(app: BatchApp) -> BaseException | None:
    """Return why `app` or one of its services crashed, None while all is well."""
    if app.failure is not None:
        return app.failure
    parts = (app, app._consumer, app._producer, getattr(app._consumer, "_thread", None), app.topics, app.tables)
    for part in parts:
        if isinstance(part, Service) and part.crashed:
            return part.crash_reason or RuntimeError(f"{part.label} crashed")
    return None


def run_worker(
    app: BatchApp,
    *,
    on_ready: Callable[[], None] | None = None,
    stop_timeout: float = 30.0,
    signals: Iterable[signal.Signals] = (signal.SIGTERM, signal.SIGINT),
) -> None:
    """Run `app` in this process until one of `signals`; see `serve_worker`.

    Returns after a clean stop, raises WorkerFailed after an error. Sets up no logging, no web server, no files.
    Where Faust cannot be brought to an end the process is ended hard, with the reason in the log and exit code 70: what
    was not acked is read again by whoever takes over.
    """

    async def main() -> None:
        stop = asyncio.Event()
        loop = asyncio.get_running_loop()
        for number in signals:
            loop.add_signal_handler(number, stop.set)
        await serve_worker(app, stop, on_ready=on_ready, stop_timeout=stop_timeout)

    threads = set(threading.enumerate())
    try:
        run_to_the_end(main())
    except WorkerStuck as error:
        _exit_hard(str(error))
    except WorkerFailed as error:
        if set(threading.enumerate()) - threads:
            _exit_hard(str(error))
        raise


def run_to_the_end(main: Coroutine[Any, Any, None]) -> None:
    """Run a coroutine like asyncio.run, but leave tasks behind that refuse to be cancelled, as some of Faust do."""
    loop = asyncio.new_event_loop()
    asyncio.set_event_loop(loop)
    try:
        loop.run_until_complete(main)
    finally:
        leftovers = asyncio.all_tasks(loop)
        for task in leftovers:
            task.cancel()
        if leftovers:
            loop.run_until_complete(asyncio.wait(leftovers, timeout=LEFTOVER_TIMEOUT_S))
        loop.run_until_complete(loop.shutdown_asyncgens())
        asyncio.set_event_loop(None)
        loop.close()


def _exit_hard(reason: str) -> None:
    # A thread of the Kafka client still runs: a normal exit would wait for it for ever.
    log.critical("ending the process: %s", reason)
    print(reason, file=sys.stderr, flush=True)
    os._exit(EXIT_STUCK)


async def commit_now(app: BatchApp) -> None:
    """Commit what is acked, instead of waiting for the next commit interval."""
    await app.consumer.commit()
