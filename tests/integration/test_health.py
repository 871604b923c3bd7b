"""The health server of running processes: when they count as ready, and what their metrics say after known records."""

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from events.topics import CATALOGUE
from tests.support.brokers import BrokerUnderTest
from tests.support.health import Health, free_port
from tests.support.pipeline import SUNK_TOPICS, pipeline_on, until
from tests.support.raw_records import opening, policy, reading, scan
from tests.support.stuck_worker import MARKER

OFTEN = {"survey_seconds": 0.3}
QUICK_CLOCK = {"tick_seconds": 0.5, "lag_seconds": 0.0, "spread_seconds": 0.0}


def health() -> Health:
    return Health(free_port())


async def test_ready_once_partitions_are_there(
    broker: BrokerUnderTest, tmp_path: Path, fresh_name: Callable[[str], str]
) -> None:
    """Alive from the first answer on; not ready before the assignment, and it says why; ready after it."""
    async with pipeline_on(broker, tmp_path, fresh_name("ready"), watchdog=OFTEN) as pipeline:
        asked = health()
        worker = pipeline.launch("worker", "watch", **asked.variables)
        await until(lambda: asked.get("/livez")[0] > 0, "the health server to listen")
        assert asked.get("/livez")[0] == 200
        reasons = asked.failing()
        assert reasons["assigned"] == "partitions are being dealt out"
        assert worker.entries("partitions taken over") == []

        await until(asked.is_ready, "the worker to be ready")

        assert len(worker.entries("partitions taken over")) == 1
        assert asked.metric("gridwatch_partitions_assigned", part="watch") == 3
        assert asked.metric("gridwatch_ready", part="watch", check="assigned") == 1


async def test_behind_is_not_ready(
    embedded_broker: BrokerUnderTest, tmp_path: Path, fresh_name: Callable[[str], str]
) -> None:
    """More records to commit than the settings let pass, in a partition that is named; nobody is."""
    stuck = {"module": "tests.support.stuck_worker", "GRIDWATCH_TEST_STUCK": "unsettled"}
    settings = {"watchdog": OFTEN, "health": {"ready_lag_records": 2}, "topics": {"raw_partitions": 1}}
    async with pipeline_on(embedded_broker, tmp_path, fresh_name("behind"), **settings) as pipeline:
        asked = health()
        worker = pipeline.launch("worker", "intake", **stuck, **asked.variables)
        await worker.ready("worker ready")
        await pipeline.send(*(reading(f"r-{number}-{MARKER.decode()}", "person-7731") for number in range(3)))

        await until(lambda: "caught_up" in asked.failing(), "the worker not to be ready")

        topic = pipeline.settings.topic("temperatures")
        assert asked.failing() == {"caught_up": f"{topic}:0 is 3 records behind; at most 2 count as caught up"}
        assert asked.get("/livez")[0] == 200
        place = {"part": "intake", "topic": "temperatures", "partition": "0"}
        assert asked.metric("gridwatch_partition_lag_records", **place) == 3
        await until(
            lambda: (asked.metric("gridwatch_oldest_batch_age_seconds", **place) or 0) > 1, "a batch to grow old"
        )
        assert "person-7731" not in asked.get("/metrics")[1] + asked.get("/readyz")[1]


async def test_a_blocked_event_loop_is_answered_for(
    embedded_broker: BrokerUnderTest, tmp_path: Path, fresh_name: Callable[[str], str]
) -> None:
    """The server has a thread of its own: metrics go on, and show for how long nothing has moved."""
    stuck = {"module": "tests.support.stuck_worker", "GRIDWATCH_TEST_STUCK": "blocked"}
    async with pipeline_on(embedded_broker, tmp_path, fresh_name("blocked"), watchdog=OFTEN) as pipeline:
        asked = health()
        worker = pipeline.launch("worker", "intake", **stuck, **asked.variables)
        await worker.ready("worker ready")
        await pipeline.send(reading("event-" + MARKER.decode()))
        await until(
            lambda: (asked.metric("gridwatch_partition_lag_records", part="intake") or 0) > 0, "the lag to show"
        )
        looks = asked.metric("gridwatch_watchdog_looks_total") or 0

        await until(
            lambda: (asked.metric("gridwatch_watchdog_looks_total") or 0) > looks + 1, "the watchdog to look on"
        )

        assert asked.get("/livez")[0] == 200, "the limit of the settings is far"


