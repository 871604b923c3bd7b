"""The tick writer: a tick is written when intake has read everything received before it, and never sooner."""

import asyncio
import json
import time
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from faust.types import TP

from events.records import RAW_TOPICS
from streams.clock.log_clock import LogClock
from streams.clock.writer import TickWriter
from streams.intake.decider import new_intake
from streams.settings import ClockSettings, Settings
from tests.support.fakes import (
    BrokerDown,
    MemoryLog,
    MemoryPublisher,
    ScriptedOffsets,
    raw_record,
    without_signs_of_life,
)

NOON = datetime(2020, 2, 3, 4, tzinfo=UTC)
ENDS = {TP(topic, 0): 5 for topic in RAW_TOPICS} | {TP("timeline", 0): 99}
READ = {tp: end for tp, end in ENDS.items() if tp.topic != "timeline"}


class Clock:
    """A tick writer with brokers that answer as told, and a journal of what it did."""

    def __init__(
        self,
        committed: Callable[[], Mapping[TP, int]] = lambda: READ,
        now: Callable[[], datetime] = lambda: datetime.now(UTC),
        steady_s: Callable[[], float] = time.monotonic,
        **clock: Any,
    ) -> None:
        self.log = MemoryLog()
        settings = Settings(clock=ClockSettings(**({"spread_seconds": 0.0} | clock)))
        self.offsets = ScriptedOffsets(ENDS, committed, self.log.journal)
        self.publisher = MemoryPublisher(self.log, partitions=3)
        self.writer = TickWriter(settings, self.offsets, self.publisher, now=now, steady_s=steady_s)

    @property
    def ticks(self) -> list[str]:
        return [json.loads(value)["at"] for value in self.log.values("timeline")]

    def index(self, what: str) -> int:
        return self.log.journal.index(what)


async def test_a_tick() -> None:
    """Goes to every partition of the timeline, once, after intake was found to have read everything."""
    clock = Clock()

    await clock.writer.advance_to(NOON)

    (output,) = clock.log.written
    assert (output.topic, output.key, output.to_all_partitions) == ("timeline", None, True)
    assert clock.ticks == ["2020-02-03T04:00:00Z"]
    assert clock.index("ends") < clock.index("committed intake") < clock.index("publish 1")


async def test_a_tick_spread_over_time() -> None:
    """Partitions get it one after the other, each once, after intake was found to have read everything."""
    clock = Clock()

    await clock.writer.advance_to(NOON, spread_seconds=0.03)

    assert [output.partition for output in clock.log.written] == [0, 1, 2]
    assert clock.ticks == ["2020-02-03T04:00:00Z"] * 3
    assert clock.index("committed intake") < clock.index("publish 1")


async def test_a_stop_while_a_tick_is_spread() -> None:
    """The other partitions get theirs at once."""
    clock, stop = Clock(), asyncio.Event()
    stop.set()

    await asyncio.wait_for(clock.writer.advance_to(NOON, spread_seconds=600, stop=stop), 5)

    assert len(clock.ticks) == 3


async def test_the_ends_are_read_after_the_instant() -> None:
    """The promise: what was received before `at` is within the ends, because they are read once `at` has passed."""
    stop = asyncio.Event()

    def now() -> datetime:
        clock.log.journal.append("now")
        stop.set()
        return NOON

    clock = Clock(now=now, lag_seconds=5, tick_seconds=3600)
    await clock.writer.run(stop)

    assert clock.ticks == ["2020-02-03T03:59:55Z"]
    assert clock.index("now") < clock.index("ends") < clock.index("publish 1")


async def test_while_intake_is_behind() -> None:
    """In one partition by one record: no tick, until it has caught up with the ends as they were."""
    asked = 0

    def committed() -> Mapping[TP, int]:
        nonlocal asked
        asked += 1
        assert not clock.log.written
        return READ if asked > 4 else {**READ, TP("visits", 0): 4}

    clock = Clock(committed)

    await clock.writer.advance_to(NOON)

    assert asked == 5
    assert clock.log.journal.count("ends") == 1
    assert clock.ticks == ["2020-02-03T04:00:00Z"]


async def test_records_that_were_deleted_before_intake_committed_anything() -> None:
    """Retention took all that a partition held: intake will never read it, and nobody waits for that."""
    clock = Clock(lambda: {tp: end for tp, end in READ.items() if tp.topic != "visits"})
    clock.offsets.first = {TP("visits", 0): 5}

    await clock.writer.advance_to(NOON)

    assert clock.ticks == ["2020-02-03T04:00:00Z"]


async def test_intake_that_has_never_committed() -> None:
    """Is behind in every partition that holds something."""
    is_asked = asyncio.Event()

    def committed() -> Mapping[TP, int]:
        is_asked.set()
        return {}

    clock = Clock(committed)
    writing = asyncio.create_task(clock.writer.advance_to(NOON))
    await asyncio.wait_for(is_asked.wait(), 5)

    writing.cancel()
    with pytest.raises(asyncio.CancelledError):
        await writing

    assert clock.log.written == []


async def test_a_tick_that_cannot_be_written() -> None:
    """Is raised: the clock ends rather than skip it in silence."""
    clock = Clock()
    clock.log.writes_left = 0

    with pytest.raises(BrokerDown):
        await clock.writer.advance_to(NOON)


