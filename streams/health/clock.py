"""How the tick writer is, seen from outside."""

import asyncio
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime

from streams.clock.writer import HELD, ClockProgress, Waiting
from streams.health.beats import LoopBeat
from streams.health.pulses import Pulse, StalledError
from streams.health.survey import Survey
from streams.health.vitals import Check, Sample
from streams.settings import Settings

_PART = "clock"
_BUSY = {Waiting.INTAKE, Waiting.WRITING}


class ClockVitals:
    """Pulses, checks and metrics of the clock; told of the tick writer when it begins.

    Waiting for intake is no stall, and neither is a machine's time that is not to be believed: each time it asks or looks
    counts as a step; so is waiting for brokers that answer nobody. What is left is a question that it alone has no answer
    to, or a tick that could be written and is not.
    """

    part = _PART

    def __init__(self, settings: Settings, survey: Survey) -> None:
        """Watch a clock that has not begun."""
        self._settings = settings
        self._survey = survey
        self._progress = ClockProgress()
        self._beat: LoopBeat | None = None
        self._end: Callable[[StalledError], object] = lambda reason: None  # noqa: ARG005

    def begin(self, progress: ClockProgress, end: Callable[[StalledError], object]) -> None:
        """Watch a tick writer of the running loop; `end` is called in that loop with the reason."""
        loop = asyncio.get_running_loop()
        self._progress = progress
        self._beat = LoopBeat("event loop", loop)
        self._end = lambda reason: loop.call_soon_threadsafe(end, reason)

    def beats(self) -> Iterator[LoopBeat]:
        """Yield the loop of the tick writer."""
        if self._beat is not None:
            yield self._beat

    def end(self, reason: StalledError) -> None:
        """End the clock."""
        self._end(reason)

    def pulses(self) -> Iterator[Pulse]:
        """Yield the one thing that must go on: the next step of the tick writer."""
        progress = self._progress
        stall_s = self._settings.watchdog.stall_seconds
        is_pausing = progress.waiting not in _BUSY and time.monotonic() < progress.next_at_s
        detail = {"waits for": progress.waiting.value, "last tick": _instant(progress.last_tick_at)}
        yield Pulse(
            self.part, "the next tick", progress.steps, self._survey.is_answering and not is_pausing, stall_s, detail
        )

    def checks(self) -> Iterator[Check]:
        """Yield whether ticks are written in time, and whether the machine's time is believed."""
        progress = self._progress
        clock = self._settings.clock
        bound_s = self._settings.health.ready_clock_seconds + clock.tick_seconds + clock.lag_seconds
        at = progress.last_tick_at
        delay_s = None if at is None else (datetime.now(UTC) - at).total_seconds()
        is_late = delay_s is None or delay_s > bound_s
        waits = f"; it waits for {progress.waiting}"
        late = (
            "no tick yet"
            if delay_s is None
            else f"the last tick is {delay_s:.0f} s old, at most {bound_s:.0f} are in time"
        )
        yield Check(self.part, "ticking", not is_late, late + waits if is_late else "")
        held = (
            f"{progress.waiting}: {progress.behind_s:.0f} s behind the last tick"
            if progress.waiting is Waiting.BEHIND
            else f"{progress.waiting}: {progress.ahead_s:.0f} s ahead of its witnesses"
        )
        is_held = progress.waiting in HELD
        yield Check(self.part, "time_believed", not is_held, held if is_held else "")

    def samples(self) -> Iterator[Sample]:
        """Yield what was written last and what is waited for."""
        progress = self._progress
        yield Sample("gridwatch_ticks_written_total", (), progress.ticks)
        if progress.last_tick_at is not None:
            yield Sample("gridwatch_last_tick_timestamp_seconds", (), progress.last_tick_at.timestamp())
        for reason in Waiting:
            yield Sample("gridwatch_clock_waiting", (reason.value,), float(progress.waiting is reason))
        yield Sample("gridwatch_clock_ahead_seconds", (), progress.ahead_s)


def _instant(at: datetime | None) -> str:
    return "none" if at is None else at.isoformat()