async def test_the_metrics_of_known_records(
    broker: BrokerUnderTest, tmp_path: Path, fresh_name: Callable[[str], str]
) -> None:
    """What was taken, written and refused, what is left to do, and how far the clock is."""
    worker = {"snapshot_records": 1}
    async with pipeline_on(broker, tmp_path, fresh_name("known"), watchdog=OFTEN, worker=worker) as pipeline:
        intake, watch = health(), health()
        for role, asked in (("intake", intake), ("watch", watch)):
            await pipeline.launch("worker", role, **asked.variables).ready("worker ready")
        scans = [scan(f"s-{number}", f"p-{number}", source_id=f"gate-{number}") for number in range(20)]
        await pipeline.send(policy(), opening("p-1"), *scans)
        await pipeline.send(b"no record", topic="visits")
        await pipeline.tick("2020-02-01T02:00:00Z")
        await pipeline.decided()
        await until(lambda: (watch.metric("gridwatch_snapshots_written_total") or 0) >= 3, "snapshots")

        assert intake.metric("gridwatch_records_taken_total", part="intake") == 23
        assert intake.metric("gridwatch_dead_letters_total", part="intake") == 1
        # Of each source intake tells once more: every record is the first of its source.
        assert intake.metric("gridwatch_results_written_total", topic="timeline") == 22 + 22
        assert intake.metric("gridwatch_results_written_total", topic="dead-letters") == 1
        batches = intake.metric("gridwatch_batches_total", part="intake")
        assert batches is not None
        assert 4 <= batches <= 23
        # The policy and the tick stand in each of the three partitions.
        assert watch.metric("gridwatch_records_taken_total", part="watch") == 21 + 22 + 2 * 3
        assert (watch.metric("gridwatch_snapshot_written_bytes_total") or 0) > 100
        assert watch.metric("gridwatch_unsaved_records") == 0
        assert watch.metric("gridwatch_rebalances_total") == 1
        assert watch.metric("gridwatch_oldest_batch_age_seconds") == 0
        years = watch.metric("gridwatch_clock_delay_seconds", partition="0")
        assert years is not None
        assert years > 6 * 365 * 86_400, "a tick of the year 2020"
        for asked in (intake, watch):
            await until(lambda asked=asked: asked.metric("gridwatch_partition_lag_records") == 0, "no lag to show")  # type: ignore[misc]
            await until(lambda asked=asked: asked.metric("gridwatch_standing_still_seconds") == 0, "nothing to be due")  # type: ignore[misc]
            assert asked.metric("process_start_time_seconds") is not None


async def test_the_metrics_of_the_clock(
    broker: BrokerUnderTest, tmp_path: Path, fresh_name: Callable[[str], str]
) -> None:
    """It waits for intake and says so; then ticks are counted, and it is ready."""
    async with pipeline_on(broker, tmp_path, fresh_name("ticks"), watchdog=OFTEN, clock=QUICK_CLOCK) as pipeline:
        asked = health()
        await pipeline.send(policy())
        await pipeline.launch("clock", **asked.variables).ready("clock started")
        await until(
            lambda: asked.metric("gridwatch_clock_waiting", reason="intake") == 1, "the clock to wait for intake"
        )
        assert asked.failing() == {"ticking": "no tick yet; it waits for intake"}
        assert asked.metric("gridwatch_ticks_written_total") == 0
        assert asked.metric("gridwatch_last_tick_timestamp_seconds") is None

        await pipeline.start("worker intake")
        await until(asked.is_ready, "the clock to be ready")

        assert (asked.metric("gridwatch_ticks_written_total") or 0) > 0
        ahead_s = asked.metric("gridwatch_clock_ahead_seconds")
        assert ahead_s is not None
        assert abs(ahead_s) < 5


