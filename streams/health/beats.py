"""Whether an event loop answers, asked from another thread."""

import asyncio
import threading
import time


class LoopBeat:
    """Asks an event loop for an answer, one at a time; sees whether its thread works while none comes.

    A loop that computes for long (a tick that decides a hundred thousand checks) gives no answer either. It is told from one
    that waits for ever by the time its thread has on a processor, where the system says so; elsewhere that of the process.
    """

    def __init__(self, name: str, loop: asyncio.AbstractEventLoop, *, is_in_main_thread: bool = True) -> None:
        """Ask `loop`; whether its thread works is seen for the main thread alone, any other counts as waiting."""
        self.name = name
        self._is_in_main_thread = is_in_main_thread
        self.answers = 0
        self.busy_looks = 0
        self.is_open = True
        self.is_heard = True  # at the last look: the question of the look before it was answered
        self._loop = loop
        self._asked = 0
        self._cpu_s = 0.0

    def look(self, look_s: float) -> None:
        """Count this look as busy if the thread has worked since the last one; ask again if there was an answer."""
        cpu_s = _main_thread_cpu_s()
        if self._is_in_main_thread and cpu_s - self._cpu_s >= look_s / 5:
            self.busy_looks += 1
        self._cpu_s = cpu_s
        self.is_heard = self.answers == self._asked
        if not self.is_heard:
            return
        try:
            self._loop.call_soon_threadsafe(self._answer)
        except RuntimeError:  # it is closed: nothing goes on there, and nothing has to
            self.is_open = False
        else:
            self._asked += 1

    def _answer(self) -> None:
        self.answers += 1


def _main_thread_cpu_s() -> float:
    if not hasattr(time, "pthread_getcpuclockid"):
        return time.process_time()
    # For other threads this is not safe: they may have ended.
    thread_id = threading.main_thread().ident
    assert thread_id is not None
    return time.clock_gettime(time.pthread_getcpuclockid(thread_id))
