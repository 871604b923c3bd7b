"""The records of some hours, read from raw topics, timeline and dead letters in step and given to the comparison.

Raw topics are read in windows of ten minutes, then what follows from them up to the same time; further on where many raw
records are open, and at the end up to a tick that says that nothing comes any more. What still has no partner is looked for
further back, as far as intake recognises repeats.
"""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from contextlib import aclosing
from dataclasses import dataclass

from faust.types import TP

from events.records import RAW_TOPICS
from streams.broker.hours import LogHours
from streams.partition import LogRecord
from streams.reconcile import Advance, Expected, Standing, reader_of
from streams.reconciling.findings import HOUR_MS, Finding
from streams.reconciling.pairing import USUAL_MEMORY, Memory
from streams.reconciling.records import RecordComparison
from streams.reconciling.ticks import TickSeen, compare_ticks
from streams.settings import Settings

_WINDOW_MS = 600_000

Take = Callable[[TP, Sequence[LogRecord], bool], Awaitable[None]]


@dataclass(frozen=True, slots=True)
class RecordsRead:
    """What was found about the records of the logs, and the ticks that were read, by partition of the timeline."""

    findings: list[Finding]
    ticks: Mapping[int, Sequence[TickSeen]]


async def read_records(
    settings: Settings,
    standing: Standing,
    hours: range,
    expected: Expected | None,
    advance: Advance,
    *,
    examples: int = 5,
    memory: Memory = USUAL_MEMORY,
) -> RecordsRead:
    """Read raw topics, timeline and dead letters of whole hours, by the broker's stamps, and compare them.

    `expected` takes timeline and dead letters too. Raises KafkaError.
    """
    async with (
        reader_of(settings, standing, RAW_TOPICS) as raw,
        reader_of(settings, standing, ("timeline",)) as timeline,
        reader_of(settings, standing, ("dead-letters",)) as letters,
    ):
        reading = _Reading(settings, standing, hours, expected, (raw, timeline, letters), memory)
        comparison = await reading.begin(examples)
        ticks = await reading.run(advance)
        found = compare_ticks(ticks, hours, from_beginning=reading.from_beginning, examples=examples)
        return RecordsRead([*comparison.findings(), found], ticks)


class _Following:
    """A log that follows from the raw topics, read in phases: before the hours, in them, shortly after them, up to its end.

    Within a phase all records count, or none does. `bounds` are the positions at the ends of the phases so far.
    """

    def __init__(self, reader: LogHours, since_ms: int, until_ms: int, take: Take) -> None:
        self._reader, self._take = reader, take
        self._phases = [(since_ms, False), (until_ms, True), (until_ms + _WINDOW_MS, False), (None, False)]
        self.bounds: list[dict[TP, int]] = []

    async def upto(self, at_ms: int) -> None:
        """Read what was stamped before a time."""
        while self._phases:
            until_ms, counts = self._phases[0]
            is_within = until_ms is None or at_ms < until_ms
            async for tp, records in self._reader.until(at_ms if is_within else until_ms):
                await self._take(tp, records, counts)
            if is_within:
                return
            self._end_phase()

    async def while_needed(self, is_needed: Callable[[], bool]) -> None:
        """Read on, whatever the time, as long as something asks for it and there is more."""
        while self._phases and is_needed():
            until_ms, counts = self._phases[0]
            async with aclosing(self._reader.until(until_ms)) as rest:
                while is_needed():
                    found = await anext(rest, None)
                    if found is None:
                        self._end_phase()
                        break
                    await self._take(*found, counts)

    def _end_phase(self) -> None:
        self.bounds.append(self._reader.positions())
        del self._phases[0]


