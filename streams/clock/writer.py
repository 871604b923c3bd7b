"""The tick writer: keeps the promise that a tick makes (contract section 1).

For a tick `at` T the ends of the raw partitions are read once T has passed; the tick is written when intake's committed
offsets have reached those ends. Intake commits only what the timeline has acknowledged, so everything received before T
then stands in the timeline. Several intake workers share one group, so this holds for any number of them; while intake
stands still no tick is written, and the clock with it. Nor is one while the machine's time is not to be believed (`guard`).
"""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from enum import StrEnum

from faust.types import TP

from events.codec import encode
from events.records import RAW_TOPICS, Tick
from streams.broker.offsets import OffsetReader, behind
from streams.broker.outputs import Output
from streams.broker.publisher import Publisher
from streams.clock.guard import Anchor, Hold, Limits, ahead_of, distance_s, judge, steady_seconds
from streams.clock.log_clock import LogClock
from streams.clock.standstill import outage_of
from streams.logs import get_logger
from streams.settings import Settings

log = get_logger(__name__)

_POLL_FIRST_S, _POLL_LONGEST_S = 0.01, 1.0
_COMPLAIN_EVERY_S = 30.0
_SHORTEST_PAUSE_S = 0.01
# Of a compacted topic of gridwatch's own: nobody reads it, and it takes itself away.
_TIME_TOPIC, _TIME_KEY = "watch-state", b"time of the brokers"


class Waiting(StrEnum):
    """What the tick writer waits for."""

    NEXT_TICK = "next_tick"
    INTAKE = "intake"
    AHEAD = Hold.AHEAD.value
    BEHIND = Hold.BEHIND.value
    WRITING = "writing"


HELD = frozenset({Waiting.AHEAD, Waiting.BEHIND})


@dataclass(slots=True)
class ClockProgress:
    """How far the tick writer is; read by whoever shows it. `steps` rises with everything it does or is told."""

    steps: int = 0
    ticks: int = 0
    last_tick_at: datetime | None = None
    waiting: Waiting = Waiting.NEXT_TICK
    ahead_s: float = 0.0
    behind_s: float = 0.0  # the last tick, while it is held for that
    next_at_s: float = 0.0  # when the next tick is due, by the event loop's clock
    intake_lag: int = 0


# Reads the clock as the log has it; calls what it is given each time it has come a little further.
ReadLog = Callable[[Callable[[], object]], Awaitable[LogClock]]


async def _nobody_knows(_: Callable[[], object]) -> LogClock:
    return LogClock()


