"""Requests on their way: each takes its time, may be lost on either way, and arrives though its sender has died."""

import asyncio
from collections.abc import Callable
from typing import Any

from aiokafka.errors import KafkaError, RequestTimedOutError

from tests.simulation.faults import Faults
from tests.simulation.loop import Process, World, settle

PATIENCE_S = 40.0
LATER = object()  # what work returns that is answered some other time
_USUAL_DELAY_S = 0.005
_SLOWEST_S = 90.0
_LONGEST_FREEZE_S = 7200.0


class Network:
    """The way between processes and what they talk to, and the moments before and after at which they die."""

    def __init__(self, world: World, faults: Faults) -> None:
        self.world = world
        self.faults = faults

    def call(
        self,
        process: Process,
        request: str,
        work: Callable[[], Any],
        *,
        patience_s: float = PATIENCE_S,
        comes_late: bool = False,
    ) -> asyncio.Future[Any]:
        """Have a server do work for a process; the future gets its result, or the KafkaError that it raises.

        Work that returns LATER is answered by `answer`.
        After `patience_s` without an answer it gets RequestTimedOutError, whether or not the work was done. Only a request
        that `comes_late` may be done after that.
        """
        future = process.create_future()
        if not process.is_alive:
            return future
        if self.faults.strikes("crash before", request):
            self.kill(process, f"before {request}")
        elif self.faults.strikes("freeze before", request):
            self.freeze(process, f"before {request}")
            process.call_soon(self._send, process, request, work, future, patience_s, comes_late)
        else:
            self._send(process, request, work, future, patience_s, comes_late)
        return future

    def _send(
        self,
        process: Process,
        request: str,
        work: Callable[[], Any],
        future: asyncio.Future[Any],
        patience_s: float,
        comes_late: bool,
    ) -> None:
        if self.faults.strikes("lost request", request):
            self._give_up(process, request, future, patience_s)
            return
        delay_s = self.delay()
        dies, stands_still = (self.faults.strikes(f"{fault} within", request) for fault in ("crash", "freeze"))
        if dies or stands_still or self.faults.strikes("slow", request):
            delay_s += self.faults.seconds(0.2, _SLOWEST_S)
            self._give_up(process, request, future, patience_s)
        if dies or stands_still:
            when_s = self.world.random.uniform(0.0, delay_s)
            self.world.after(when_s, self.kill if dies else self.freeze, process, f"within {request}")
        self.world.after(delay_s, self._arrive, process, request, work, future, patience_s, comes_late)

    def _arrive(
        self,
        process: Process,
        request: str,
        work: Callable[[], Any],
        future: asyncio.Future[Any],
        patience_s: float,
        comes_late: bool,
    ) -> None:
        if future.done() and not comes_late:
            return  # whoever asked has given up and closed the connection
        try:
            result, error = work(), None
        except KafkaError as raised:
            result, error = None, raised
        if result is LATER:
            return
        self.answer(process, request, future, result, error, patience_s=patience_s)

    def answer(
        self,
        process: Process,
        request: str,
        future: asyncio.Future[Any],
        result: Any,
        error: BaseException | None = None,
        *,
        patience_s: float = PATIENCE_S,
    ) -> None:
        """Send an answer on its way."""
        if not process.is_alive:
            return
        if self.faults.strikes("crash after", request):
            self.kill(process, f"after {request}")
            return
        if self.faults.strikes("freeze after", request):
            self.freeze(process, f"after {request}")
        if self.faults.strikes("lost answer", request):
            self._give_up(process, request, future, patience_s)
            return
        self.world.after(self.delay(), process.call_soon, settle, future, result, error)

    def delay(self) -> float:
        """Draw how long one way takes."""
        return self.world.random.expovariate(1 / _USUAL_DELAY_S)

    def kill(self, process: Process, when: str) -> None:
        """Let a process die."""
        if not process.is_alive:
            return
        if self.world.is_traced:
            self.world.note(process.name, f"dies {when}")
        process.kill()
        process.on_killed()

    def freeze(self, process: Process, when: str) -> None:
        """Let a process stand still for a while."""
        if process.is_frozen or not process.is_alive:
            return
        seconds = self.faults.seconds(0.5, _LONGEST_FREEZE_S)
        if self.world.is_traced:
            self.world.note(process.name, f"frozen for {seconds:.1f} s {when}")
        process.freeze(seconds)
        process.on_frozen(seconds)

    def lose(self, process: Process, request: str) -> asyncio.Future[Any]:
        """Send a request that never arrives."""
        future = process.create_future()
        self._give_up(process, request, future, PATIENCE_S)
        return future

    def _give_up(self, process: Process, request: str, future: asyncio.Future[Any], patience_s: float) -> None:
        seconds = self.faults.random.choice([min(0.5, patience_s), patience_s])  # a connection that breaks, or silence
        error = RequestTimedOutError(f"no answer to {request}")
        self.world.after(seconds, process.call_soon, settle, future, None, error)