async def test_ticks_one_after_the_other() -> None:
    """Each by the machine's time when it begins, until the stop; the stop does not wait for the next tick."""
    stop = asyncio.Event()

    def now() -> datetime:
        if len(clock.ticks) == 3:
            stop.set()
        return NOON + timedelta(minutes=len(clock.ticks))

    clock = Clock(now=now, lag_seconds=0, tick_seconds=0.001, ahead_seconds=0)
    await asyncio.wait_for(clock.writer.run(stop), 5)

    assert clock.ticks == [f"2020-02-03T04:0{number}:00Z" for number in range(4)]


async def test_a_stop_in_the_pause() -> None:
    """Ends the clock at once, however long a tick takes."""
    stop, clock = asyncio.Event(), Clock(tick_seconds=3600)
    running = asyncio.create_task(clock.writer.run(stop))
    while not clock.log.written:
        await asyncio.sleep(0)

    stop.set()

    await asyncio.wait_for(running, 5)
    assert len(clock.ticks) == 1


async def test_topics_that_are_not_there() -> None:
    """Are asked for before the first tick."""
    clock = Clock()

    await clock.writer.start()

    assert clock.log.journal[0] == "partitions"


def clock_at(*instants: datetime, **clock: Any) -> Clock:
    """Return a clock on a machine that shows these instants, the next one after each tick."""

    def now() -> datetime:
        return instants[min(made.writer.progress.ticks, len(instants) - 1)]

    made = Clock(now=now, **({"lag_seconds": 0, "ahead_seconds": 0} | clock))
    return made


async def write_ticks(clock: Clock, count: int = 1, log_has: Sequence[datetime | None] = (None,)) -> None:
    """Let the writer run until it has written so many ticks.

    `log_has` is the clock that the log has each time when it is asked; the last one stays.
    """
    stop, known = asyncio.Event(), list(log_has)

    async def read_log(_: Callable[[], object]) -> LogClock:
        return LogClock([known.pop(0) if len(known) > 1 else known[0]])

    running = asyncio.create_task(clock.writer.run(stop, read_log))
    async with asyncio.timeout(5):
        while clock.writer.progress.ticks < count and not running.done():
            await asyncio.sleep(0)
    stop.set()
    await running


def outages(clock: Clock) -> list[dict[str, str]]:
    """Return the records of outages as they went to their raw topic."""
    return [json.loads(value) for value in clock.log.values("commands")]


async def test_a_standstill_is_told_before_the_next_tick() -> None:
    """As an outage of all areas from the last tick to this one, held until devices have sent what they kept."""
    clock = clock_at(NOON, outage_minutes=15, backfill_minutes=60)

    await write_ticks(clock, log_has=[NOON - timedelta(minutes=16)])

    opened, closed = outages(clock)
    assert (opened["kind"], opened["cause"], opened["area"]) == ("outage_opened", "clock_stood_still", None)
    assert (opened["since"], closed["until"]) == ("2020-02-03T03:44:00Z", "2020-02-03T04:00:00Z")
    assert closed["backfill_until"] == "2020-02-03T05:00:00Z"
    assert opened["outage_id"] == closed["outage_id"]
    assert [output.topic for output in clock.log.written] == ["commands", "commands", "timeline"]


async def test_a_standstill_in_one_life() -> None:
    """Between two ticks that this process wrote, too; what the log was told once it is not told again."""
    later = NOON + timedelta(minutes=20)
    clock = clock_at(NOON, later, later + timedelta(minutes=1), tick_seconds=0.01, outage_minutes=15)

    await write_ticks(clock, 3, log_has=[NOON - timedelta(minutes=1), NOON])

    assert [output.topic for output in clock.log.written] == [
        "timeline",
        "commands",
        "commands",
        "timeline",
        "timeline",
    ]


@pytest.mark.parametrize(
    ("minutes", "outage_minutes"), [(15.0, 15.0), (600.0, 0.0)], ids=["no longer than it may", "switched off"]
)
async def test_what_is_no_standstill(minutes: float, outage_minutes: float) -> None:
    clock = clock_at(NOON, outage_minutes=outage_minutes)

    await write_ticks(clock, log_has=[NOON - timedelta(minutes=minutes)])

    assert outages(clock) == []


async def test_another_clock_that_went_on() -> None:
    """A writer that was paused asks the log before it tells of a standstill that only it had."""
    clock = clock_at(NOON)

    await write_ticks(clock, log_has=[NOON - timedelta(hours=1), NOON - timedelta(seconds=10)])

    assert outages(clock) == []


async def test_a_new_log_has_no_standstill() -> None:
    clock = clock_at(NOON)

    await write_ticks(clock)

    assert outages(clock) == []


async def test_the_records_of_a_standstill_are_taken_by_intake() -> None:
    """Once under their key, and as a copy in every partition; a second telling has the same ids."""
    clock, again = clock_at(NOON), clock_at(NOON)
    await write_ticks(clock, log_has=[NOON - timedelta(hours=9)])
    await write_ticks(again, log_has=[NOON - timedelta(hours=9)])

    intake = new_intake("commands", 0, 48)
    raw = [
        raw_record("commands", 0, offset, value, 1_580_702_400_000)
        for offset, value in enumerate(clock.log.values("commands"))
    ]
    outputs = without_signs_of_life(intake.take(raw, 0))

    assert [(output.topic, output.to_all_partitions) for output in outputs] == [
        ("timeline", False),
        ("timeline", True),
    ] * 2
    assert clock.log.values("commands") == again.log.values("commands")
