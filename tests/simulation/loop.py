"""Simulated time, and processes that live in it.

Every process is an event loop of its own, as in life: within one, callbacks run in the order in which they were asked for,
which asyncio promises; between them, whose turn it is is drawn. Time passes only when nobody has anything to do.
"""

import asyncio
import heapq
from asyncio import events
from collections import Counter, deque
from collections.abc import Callable, Coroutine
from contextvars import Context
from itertools import count
from random import Random
from typing import Any

Callback = Callable[..., object]


class Killed(BaseException):
    """The process was killed within a call that blocks."""


class World:
    """Time, what is to happen when, and whose turn it is."""

    def __init__(self, random: Random, note: Callable[[float, str], None] | None = None) -> None:
        """Begin at second 0; `note` is told what happens, if anybody wants to know."""
        self.now = 0.0
        self.steps = 0
        self.random = random
        self._note = note
        self._order = count()
        self._timers: list[tuple[float, int, Callback, tuple[Any, ...]]] = []
        self._runnable: list[Process] = []
        self._is_stopped = False
        self.situations: Counter[str] = Counter()

    def met(self, situation: str) -> None:
        """Count a situation that is worth meeting, so that it can be seen that it is met."""
        self.situations[situation] += 1

    def at(self, when: float, callback: Callback, *args: Any) -> None:
        """Call back at a second, or now where that has passed."""
        heapq.heappush(self._timers, (max(when, self.now), next(self._order), callback, args))

    def after(self, seconds: float, callback: Callback, *args: Any) -> None:
        """Call back after some seconds."""
        self.at(self.now + seconds, callback, *args)

    def note(self, who: str, what: str) -> None:
        """Write a line of the trace."""
        if self._note is not None:
            self._note(self.now, f"{who:<14} {what}")

    @property
    def is_traced(self) -> bool:
        """Tell whether anybody reads the trace: what goes into it costs."""
        return self._note is not None

    def stop(self) -> None:
        """Let `run` return after this step."""
        self._is_stopped = True

    def run(self, until: float) -> bool:
        """Let things happen until `stop` or a second; tells whether it was `stop`."""
        self._is_stopped = False
        while not self._is_stopped:
            if self._runnable:
                self.steps += 1
                last = len(self._runnable) - 1
                turn = self.random.randrange(last + 1) if last else 0
                self._runnable[turn], self._runnable[last] = self._runnable[last], self._runnable[turn]
                self._runnable.pop().take_turn()
                continue
            if not self._timers or self._timers[0][0] > until:
                self.now = until
                return False
            self.now, _, callback, args = heapq.heappop(self._timers)
            self.steps += 1
            callback(*args)
        return True

    def is_ready(self, process: "Process") -> None:
        """Give a process a turn."""
        self._runnable.append(process)