class TickWriter:
    """Writes ticks into every partition of the timeline once intake has caught up."""

    def __init__(
        self,
        settings: Settings,
        offsets: OffsetReader,
        publisher: Publisher,
        *,
        now: Callable[[], datetime] = lambda: datetime.now(UTC),
        steady_s: Callable[[], float] = steady_seconds,
    ) -> None:
        """Use connected readers and publishers; `now` is the machine's time, `steady_s` the clock that nobody sets."""
        self.progress = ClockProgress()
        self._settings = settings
        self._offsets = offsets
        self._publisher = publisher
        self._now, self._steady_s = now, steady_s
        self._anchor: Anchor | None = None
        self._limits = Limits(settings.clock.ahead_seconds, settings.clock.confirmed_until)
        self._complain_at = 0.0

    async def start(self) -> None:
        """Make sure that the topics are there; raises LookupError where one is not."""
        await self._offsets.partitions([*RAW_TOPICS, "timeline", _TIME_TOPIC])

    async def run(self, stop: asyncio.Event, read_log: ReadLog = _nobody_knows) -> None:
        """Write a tick every `tick_seconds` until `stop`, each `lag_seconds` behind the machine's time when it began.

        `read_log` reads the clock as the log has it. While the machine's time is not to be believed, or not higher than the
        log's last tick, there is none, and it is logged why and what to do. Where nobody wrote a tick for `outage_minutes`
        the log is told first.
        """
        clock = self._settings.clock
        # Where a tick was broken off, some partitions are further: the same one, or a later one, makes up for it.
        self.progress.last_tick_at = last_at = (await read_log(self._note_step)).lowest
        while not stop.is_set():
            began = self._time()
            at = await self._time_of_a_tick()
            if at is not None:
                if self._stood_still(last_at, at):
                    await self._tell_of_standstill((await read_log(self._note_step)).lowest or last_at, at)
                await self.advance_to(at, spread_seconds=min(clock.spread_seconds, clock.tick_seconds / 2), stop=stop)
                self.progress.waiting, last_at = Waiting.NEXT_TICK, at
            self.progress.next_at_s = max(began + clock.tick_seconds, self._time() + _SHORTEST_PAUSE_S)
            await _pause(stop, self.progress.next_at_s - self._time())

    def _note_step(self) -> None:
        self.progress.steps += 1

    @staticmethod
    def _time() -> float:
        return asyncio.get_running_loop().time()

    async def advance_to(self, at: datetime, *, spread_seconds: float = 0.0, stop: asyncio.Event | None = None) -> None:
        """Wait until intake has read everything that the raw topics hold now, then write the tick `at`.

        The caller makes sure that what was received before `at` is in the raw topics when this is called. Partitions get it
        one after the other over `spread_seconds`, at once when `stop` is set: where very much falls due in one tick, the
        others go on with their readings meanwhile.
        """
        await self.wait_for_intake()
        self.progress.waiting = Waiting.WRITING
        tick = encode(Tick(at=at))
        if spread_seconds <= 0:
            await self._publish(Output("timeline", None, tick, to_all_partitions=True))
        else:
            await self._publish_in_turn(tick, spread_seconds, stop or asyncio.Event())
        self.progress.ticks += 1
        self.progress.last_tick_at = at

    async def _publish_in_turn(self, tick: bytes, spread_seconds: float, stop: asyncio.Event) -> None:
        partitions = await self._publisher.partitions("timeline")
        for partition in partitions:
            await self._publish(Output("timeline", None, tick, partition))
            await _pause(stop, spread_seconds / len(partitions))

    async def _publish(self, output: Output) -> None:
        async with self._anchoring():
            await self._publisher.publish([output])
        self.progress.steps += 1

    async def wait_for_intake(self) -> None:
        """Wait until intake has committed the ends that the raw partitions have now."""
        self.progress.waiting = Waiting.INTAKE
        # Asked anew every time: a partition that was added since must not be forgotten in the promise.
        ends = await self._offsets.ends(await self._offsets.partitions(RAW_TOPICS))
        pause_s, complain_at = _POLL_FIRST_S, self._time() + _COMPLAIN_EVERY_S
        while lag := await self._intake_lag(ends):
            self.progress.steps += 1
            self.progress.intake_lag = sum(lag.values())
            if self._time() >= complain_at:
                log.warning("the clock stands still: intake is behind", partitions=len(lag), records=sum(lag.values()))
                complain_at = self._time() + _COMPLAIN_EVERY_S
            await asyncio.sleep(pause_s)
            pause_s = min(pause_s * 1.5, _POLL_LONGEST_S)
        self.progress.steps += 1
        self.progress.intake_lag = 0

    async def _intake_lag(self, ends: Mapping[TP, int]) -> dict[TP, int]:
        """Return what intake has still to commit; what was deleted before it committed anything it will never read."""
        committed = await self._offsets.committed("intake")
        lag = behind(ends, committed)
        fresh = [tp for tp in lag if committed.get(tp, -1) < 0]
        starts = await self._offsets.starts(fresh) if fresh else {}
        return {tp: count for tp, count in lag.items() if starts.get(tp, 0) < ends[tp]}

    # -- the machine's time

    async def _time_of_a_tick(self) -> datetime | None:
        """Return the instant of the next tick, or None while the machine's time is not to be believed."""
        # After the first tick the steady clock is a witness too; to ask brokers on the same machine would overrule it.
        if self.progress.ticks == 0:
            await self._ask_brokers()
        machine, progress = self._now(), self.progress
        progress.ahead_s = ahead_of(self._anchor, machine, self._steady_s())
        lag_s = self._settings.clock.lag_seconds
        at = machine - timedelta(seconds=distance_s(machine, progress.ahead_s, lag_s, self._limits))
        progress.steps += 1
        hold = judge(machine, progress.ahead_s, at, progress.last_tick_at, self._limits)
        if hold is None:
            if progress.waiting in HELD:
                log.info("the clock goes on")
            return at
        progress.waiting = Waiting(hold.value)
        progress.behind_s = 0.0 if progress.last_tick_at is None else (progress.last_tick_at - at).total_seconds()
        self._complain(hold, at)
        return None

    async def _ask_brokers(self) -> None:
        """Learn the brokers' time from their stamp on a tombstone."""
        async with self._anchoring():
            if self._limits.ahead_s > 0:
                await self._publisher.delete(_TIME_TOPIC, [_TIME_KEY], 0)

    @asynccontextmanager
    async def _anchoring(self) -> AsyncIterator[None]:
        """Believe the stamp of what is written meanwhile, or the machine where the brokers stamp nothing.

        The steady clock is read before: an acknowledgement that takes long must not look like a machine that is ahead.
        """
        machine, steady_s = self._now(), self._steady_s()
        self._publisher.appended_at = None  # a stamp of before says nothing of this moment
        yield
        self._anchor = Anchor(self._publisher.appended_at or machine, steady_s)

    def _complain(self, hold: Hold, at: datetime) -> None:
        if self._time() < self._complain_at:
            return
        self._complain_at = self._time() + _COMPLAIN_EVERY_S
        if hold is Hold.AHEAD:
            advice = "mend the machine's time; if it is right, restart the clock or set clock.confirmed_until"
            log.error("the clock is held: time ahead", ahead_seconds=round(self.progress.ahead_s), advice=advice)
        elif self.progress.last_tick_at is not None:
            behind_seconds = round((self.progress.last_tick_at - at).total_seconds())
            advice = (
                "mend the machine's time if it is behind; if it is right, the log is ahead: wait until it is passed"
            )
            log.error("the clock is held: time behind the last tick", behind_seconds=behind_seconds, advice=advice)

    def _stood_still(self, last_at: datetime | None, at: datetime) -> bool:
        longest = timedelta(minutes=self._settings.clock.outage_minutes)
        return last_at is not None and bool(longest) and at - last_at > longest

    async def _tell_of_standstill(self, last_at: datetime | None, at: datetime) -> None:
        if last_at is None or not self._stood_still(last_at, at):
            return
        log.warning("the clock stood still: told the log", minutes=round((at - last_at) / timedelta(minutes=1)))
        backfill = timedelta(minutes=self._settings.clock.backfill_minutes)
        await self._publisher.publish(outage_of(last_at, at, backfill))


async def _pause(stop: asyncio.Event, seconds: float) -> None:
    with suppress(TimeoutError):
        await asyncio.wait_for(stop.wait(), seconds)