@pytest.mark.kafka
async def test_a_clock_whose_machine_is_ahead_of_the_brokers_writes_nothing(
    kafka_broker: BrokerUnderTest, tmp_path: Path, fresh_name: Callable[[str], str]
) -> None:
    """Two hours ahead of what real brokers stamp: held, not ready, and the reason in metrics and log."""
    async with pipeline_on(kafka_broker, tmp_path, fresh_name("ahead"), watchdog=OFTEN, clock=QUICK_CLOCK) as pipeline:
        asked = health()
        await pipeline.start("worker intake")
        ahead = {"module": "tests.support.clock_ahead", "GRIDWATCH_TEST_AHEAD_SECONDS": "7200"}
        clock = pipeline.launch("clock", **ahead, **asked.variables)

        await until(lambda: asked.metric("gridwatch_clock_waiting", reason="time_ahead") == 1, "the clock to be held")

        assert 7190 < (asked.metric("gridwatch_clock_ahead_seconds") or 0) < 7210
        assert asked.failing().keys() == {"ticking", "time_believed"}
        assert await pipeline.timeline_records() == 0
        await until(lambda: bool(clock.entries("the clock is held: time ahead")), "the log to say so")
        assert await clock.stop() == 0


async def test_the_metrics_of_the_sink(
    embedded_broker: BrokerUnderTest, tmp_path: Path, fresh_name: Callable[[str], str]
) -> None:
    """Rows and inserts by table, what is left, and whether ClickHouse takes them."""
    clickhouse = {"dsn": f"chdb://{tmp_path / 'engine'}"}
    async with pipeline_on(
        embedded_broker, tmp_path, fresh_name("rows"), watchdog=OFTEN, clickhouse=clickhouse
    ) as pipeline:
        asked = health()
        await pipeline.start("worker intake")
        sink = pipeline.launch("sink", **asked.variables)
        await sink.ready("sink_started")
        await pipeline.send(policy(), opening("p-1"), *(scan(f"s-{n}", f"p-{n}", source_id=f"g-{n}") for n in range(9)))
        await pipeline.wait_for_size("timeline", 3 + 1 + 9 + 11)
        await pipeline.sunk()
        await until(asked.is_ready, "the sink to be ready")

        assert asked.metric("gridwatch_sink_messages_total") == 13 + 11  # and eleven signs of life
        assert asked.metric("gridwatch_sink_quarantined_total") == 0
        assert asked.metric("gridwatch_sink_rows_total", table="timeline") == 13 + 11
        assert (asked.metric("gridwatch_sink_inserts_total", table="timeline") or 0) >= 1
        assert asked.metric("gridwatch_sink_retrying") == 0
        assert asked.metric("gridwatch_sink_waiting_records") == 0
        names = {spec.name for spec in CATALOGUE} & set(SUNK_TOPICS)
        assert {topic for topic in names if asked.metric("gridwatch_partition_lag_records", topic=topic) == 0} == names
        assert await sink.stop() == 0


async def test_a_port_that_is_taken_is_a_wrong_setting(
    embedded_broker: BrokerUnderTest, tmp_path: Path, fresh_name: Callable[[str], str]
) -> None:
    """Status 2, and the setting's name."""
    async with pipeline_on(embedded_broker, tmp_path, fresh_name("taken"), clock=QUICK_CLOCK) as pipeline:
        asked = health()
        await pipeline.launch("clock", **asked.variables).ready("clock started")

        second = pipeline.launch("clock", **asked.variables)

        assert await second.ended() == 2
        assert f"health.port: cannot listen on 127.0.0.1:{asked.port}" in second.log()
        assert json.loads(asked.get("/livez")[1])["status"] == "good"