class Process:
    """A process: an event loop that can be frozen and killed at any moment.

    Frozen it does nothing, whatever comes is done when it goes on. Killed it never does anything again; what it has sent is
    on its way all the same.
    """

    def __init__(self, world: World, name: str) -> None:
        self.world = world
        self.name = name
        self.as_loop: Any = self  # all of a loop that asyncio uses of one
        self.is_alive = True
        self.is_frozen = False
        self.frozen_since = 0.0
        self.main: asyncio.Task[None] | None = None
        self.busy_until = 0.0  # what runs in the executor has come so far
        self._ready: deque[asyncio.Handle] = deque()
        self._has_turn = False
        self._tasks: list[asyncio.Task[Any]] = []
        self._tasks_max = 64
        self._when_awake: list[tuple[Callback, tuple[Any, ...]]] = []
        self.on_killed: Callable[[], object] = lambda: None  # told when it is killed from outside
        self.on_frozen: Callable[[float], object] = lambda seconds: None  # noqa: ARG005

    # -- life

    def start(self, main: Coroutine[Any, Any, None], on_end: Callable[["Process", BaseException | None], None]) -> None:
        """Run a coroutine; `on_end` hears how it ended, unless the process was killed before."""
        self.main = self.create_task(main)
        self.main.add_done_callback(lambda task: self._end(task, on_end))

    def _end(self, task: asyncio.Task[None], on_end: Callable[["Process", BaseException | None], None]) -> None:
        error = asyncio.CancelledError() if task.cancelled() else task.exception()
        self.kill()
        on_end(self, error)

    def kill(self) -> None:
        """End at once; nothing is tidied up."""
        if self.is_alive:
            self.is_alive = False
            self._ready.clear()
            self.world.at(self.world.now, self.bury)

    def freeze(self, seconds: float) -> None:
        """Do nothing for some time, and know nothing of it."""
        if self.is_alive and not self.is_frozen:
            self.is_frozen, self.frozen_since = True, self.world.now
            self.world.after(seconds, self._go_on, self.world.now)

    def wake(self) -> None:
        """Go on at once."""
        if self.is_frozen:
            self._go_on(self.frozen_since)

    def _go_on(self, frozen_since: float) -> None:
        if not self.is_frozen or frozen_since != self.frozen_since:
            return
        self.is_frozen = False
        for callback, args in self._when_awake:
            self.world.after(self.world.random.uniform(0.0, 3.0), self.when_awake, callback, *args)
        self._when_awake.clear()
        if self._ready:
            self._ask_for_turn()

    def when_awake(self, callback: Callback, *args: Any) -> None:
        """Call back at once, or where it is frozen within 3 s of its going on; never when it is dead."""
        if not self.is_alive:
            return
        if self.is_frozen:
            self._when_awake.append((callback, args))
        else:
            callback(*args)

    def bury(self) -> None:
        """Close coroutines that will never go on: left to the garbage collector they would complain, at any time."""
        previous = events._get_running_loop()
        events._set_running_loop(self.as_loop)
        for task in self._tasks:
            coroutine: Any = task.get_coro()
            for _ in range(10):  # what awaits while it is closed has to be closed once more
                try:
                    coroutine.close()
                    break
                except (RuntimeError, ValueError):  # ValueError: it is the one that runs now
                    continue
        self._tasks.clear()
        events._set_running_loop(previous)

    # -- turns

    def take_turn(self) -> None:
        """Run what is ready, in order; what becomes ready by that waits for the next turn."""
        self._has_turn = False
        if self.is_frozen or not self.is_alive:
            return
        events._set_running_loop(self.as_loop)
        try:
            for _ in range(len(self._ready)):
                if not self.is_alive or self.is_frozen:
                    return
                handle = self._ready.popleft()
                if not handle._cancelled:
                    handle._run()
        finally:
            events._set_running_loop(None)
        if self._ready:
            self._ask_for_turn()

    def _ask_for_turn(self) -> None:
        if not self._has_turn and not self.is_frozen:
            self._has_turn = True
            self.world.is_ready(self)

    # -- what asyncio asks of a loop

    def call_soon(self, callback: Callback, *args: Any, context: Context | None = None) -> asyncio.Handle:
        """Call back in the next turn."""
        handle = asyncio.Handle(callback, args, self.as_loop, context)
        if self.is_alive:
            self._ready.append(handle)
            self._ask_for_turn()
        return handle

    def call_later(
        self, delay: float, callback: Callback, *args: Any, context: Context | None = None
    ) -> asyncio.TimerHandle:
        """Call back after some seconds."""
        return self.call_at(self.world.now + delay, callback, *args, context=context)

    def call_at(
        self, when: float, callback: Callback, *args: Any, context: Context | None = None
    ) -> asyncio.TimerHandle:
        """Call back at a second."""
        handle = asyncio.TimerHandle(when, callback, args, self.as_loop, context)
        if self.is_alive:
            self.world.at(when, self._is_due, handle)
        return handle

    def _is_due(self, handle: asyncio.TimerHandle) -> None:
        if self.is_alive and not handle._cancelled:
            self._ready.append(handle)
            self._ask_for_turn()

    def _timer_handle_cancelled(self, handle: asyncio.TimerHandle) -> None:
        pass

    def time(self) -> float:
        """Return the second of the world: it goes on while the process is frozen."""
        return self.world.now

    def create_future(self) -> asyncio.Future[Any]:
        """Make a future of this process."""
        return asyncio.Future(loop=self.as_loop)

    def create_task(self, coro: Any, **options: Any) -> asyncio.Task[Any]:
        """Make a task of this process."""
        task: asyncio.Task[Any] = asyncio.Task(coro, loop=self.as_loop, **options)
        self._tasks.append(task)
        if len(self._tasks) > self._tasks_max:
            self._tasks = [task for task in self._tasks if not task.done()]
            self._tasks_max = 64 + 2 * len(self._tasks)
        return task

    def run_in_executor(
        self,
        executor: Any,  # noqa: ARG002
        func: Callable[..., Any],
        *args: Any,
    ) -> asyncio.Future[Any]:
        """Run what blocks, without a thread: how long it takes is what it says by `block`."""
        future = self.create_future()
        self.busy_until = self.world.now
        result, error = None, None
        try:
            result = func(*args)
        except Exception as raised:
            error = raised
        except Killed:
            return future
        self.call_at(self.busy_until, settle, future, result, error)
        return future

    def block(self, seconds: float) -> None:
        """Let time pass in the executor."""
        self.busy_until += seconds

    def call_exception_handler(self, context: dict[str, Any]) -> None:
        """Say nothing: what was lost is judged by what it leads to."""

    def get_debug(self) -> bool:
        """Tell that this is no debugging."""
        return False

    def is_running(self) -> bool:
        """Tell whether the process lives."""
        return self.is_alive

    def is_closed(self) -> bool:
        """Tell whether the process is dead."""
        return not self.is_alive


def settle(future: asyncio.Future[Any], result: Any, error: BaseException | None) -> None:
    """Give a future its result or error, unless nobody waits for it any more."""
    if future.done():
        return
    if error is None:
        future.set_result(result)
    else:
        future.set_exception(error)
