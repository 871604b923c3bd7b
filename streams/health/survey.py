"""What the brokers say of the log's ends and of the groups' commits, asked beside the clients that do the work.

Whoever reads the log may be the one that stands still: what it believes of itself says nothing then. So this has
connections, an event loop and a thread of its own.
"""

import asyncio
import threading
import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass

from faust.types import TP

from streams.broker.offsets import OffsetReader
from streams.logs import get_logger
from streams.settings import Settings

log = get_logger(__name__)

_ANSWER_SECONDS = 20.0

# Catalogue role of a group to the partitions of which ends are asked.
Asked = Callable[[], Mapping[str, Iterable[TP]]]


@dataclass(frozen=True, slots=True)
class Answer:
    """What the brokers said last: of each role the end and the committed offset of its partitions."""

    ends: Mapping[str, Mapping[TP, int]]
    committed: Mapping[str, Mapping[TP, int]]


class Survey:
    """Asks every `watchdog.survey_seconds`; read from any thread."""

    def __init__(self, settings: Settings, asked: Asked, ping: Callable[[], bool] | None = None) -> None:
        """Ask for the partitions that `asked` returns at that moment, by role, and whether `ping` is answered."""
        self._settings = settings
        self._asked = asked
        self._ping = ping
        self.is_pinged = True
        self._answer = Answer({}, {})
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, name="survey", daemon=True)
        self._answered_s = 0.0  # of the steady clock
        self.answers = 0
        self.error = "not asked yet"

    @property
    def is_answering(self) -> bool:
        """Tell whether the last question was answered, and not so long ago that the answer is worth nothing."""
        age_s = time.monotonic() - self._answered_s
        return not self.error and age_s < 2 * self._settings.watchdog.survey_seconds + _ANSWER_SECONDS

    def start(self) -> None:
        """Begin to ask."""
        self._thread.start()

    def stop(self) -> None:
        """Ask no more."""
        self._stop.set()

    def lag(self, role: str, begun: Mapping[TP, int]) -> dict[TP, int]:
        """Return how many records a group has still to commit in each partition of `begun`, as of the last answer.

        `begun` says where reading began, for a group that has committed nothing. A partition of which nothing is known
        yet is left out.
        """
        ends = self._answer.ends.get(role, {})
        done = {tp: began if (known := self.committed(role, tp)) is None else known for tp, began in begun.items()}
        return {tp: max(0, ends[tp] - offset) for tp, offset in done.items() if tp in ends}

    def committed(self, role: str, tp: TP) -> int | None:
        """Return what the group of a role has committed of a partition, as of the last answer; None for nothing."""
        offset = self._answer.committed.get(role, {}).get(tp, -1)
        return None if offset < 0 else offset

    def _run(self) -> None:
        asyncio.run(self._ask_on())

    async def _ask_on(self) -> None:
        await asyncio.gather(self._ask_brokers_on(), self._ping_on())

    async def _ping_on(self) -> None:
        while self._ping is not None and not self._stop.is_set():
            try:
                self.is_pinged = await asyncio.to_thread(self._ping)
            except Exception:  # whatever it is: there is no answer, and the asking goes on
                self.is_pinged = False
            await self._pause()

    async def _ask_brokers_on(self) -> None:
        while not self._stop.is_set():
            try:
                async with OffsetReader(self._settings) as offsets:
                    await self._ask_while_answered(offsets)
            except Exception as error:  # whatever it is: there is no answer
                if not self.error:
                    log.warning("the brokers do not answer the watchdog", error=type(error).__name__)
                self.error = type(error).__name__
            await self._pause()

    async def _ask_while_answered(self, offsets: OffsetReader) -> None:
        while not self._stop.is_set():
            asked = {role: list(partitions) for role, partitions in self._asked().items()}
            async with asyncio.timeout(_ANSWER_SECONDS):
                ends = {role: await offsets.ends(partitions) for role, partitions in asked.items()}
                committed = {role: await offsets.committed(role) for role in asked}
            self._answer = Answer(ends, committed)
            if self.error and self.answers:
                log.info("the brokers answer the watchdog again")
            self.answers += 1
            self.error, self._answered_s = "", time.monotonic()
            await self._pause()

    async def _pause(self) -> None:
        # In steps: the thread is to end soon after `stop`.
        until = time.monotonic() + self._settings.watchdog.survey_seconds
        while not self._stop.is_set() and time.monotonic() < until:
            await asyncio.sleep(min(0.2, self._settings.watchdog.survey_seconds))
