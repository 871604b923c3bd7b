"""The machine's time against its witnesses: what is believed, what is held, and when it goes on."""

import asyncio
from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import pytest
from structlog.testing import capture_logs

from streams.clock.guard import Anchor, Hold, Limits, ahead_of, judge, steady_seconds
from streams.clock.log_clock import LogClock
from streams.clock.writer import Waiting
from tests.unit.streams.test_clock import Clock

NOON = datetime(2020, 2, 3, 4, tzinfo=UTC)
MINUTE = Limits(ahead_s=60)


def seconds(number: float) -> timedelta:
    return timedelta(seconds=number)


@pytest.mark.parametrize(
    ("ahead_s", "limits", "hold"),
    [
        (0.0, MINUTE, None),
        (60.0, MINUTE, None),
        (60.1, MINUTE, Hold.AHEAD),
        (-86_400.0, MINUTE, None),  # behind the brokers: alerts are late, none is false
        (1e9, Limits(ahead_s=0), None),
        (7200.0, Limits(60, confirmed_until=NOON), None),
        (7200.0, Limits(60, confirmed_until=NOON - seconds(1)), Hold.AHEAD),
    ],
)
def test_ahead(ahead_s: float, limits: Limits, hold: Hold | None) -> None:
    """Up to the bound it is believed; beyond it where somebody has confirmed it, up to the instant he named."""
    assert judge(NOON, ahead_s, NOON - seconds(5), None, limits) == hold


@pytest.mark.parametrize(("last_s", "hold"), [(-1, None), (0, Hold.BEHIND), (3600, Hold.BEHIND)])
def test_behind_the_last_tick(last_s: int, hold: Hold | None) -> None:
    """A tick is higher than the last one or is not written, confirmed or not."""
    limits = Limits(60, confirmed_until=NOON + seconds(86_400))

    assert judge(NOON, 0.0, NOON, NOON + seconds(last_s), limits) == hold


def test_what_is_expected_is_carried_on_by_the_steady_clock() -> None:
    """And nothing is expected where nothing is known."""
    anchor = Anchor(NOON, steady_s=100.0)

    assert ahead_of(anchor, NOON + seconds(10), 110.0) == 0
    assert ahead_of(anchor, NOON + seconds(3610), 110.0) == 3600
    assert ahead_of(anchor, NOON, 110.0) == -10
    assert ahead_of(None, NOON, 110.0) == 0


def test_the_steady_clock_goes_forward() -> None:
    assert 0 < steady_seconds() <= steady_seconds()


class Town:
    """A clock with a machine, brokers and a steady clock whose hands are moved by the test."""

    def __init__(self, *, brokers_stamp: bool = True, **clock: object) -> None:
        self.elapsed_s = 0.0
        self.machine_off_s = 0.0
        self.brokers_off_s = 0.0
        options = {"lag_seconds": 0, "tick_seconds": 0.001, **clock}
        self.clock = Clock(now=self.machine, steady_s=lambda: self.elapsed_s, **options)
        if brokers_stamp:
            self.clock.publisher.stamp = lambda: NOON + seconds(self.elapsed_s + self.brokers_off_s)

    def machine(self) -> datetime:
        return NOON + seconds(self.elapsed_s + self.machine_off_s)

    async def go_on(self, *, until: Callable[[], bool], log_has: datetime | None = None) -> None:
        """Let the clock run until something is so; the steady clock goes on by a second with each of its steps."""
        stop = asyncio.Event()

        async def read_log(_: Callable[[], object]) -> LogClock:
            return LogClock([log_has])

        running = asyncio.create_task(self.clock.writer.run(stop, read_log))
        async with asyncio.timeout(5):
            while not (running.done() or until()):
                self.elapsed_s += 1
                await asyncio.sleep(0.001)
        stop.set()
        await running

    @property
    def ticks(self) -> list[datetime]:
        return [datetime.fromisoformat(tick) for tick in self.clock.ticks]

    @property
    def waiting(self) -> Waiting:
        return self.clock.writer.progress.waiting

    @property
    def looks(self) -> int:
        return self.clock.writer.progress.steps


