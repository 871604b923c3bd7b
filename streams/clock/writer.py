"""The tick writer: keeps the promise that a tick makes (contract section 1).

For a tick `at` T the ends of the raw partitions are read once T has passed; the tick is written when intake's committed
offsets have reached those ends. Intake commits only what the timeline has acknowledged, so everything received before T
then stands in the timeline. Several intake workers share one group, so this holds for any number of them; while intake
stands still no tick is written, and the clock with it.
"""

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import suppress
from datetime import UTC, datetime, timedelta

from events.codec import encode
from events.records import RAW_TOPICS, Tick
from streams.broker.offsets import OffsetReader, behind
from streams.broker.outputs import Output
from streams.broker.publisher import Publisher
from streams.clock.standstill import outage_of
from streams.logs import get_logger
from streams.settings import Settings

log = get_logger(__name__)

_POLL_FIRST_S, _POLL_LONGEST_S = 0.01, 1.0
_COMPLAIN_EVERY_S = 30.0


async def _nobody_knows() -> datetime | None:
    return None


class TickWriter:
    """Writes ticks into every partition of the timeline once intake has caught up."""

    def __init__(self, settings: Settings, offsets: OffsetReader, publisher: Publisher) -> None:
        """Use connected readers and publishers."""
        self._settings = settings
        self._offsets = offsets
        self._publisher = publisher

    async def start(self) -> None:
        """Make sure that the topics are there; raises LookupError where one is not."""
        await self._offsets.partitions([*RAW_TOPICS, "timeline"])

    async def advance_to(self, at: datetime, *, spread_seconds: float = 0.0, stop: asyncio.Event | None = None) -> None:
        """Wait until intake has read everything that the raw topics hold now, then write the tick `at`.

        The caller makes sure that what was received before `at` is in the raw topics when this is called. Partitions get it
        one after the other over `spread_seconds`, at once when `stop` is set: where very much falls due in one tick, the
        others go on with their readings meanwhile.
        """
        await self.wait_for_intake()
        tick = encode(Tick(at=at))
        if spread_seconds <= 0:
            await self._publisher.publish([Output("timeline", None, tick, to_all_partitions=True)])
            return
        stop = stop or asyncio.Event()
        partitions = await self._publisher.partitions("timeline")
        for partition in partitions:
            await self._publisher.publish([Output("timeline", None, tick, partition)])
            await _pause(stop, spread_seconds / len(partitions))

    async def wait_for_intake(self) -> None:
        """Wait until intake has committed the ends that the raw partitions have now."""
        # Asked anew every time: a partition that was added since must not be forgotten in the promise.
        ends = await self._offsets.ends(await self._offsets.partitions(RAW_TOPICS))
        time = asyncio.get_running_loop().time
        pause_s, complain_at = _POLL_FIRST_S, time() + _COMPLAIN_EVERY_S
        while lag := behind(ends, await self._offsets.committed("intake")):
            if time() >= complain_at:
                log.warning("the clock stands still: intake is behind", partitions=len(lag), records=sum(lag.values()))
                complain_at = time() + _COMPLAIN_EVERY_S
            await asyncio.sleep(pause_s)
            pause_s = min(pause_s * 1.5, _POLL_LONGEST_S)

    async def run(
        self,
        stop: asyncio.Event,
        now: Callable[[], datetime] = lambda: datetime.now(UTC),
        read_last: Callable[[], Awaitable[datetime | None]] = _nobody_knows,
    ) -> None:
        """Write a tick every `tick_seconds` until `stop`, each `lag_seconds` behind the machine's time when it began.

        `read_last` reads the clock as the log has it. Where nobody wrote a tick for `outage_minutes` the log is told first.
        """
        clock, time = self._settings.clock, asyncio.get_running_loop().time
        last_at = await read_last()
        while not stop.is_set():
            began = time()
            spread_s = min(clock.spread_seconds, clock.tick_seconds / 2)
            at = now() - timedelta(seconds=clock.lag_seconds)
            if self._stood_still(last_at, at):
                await self._tell_of_standstill(await read_last() or last_at, at)
            await self.advance_to(at, spread_seconds=spread_s, stop=stop)
            last_at = at
            remaining_s = clock.tick_seconds - (time() - began)
            await _pause(stop, max(remaining_s, 0.01))

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
