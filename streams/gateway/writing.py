"""From many small requests to few large writes: what waits is written together, and each request hears of its own.

    requests   A B   C D E F   G
    writes      [A B] [C D E F G] ...      one under way, and the next one gathers; several where what waits is large

A write costs as much as taking ten records does, however few it brings: so few wait for one another.

Bounded: what finds no room is told to come again. A write that fails ends all that are under way, since some of it may
stand and some not, and a new publisher begins; sending the same again is harmless.
"""

import asyncio
from collections import deque
from collections.abc import Callable, Sequence
from contextlib import suppress
from functools import partial
from http import HTTPStatus
from typing import NamedTuple

from aiokafka.errors import KafkaError

from streams.broker.outputs import Output
from streams.broker.publisher import Publisher
from streams.gateway.problems import Problem
from streams.logs import get_logger

log = get_logger(__name__)

_RETRY_AFTER_S = 5
_RECONNECT_S = 1.0
# Beside another write one is begun that has at least this part of the largest.
_WORTH_IT = 10


# Called with None when all replicas in sync have acknowledged, or with the error.
Told = Callable[[KafkaError | None], object]


class _Waiting(NamedTuple):
    outputs: Sequence[Output]
    told: Told


class Writer:
    """Writes what requests bring; one per process. Use as an async context."""

    def __init__(
        self, make_publisher: Callable[[], Publisher], *, most_records: int, write_records: int, at_once: int = 4
    ) -> None:
        """Hold at most `most_records` that are not acknowledged; a write has about `write_records` at most.

        Up to `at_once` are under way, and beside another one only those that have a part of that at least.
        """
        self._make_publisher = make_publisher
        self._most_records, self._write_records = most_records, write_records
        self._at_once = at_once
        self._waiting_records = 0
        self._waiting: deque[_Waiting] = deque()
        self._writing: set[asyncio.Task[None]] = set()
        self._wake = asyncio.Event()
        self._publisher: Publisher | None = None
        self._runner: asyncio.Task[None] | None = None
        self.held_records = self.written_records = 0

    @property
    def is_connected(self) -> bool:
        """Tell whether brokers take what is written, as far as is known."""
        return self._publisher is not None

    async def __aenter__(self) -> "Writer":
        self._runner = asyncio.create_task(self._run())
        return self

    async def __aexit__(self, *_: object) -> None:
        if self._runner is not None:
            self._runner.cancel()
            with suppress(asyncio.CancelledError):
                await self._runner
        await asyncio.gather(*self._writing, return_exceptions=True)
        self._refuse_waiting()
        await self._disconnect()

    async def write(self, outputs: Sequence[Output]) -> None:
        """Return when all replicas in sync have acknowledged; raises Problem when brokers are away, or there is no room."""
        if not outputs:
            return
        # Whoever hangs up ends his future, and does not take the write with him.
        done: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self.put(outputs, partial(_settle, done))
        try:
            await done
        except KafkaError:
            raise unavailable() from None

    def put(self, outputs: Sequence[Output], told: Told) -> None:
        """Have outputs written, one at least, and `told` called once; raises Problem as `write` does, without a call."""
        if self._publisher is None:
            raise unavailable()
        count = len(outputs)
        if self.held_records + count > self._most_records:
            raise Problem(HTTPStatus.TOO_MANY_REQUESTS, "overloaded", "come again: too much is under way", 1)
        self.held_records += count
        self._waiting_records += count
        self._waiting.append(_Waiting(outputs, told))
        self._wake.set()

    async def _run(self) -> None:
        while True:
            if self._publisher is None:
                await self._connect()
            while self._publisher is not None and self._is_due():
                task = asyncio.create_task(self._write(self._publisher, self._gather()))
                self._writing.add(task)
                task.add_done_callback(self._note_done)
            self._wake.clear()
            await self._wake.wait()

    def _is_due(self) -> bool:
        if not self._waiting or not self._writing:
            return bool(self._waiting)
        return len(self._writing) < self._at_once and self._waiting_records * _WORTH_IT >= self._write_records

    def _note_done(self, task: asyncio.Task[None]) -> None:
        self._writing.discard(task)
        self._wake.set()

    def _gather(self) -> list[_Waiting]:
        gathered = [self._waiting.popleft()]
        count = len(gathered[0].outputs)
        while self._waiting and count + len(self._waiting[0].outputs) <= self._write_records:
            gathered.append(self._waiting.popleft())
            count += len(gathered[-1].outputs)
        self._waiting_records -= count
        return gathered

    async def _write(self, publisher: Publisher, gathered: list[_Waiting]) -> None:
        error: KafkaError | None = None
        try:
            await publisher.publish(output for waiting in gathered for output in waiting.outputs)
        except KafkaError as raised:
            error = raised
        except Exception as raised:  # whatever it is, those who wait hear of it
            error = KafkaError(type(raised).__name__)
            log.error("a write failed", error=type(raised).__name__)
        for waiting in gathered:
            self._tell(waiting, error)
        if error is not None and self._publisher is publisher:
            log.warning("the brokers do not take what is sent", error=type(error).__name__)
            publisher, self._publisher = self._publisher, None
            self._refuse_waiting()
            await _stop(publisher)
            self._wake.set()

    def _tell(self, waiting: _Waiting, error: KafkaError | None) -> None:
        self.held_records -= len(waiting.outputs)
        if error is None:
            self.written_records += len(waiting.outputs)
        try:
            waiting.told(error)
        except Exception as raised:  # of one request: the others hear of theirs
            log.error("an answer failed", error=type(raised).__name__)

    def _refuse_waiting(self) -> None:
        self._waiting_records = 0
        while self._waiting:
            self._tell(self._waiting.popleft(), KafkaError("not written"))

    async def _connect(self) -> None:
        while True:
            publisher = self._make_publisher()
            try:
                await publisher.start()
            except Exception as error:  # a broker's, or of names, addresses and certificates on the way to it
                log.warning("no broker answers", error=type(error).__name__)
                await asyncio.sleep(_RECONNECT_S)
            else:
                self._publisher = publisher
                log.info("connected to the brokers")
                return

    async def _disconnect(self) -> None:
        publisher, self._publisher = self._publisher, None
        if publisher is not None:
            await _stop(publisher)


def _settle(done: asyncio.Future[None], error: KafkaError | None) -> None:
    if done.done():
        return
    if error is None:
        done.set_result(None)
    else:
        done.set_exception(error)
        done.exception()  # whoever hung up does not ask


async def _stop(publisher: Publisher) -> None:
    with suppress(Exception):  # what it had is told to be lost already
        await publisher.stop()


def unavailable() -> Problem:
    """Return the problem of brokers that are away."""
    return Problem(
        HTTPStatus.SERVICE_UNAVAILABLE, "unavailable", "come again: records cannot be written now", _RETRY_AFTER_S
    )
