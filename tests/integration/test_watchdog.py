"""A stall is an error: a process that cannot go on ends with a reason, one that waits rightly does not."""

import asyncio
import signal
import sys
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest

from streams.broker.topics import create_topics, plan_topics
from streams.embedded.broker import EmbeddedBroker
from streams.trying.machine import local_settings
from tests.support.brokers import BrokerUnderTest
from tests.support.health import Health, free_port
from tests.support.pipeline import Part, Pipeline, pipeline_on, until
from tests.support.raw_records import policy, reading
from tests.support.stuck_worker import MARKER

ONE_PARTITION = {"raw_partitions": 1, "timeline_partitions": 1, "result_partitions": 1}
# A stall after three seconds of looks; the brokers are asked often.
QUICK = {"stall_seconds": 3.0, "blocked_seconds": 3.0, "survey_seconds": 0.3}
MARKED = reading("event-" + MARKER.decode(), "person-7731", 39.25)
EXIT_STUCK = 70
LOOKS = "gridwatch_watchdog_looks_total"


@asynccontextmanager
async def watched_pipeline(
    broker: BrokerUnderTest, directory: Path, prefix: str, **clock: Any
) -> AsyncIterator[Pipeline]:
    """Yield a pipeline whose processes have little patience with themselves."""
    kafka = {"rebalance_timeout_seconds": 6.0}
    async with pipeline_on(
        broker, directory, prefix, topics=ONE_PARTITION, watchdog=QUICK, clock=clock, kafka=kafka
    ) as pipeline:
        yield pipeline


def stuck(pipeline: Pipeline, how: str, *arguments: str) -> Part:
    """Start a command that gets stuck at the marker."""
    return pipeline.launch(*arguments, module="tests.support.stuck_worker", GRIDWATCH_TEST_STUCK=how)


def the_stall(part: Part) -> dict[str, Any]:
    """Return the one line of the log that says why the process ends; nothing in the log is about people."""
    for secret in ("person-7731", "39.25", MARKER.decode()):
        assert secret not in part.log()
    (line,) = part.entries("a stall ends the process")
    return line


@pytest.mark.parametrize("how", ["unsettled", "unread"])
async def test_a_worker_that_cannot_go_on_ends_with_the_reason(
    broker: BrokerUnderTest, tmp_path: Path, fresh_name: Callable[[str], str], how: str
) -> None:
    """Status 70; the log names the partition, the oldest batch not acknowledged, and for how long; a sound one goes on."""
    async with watched_pipeline(broker, tmp_path, fresh_name(how)) as pipeline:
        worker = stuck(pipeline, how, "worker", "intake")
        await worker.ready("worker ready")
        await pipeline.send(reading("before", "person-7731", 36.75))
        await pipeline.wait_for_timeline(1)
        await pipeline.send(MARKED)

        assert await worker.ended() == EXIT_STUCK, worker.log()

        line = the_stall(worker)
        assert (line["part"], line["what"]) == ("intake", f"{pipeline.settings.topic('temperatures')}:0")
        assert (line["records_to_commit"], line["committed_offset"]) == (1, 1)
        assert line["seconds"] >= 3
        expected = 1 if how == "unsettled" else None
        assert line.get("oldest_batch_not_acknowledged_begins_at_offset") == expected
        assert "Thread 0x" not in worker.log(), "it has left in good order"

        await pipeline.start("worker intake")
        await pipeline.wait_for_timeline(2)


async def test_a_blocked_event_loop_is_ended_hard(
    broker: BrokerUnderTest, tmp_path: Path, fresh_name: Callable[[str], str]
) -> None:
    """Status 70, and on standard error where every thread stands: the line that blocks is among them."""
    async with watched_pipeline(broker, tmp_path, fresh_name("blocked")) as pipeline:
        worker = stuck(pipeline, "blocked", "worker", "intake")
        await worker.ready("worker ready")
        await pipeline.send(MARKED)

        assert await worker.ended() == EXIT_STUCK, worker.log()

        said = worker.log()
        assert "process: the event loop of intake stands still for" in said
        assert "in take_and_wait_for_ever" in said
        assert "person-7731" not in said


@pytest.mark.slow
async def test_a_worker_that_does_not_hear_is_ended_hard(
    embedded_broker: BrokerUnderTest, tmp_path: Path, fresh_name: Callable[[str], str]
) -> None:
    """Its stop waits for ever too: half a minute of looks later it is gone, with the first reason."""
    async with watched_pipeline(embedded_broker, tmp_path, fresh_name("deaf")) as pipeline:
        worker = stuck(pipeline, "deaf", "worker", "intake")
        await worker.ready("worker ready")
        await pipeline.send(MARKED)

        assert await worker.ended(70.0) == EXIT_STUCK, worker.log()

        assert "temperatures:0 stands still for" in worker.log()
        assert "told so, it does not end" in worker.log()