@pytest.mark.parametrize("brokers_stamp", [True, False])
async def test_the_machine_jumps_ahead(brokers_stamp: bool) -> None:
    """No tick, and an error that says what to do; when the machine is mended ticks go on where they were."""
    town = Town(brokers_stamp=brokers_stamp)
    looks_held: list[int] = []

    def is_over() -> bool:
        if len(town.ticks) < 3:
            return False
        if town.waiting is Waiting.AHEAD:
            looks_held.append(town.looks)
        is_mended = len(set(looks_held)) > 5
        town.machine_off_s = 0.0 if is_mended else 3 * 3600.0
        return is_mended and len(town.ticks) >= 6

    with capture_logs() as logs:
        await town.go_on(until=is_over)

    assert town.ticks == sorted(town.ticks)
    assert town.ticks[-1] < NOON + seconds(3600)
    (complaint,) = [entry for entry in logs if entry["event"] == "the clock is held: time ahead"]
    assert 10_700 < complaint["ahead_seconds"] <= 10_900
    assert "clock.confirmed_until" in complaint["advice"]


async def test_a_machine_that_is_ahead_of_the_brokers_from_the_start() -> None:
    """Not one tick is written; the brokers are asked again, so that it goes on when they agree."""
    town = Town()
    town.machine_off_s = 7200.0

    await town.go_on(until=lambda: town.looks > 5)
    assert town.ticks == []
    assert town.waiting is Waiting.AHEAD
    town.brokers_off_s = 7200.0
    await town.go_on(until=lambda: len(town.ticks) == 2)

    assert town.ticks[0] > NOON + seconds(7000)


async def test_a_time_that_was_confirmed() -> None:
    """Is believed up to the instant that was named, and no further."""
    town = Town(confirmed_until=NOON + seconds(7200 + 100))
    town.machine_off_s = 7200.0

    await town.go_on(until=lambda: town.waiting is Waiting.AHEAD)

    assert town.ticks
    assert NOON + seconds(7200) < town.ticks[-1] <= NOON + seconds(7300)


async def test_the_machine_jumps_back() -> None:
    """No tick until it has passed the last one again."""
    town = Town()

    def is_back() -> bool:
        if len(town.ticks) == 3:
            town.machine_off_s = -50.0
        return len(town.ticks) == 5

    await town.go_on(until=is_back)

    assert town.ticks == sorted(set(town.ticks))
    assert town.elapsed_s > 50


async def test_the_last_tick_of_the_log_counts_too() -> None:
    """Whoever wrote it: the next one is higher."""
    town = Town()
    last = NOON + seconds(30)

    await town.go_on(until=lambda: len(town.ticks) == 1, log_has=last)

    assert town.ticks[0] > last


async def test_a_tick_that_was_broken_off_is_completed() -> None:
    """A clock was killed between two partitions: the same tick once more is not behind."""
    clock, stop = Clock(now=lambda: NOON, lag_seconds=0, ahead_seconds=0), asyncio.Event()

    async def read_log(_: Callable[[], object]) -> LogClock:
        return LogClock([NOON, NOON - seconds(10)])

    running = asyncio.create_task(clock.writer.run(stop, read_log))
    async with asyncio.timeout(5):
        while not clock.log.written:
            await asyncio.sleep(0.001)
    stop.set()
    await running

    assert clock.ticks == ["2020-02-03T04:00:00Z"]


async def test_a_machine_that_is_a_little_ahead() -> None:
    """Ticks go by the brokers' time then: what these stamp before an instant must not stand behind its tick."""
    town = Town()
    town.machine_off_s = 50.0

    await town.go_on(until=lambda: len(town.ticks) == 5)

    assert town.waiting is not Waiting.AHEAD
    assert all(tick <= NOON + seconds(town.elapsed_s) for tick in town.ticks)
    assert town.clock.writer.progress.ahead_s > 40


async def test_a_topic_that_is_not_stamped_by_the_brokers() -> None:
    """A stamp of long ago is no witness: with the machine alone there is nothing that holds ticks."""
    town = Town()
    town.clock.publisher.stamp = lambda: None if town.clock.log.values("timeline") else NOON

    await town.go_on(until=lambda: town.elapsed_s > 500)

    assert town.waiting is not Waiting.AHEAD
    assert town.ticks[-1] > NOON + seconds(400)


async def test_an_acknowledgement_that_takes_long_is_no_jump() -> None:
    """The brokers' stamp is as old as the acknowledgement took: that must not count as the machine being ahead."""
    town = Town()
    town.clock.publisher.released.clear()
    town.clock.publisher.stamp = lambda: NOON + seconds(town.elapsed_s if town.ticks[1:] else min(town.elapsed_s, 5))

    def is_over() -> bool:
        if town.elapsed_s > 500:
            town.clock.publisher.released.set()
        return len(town.ticks) == 3

    await town.go_on(until=is_over)
