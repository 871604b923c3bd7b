"""The promise of a tick: whatever was received before it stands before it, whoever reads, stops or dies meanwhile."""

import asyncio
import json
from collections.abc import Callable
from datetime import datetime
from pathlib import Path

from faust.types import TP

from streams.broker.offsets import OffsetReader
from streams.clock.writer import TickWriter
from tests.support.brokers import BrokerUnderTest
from tests.support.decisions import assert_live_equals_replay, assert_no_tick_before_earlier_record
from tests.support.pipeline import Pipeline, pipeline_on, until
from tests.support.raw_records import opening, policy, reading, scan


class CountingReader(OffsetReader):
    """Counts how often it was asked how far intake is."""

    asked = 0

    async def committed(self, role: str) -> dict[TP, int]:
        """Return what the group of a role has committed, by partition."""
        found = await super().committed(role)
        self.asked += 1
        return found


async def stands_still(pipeline: Pipeline, at: str) -> asyncio.Task[None]:
    """Begin to write a tick, and return the attempt once it has asked in vain a few times."""
    reader = CountingReader(pipeline.settings)

    async def attempt() -> None:
        async with reader:
            writer = TickWriter(pipeline.settings, reader, pipeline.publisher)
            await writer.start()
            await writer.advance_to(_instant(at))

    task = asyncio.create_task(attempt())
    await until(lambda: reader.asked >= 4, "the tick writer to ask four times")
    assert not task.done()
    return task


def _instant(text: str) -> datetime:
    return datetime.fromisoformat(text)


async def test_a_stopped_intake_stops_the_clock(
    broker: BrokerUnderTest, tmp_path: Path, fresh_name: Callable[[str], str]
) -> None:
    """Two intakes share the work; with one the clock goes on, with none it stands, with one again it goes on."""
    async with pipeline_on(broker, tmp_path, fresh_name("clock")) as pipeline:
        first, second, watch = await pipeline.start("worker intake", "worker intake", "worker watch")
        await pipeline.send(policy(), opening("p-1"))
        await pipeline.tick("2020-02-01T01:00:00Z")
        assert await first.stop() == 0, first.log()
        await pipeline.send(
            *(scan(f"scan-{number}", f"p-{number}", source_id=f"gate-{number}") for number in range(20))
        )
        await pipeline.tick("2020-02-01T02:00:00Z")
        assert await pipeline.timeline_records() == 3 + 1 + 20 + 2 * 3
        assert await second.stop() == 0, second.log()
        await pipeline.send(reading("while-down"))

        attempt = await stands_still(pipeline, "2020-02-02T09:00:00Z")
        assert await pipeline.timeline_records() == 3 + 1 + 20 + 2 * 3

        await pipeline.start("worker intake")
        await asyncio.wait_for(attempt, 60)
        await pipeline.decided()
        kinds = [
            json.loads(r.value)["kind"]
            for r in await pipeline.read("timeline")
            if b"p-1" in r.value or b"tick" in r.value
        ]
        assert kinds.count("tick") == 9
        await assert_no_tick_before_earlier_record(pipeline)
        found = await assert_live_equals_replay(pipeline)
        states = sorted(check["state"] for check in found.final_checks().values())
        assert states == ["done", "missed"]
        assert await watch.stop() == 0, watch.log()


async def test_the_running_clock_keeps_its_promise(
    broker: BrokerUnderTest, tmp_path: Path, fresh_name: Callable[[str], str]
) -> None:
    """Ticks by the machine's time while records come in, an intake is killed and the clock itself is killed."""
    clock = {"tick_seconds": 0.1, "lag_seconds": 0.5}
    async with pipeline_on(broker, tmp_path, fresh_name("ticking"), clock=clock) as pipeline:
        intake, _ = await pipeline.start("worker intake", "worker intake")
        await pipeline.send(policy())
        ticking = pipeline.launch("clock")
        sent = await feed_scans(pipeline, 0, ticks_more=5)
        intake.kill()
        sent = await feed_scans(pipeline, sent, ticks_more=5)
        ticking.kill()
        pipeline.launch("clock")
        sent = await feed_scans(pipeline, sent, ticks_more=5)
        await pipeline.clock.wait_for_intake()

        assert await assert_no_tick_before_earlier_record(pipeline) == sent + 3


async def feed_scans(pipeline: Pipeline, sent: int, *, ticks_more: int) -> int:
    """Send scans until so many more ticks stand in the timeline, and return how many were sent in all."""
    enough = await ticks(pipeline) + ticks_more

    async def have_come() -> bool:
        nonlocal sent
        names = range(sent, sent + 10)
        await pipeline.send(*(scan(f"s-{n}", f"p-{n % 10}", source_id=f"gate-{n % 10}") for n in names))
        sent += 10
        return await ticks(pipeline) >= enough

    await until(have_come, f"{ticks_more} more ticks")
    return sent


async def ticks(pipeline: Pipeline) -> int:
    """Return how many ticks stand in partition 0 of the timeline."""
    return sum(r.partition == 0 and b'"tick"' in (r.value or b"") for r in await pipeline.read("timeline"))