async def test_a_clock_that_could_write_and_does_not(
    broker: BrokerUnderTest, tmp_path: Path, fresh_name: Callable[[str], str]
) -> None:
    """Waiting for intake is none of it: it waits as long as it takes. A tick that nobody acknowledges is."""
    clock = {"tick_seconds": 0.5, "lag_seconds": 0.0, "spread_seconds": 0.0}
    async with watched_pipeline(broker, tmp_path, fresh_name("silent"), **clock) as pipeline:
        await pipeline.send(policy())  # nobody has taken it: the clock has to wait
        clocks = [pipeline.launch("clock"), stuck(pipeline, "silent", "clock")]
        for part in clocks:
            await part.ready("clock started")
        steps = pipeline.launch("worker", "watch")
        await steps.ready("worker ready")
        assert [part.process.poll() for part in clocks] == [None, None]
        await pipeline.start("worker intake")

        assert await clocks[1].ended() == EXIT_STUCK, clocks[1].log()

        line = the_stall(clocks[1])
        assert (line["part"], line["what"], line["waits_for"]) == ("clock", "the next tick", "writing")
        assert clocks[0].process.poll() is None
        assert await clocks[0].stop() == 0


async def test_a_process_that_was_stopped_goes_on(
    embedded_broker: BrokerUnderTest, tmp_path: Path, fresh_name: Callable[[str], str]
) -> None:
    """Frozen in the middle of work that had begun to stand still, for longer than the limit: it took no look meanwhile."""
    async with watched_pipeline(embedded_broker, tmp_path, fresh_name("frozen")) as pipeline:
        frozen, other, released = Health(free_port()), Health(free_port()), tmp_path / "released"
        held = {"GRIDWATCH_TEST_STUCK": "held", "GRIDWATCH_TEST_RELEASED": str(released)}
        stuck = {"module": "tests.support.stuck_worker", "GRIDWATCH_WATCHDOG__STALL_SECONDS": "8", **held}
        intake = pipeline.launch("worker", "intake", **stuck, **frozen.variables)
        await pipeline.launch("worker", "watch", **other.variables).ready("worker ready")
        await intake.ready("worker ready")
        await pipeline.send(MARKED)
        await until(lambda: frozen.value("gridwatch_standing_still_seconds") >= 1, "work to stand still")
        intake.process.send_signal(signal.SIGSTOP)
        looks = other.value(LOOKS)
        await until(lambda: other.value(LOOKS) >= looks + 10, "ten looks of another process")

        intake.process.send_signal(signal.SIGCONT)
        looks = frozen.value(LOOKS)
        await until(lambda: frozen.value(LOOKS) >= looks + 2, "two looks of its own")
        released.touch()

        await until(lambda: pipeline.is_done("intake", "temperatures"), "intake to commit what it had begun")
        assert intake.process.poll() is None
        assert intake.entries("a stall ends the process") == []


async def _has_grown(pipeline: Pipeline, records: int) -> bool:
    return await pipeline.timeline_records() >= records


@pytest.mark.slow
async def test_idle_workers_wait(
    embedded_broker: BrokerUnderTest, tmp_path: Path, fresh_name: Callable[[str], str]
) -> None:
    """With nothing to read they stand still for longer than the limit, and rightly so; so does one without a partition."""
    clock = {"tick_seconds": 0.5, "lag_seconds": 0.0, "spread_seconds": 0.0}
    async with watched_pipeline(embedded_broker, tmp_path, fresh_name("idle"), **clock) as pipeline:
        workers = await pipeline.start("worker intake", "worker intake")
        ticking = pipeline.launch("clock")
        await until(lambda: _has_grown(pipeline, 12), "six seconds of ticks")

        assert [worker.process.poll() for worker in workers] == [None, None]
        assert await ticking.stop() == 0


@pytest.mark.slow
async def test_brokers_that_are_gone(tmp_path: Path) -> None:
    """An idle worker waits for them, longer than for a stall, and then ends with status 4."""
    with EmbeddedBroker(tmp_path / "broker") as broker:
        settings = local_settings(tmp_path, broker.bootstrap, commit_seconds=0.2)
        await asyncio.to_thread(lambda: create_topics(settings, plan_topics(settings)))
        command = [sys.executable, "-m", "streams.cli", "--config", str(tmp_path / "gridwatch.toml"), "worker", "watch"]
        variables = {f"GRIDWATCH_WATCHDOG__{name.upper()}": str(value) for name, value in QUICK.items()}
        worker = Part(
            "watch", command, tmp_path / "watch.log", {**variables, "GRIDWATCH_WATCHDOG__OUTAGE_SECONDS": "6"}
        )
        try:
            await worker.ready("worker ready")
            broker.stop()

            assert await worker.ended(90.0) == 4, worker.log()
        finally:
            worker.kill()
    line = the_stall(worker)
    assert line["what"] == "the connection to the brokers"
    assert line["seconds"] >= 6