class _Reading:
    """Raw topics, window by window, and timeline and dead letters behind them."""

    def __init__(
        self,
        settings: Settings,
        standing: Standing,
        hours: range,
        expected: Expected | None,
        readers: tuple[LogHours, LogHours, LogHours],
        memory: Memory,
    ) -> None:
        self._settings, self._standing, self._hours, self._expected = settings, standing, hours, expected
        self._raw, self._timeline, self._letters = readers
        self._since_ms, self._until_ms = hours.start * HOUR_MS, hours.stop * HOUR_MS
        self._memory, self._lines_crowded, self._sources_crowded = memory, memory.crowded, memory.crowded
        self._furthest_ms = self._until_ms - 1

    async def begin(self, examples: int) -> RecordComparison:
        """Go to a window before the hours."""
        for reader in (self._raw, self._timeline, self._letters):
            await reader.begin_at(self._since_ms - _WINDOW_MS)
        starts = self._standing.starts
        self.from_beginning = all(offset <= starts[tp] for tp, offset in self._timeline.positions().items())
        self._comparison = RecordComparison(
            len(self._timeline.positions()),
            {self._place(tp): offset for tp, offset in self._standing.intake.items()},
            {self._place(tp): offset for tp, offset in self._raw.positions().items()},
            examples=examples,
            memory=self._memory,
        )
        return self._comparison

    async def run(self, advance: Advance) -> dict[int, list[TickSeen]]:
        """Take the hours, and a window before and after them that asks for nothing; return the ticks of all of it."""
        lines = _Following(self._timeline, self._since_ms, self._until_ms, self._take)
        letters = _Following(self._letters, self._since_ms, self._until_ms, self._take)
        ticks: dict[int, list[TickSeen]] = {}
        for until_ms in range(self._since_ms, self._until_ms + _WINDOW_MS + 1, _WINDOW_MS):
            counts = self._since_ms < until_ms <= self._until_ms
            async for tp, records in self._raw.until(until_ms):
                self._comparison.take_raw(*self._place(tp), records, counts=counts)
                await self._relieve(lines, until_ms)
            await lines.upto(until_ms)
            await letters.upto(until_ms)
            if counts and until_ms % HOUR_MS == 0:
                if self._expected is not None:
                    self._expected.close_before(until_ms // HOUR_MS)
                advance()
        last_ms = self._until_ms + _WINDOW_MS
        for partition, seen in self._comparison.ticks.items():
            ticks[partition] = [tick for tick in seen if tick.appended_ms < last_ms]
        if self._expected is not None:
            for following in (lines, letters):
                self._expected.note_spans(following.bounds[0], following.bounds[1])
        await self._look_ahead(lines, letters)
        if self._comparison.open_lines or self._comparison.open_sources:
            await self._look_back(lines=True)
        return ticks

    async def _take(self, tp: TP, records: Sequence[LogRecord], counts: bool) -> None:
        if self._place(tp)[0] == "timeline":
            self._comparison.take_timeline(tp.partition, records, counts=counts)
            self._furthest_ms = max(self._furthest_ms, records[-1].timestamp)
        else:
            self._comparison.take_dead_letters(tp.partition, records, counts=counts)
        if self._expected is not None and counts:
            self._expected.take(tp, records)
        if self._comparison.open_sources >= self._sources_crowded:
            # Intake was behind: what it took comes from earlier hours.
            await self._look_back(lines=False)
            self._sources_crowded = self._comparison.open_sources + self._memory.crowded

    async def _relieve(self, lines: _Following, until_ms: int) -> None:
        """Read the timeline ahead where raw records without a line become many: intake was behind, or much came at once."""
        comparison = self._comparison
        if comparison.open_lines < self._lines_crowded:
            return
        enough = self._lines_crowded - self._memory.crowded // 2
        await lines.while_needed(lambda: comparison.open_lines > enough and not comparison.is_past(until_ms))
        self._lines_crowded = max(self._memory.crowded, comparison.open_lines + self._memory.crowded // 2)

    async def _look_ahead(self, lines: _Following, letters: _Following) -> None:
        """Read on while something has no partner that may still come."""
        comparison = self._comparison
        await letters.while_needed(lambda: comparison.open_letters > 0)
        await lines.while_needed(lambda: comparison.open_lines > 0 and not comparison.is_past(self._until_ms))

    async def _look_back(self, *, lines: bool) -> None:
        """Read earlier hours, the latest first, while something has no partner that may stand there.

        That is the raw record of a line; with `lines` also the line of a raw record. What was forgotten is read again.
        """
        comparison = self._comparison
        first = self._furthest_ms // HOUR_MS + 1 if comparison.has_forgotten else self._hours.start
        last = self._hours.start - self._settings.worker.repeat_hours - 1
        async with (
            reader_of(self._settings, self._standing, RAW_TOPICS) as raw,
            reader_of(self._settings, self._standing, ("timeline",)) as timeline,
        ):
            for hour in range(first - 1, last - 1, -1):
                for_lines = lines and comparison.open_lines > 0 and await self._see(timeline, hour)
                for_sources = comparison.open_sources > 0 and await self._see(raw, hour)
                if not (for_lines or for_sources):
                    return

    async def _see(self, reader: LogHours, hour: int) -> bool:
        """Read an hour that asks for nothing; returns whether the log has anything before it."""
        await reader.begin_at(hour * HOUR_MS)
        has_earlier = any(offset > self._standing.starts[tp] for tp, offset in reader.positions().items())
        async for tp, records in reader.until((hour + 1) * HOUR_MS):
            topic, partition = self._place(tp)
            if topic == "timeline":
                self._comparison.take_timeline(partition, records, counts=False)
            else:
                self._comparison.take_raw(topic, partition, records, counts=False)
        return has_earlier

    def _place(self, tp: TP) -> tuple[str, int]:
        return tp.topic.removeprefix(self._settings.topic_prefix), tp.partition
