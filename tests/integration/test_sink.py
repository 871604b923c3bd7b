"""The sink between a real broker and ClickHouse: nothing is lost, nothing counts twice, whatever is killed when."""

import os
import signal
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from sinks.clickhouse.batches import Batch
from sinks.clickhouse.columns import TOPICS
from sinks.clickhouse.consumer import build_consumer, end_offsets
from sinks.clickhouse.driver import Database, connect
from sinks.clickhouse.loop import SinkLoop, SinkSettings
from sinks.clickhouse.migration import migrate
from sinks.clickhouse.writer import DatabaseWriter
from tests.support.brokers import BrokerUnderTest
from tests.support.clickhouse_http import ClickHouseFront
from tests.support.processes import REPOSITORY, wait_until
from tests.unit.clickhouse.messages import alert, dead_letter, policy_changed, reading, scan, tick, verdict

PARTITIONS = 3
GROUP = {"session_timeout_ms": 6_000, "heartbeat_interval_ms": 1_000}

# A sink that is killed by itself after so many writes, before it commits: the worst moment there is.
KILLED_BEFORE_COMMIT = """
import os, signal, sys, threading
from sinks.clickhouse.batches import Batch
from sinks.clickhouse.consumer import build_consumer
from sinks.clickhouse.driver import connect
from sinks.clickhouse.loop import SinkLoop, SinkSettings
from sinks.clickhouse.migration import migrate
from sinks.clickhouse.writer import DatabaseWriter

bootstrap, group, prefix, dsn, writes = sys.argv[1:]
database = connect(dsn, "gridwatch", create=True)
migrate(database)

class Dying(DatabaseWriter):
    left = int(writes)

    def write(self, batch: Batch) -> int:
        quarantined = super().write(batch)
        self.left -= 1
        if self.left == 0:
            os.kill(os.getpid(), signal.SIGKILL)
        return quarantined

options = {"bootstrap_servers": bootstrap}
factory = lambda: build_consumer(options, group, session_timeout_ms=6000, heartbeat_interval_ms=1000)
SinkLoop(factory, Dying(database), SinkSettings(prefix, batch_records=100, flush_seconds=0.2)).run(threading.Event())
"""


class Town:
    """Topics of one test, filled with a small town's results."""

    def __init__(self, broker: BrokerUnderTest, prefix: str) -> None:
        self.broker, self.prefix = broker, prefix
        self.options = {"bootstrap_servers": broker.bootstrap}
        self.group = f"{prefix}gridwatch.sink"
        self.settings = SinkSettings(prefix, batch_records=100, flush_seconds=0.2)
        for topic in TOPICS:
            broker.create_topic(f"{prefix}{topic}", PARTITIONS)

    def fill(self) -> None:
        """Write 1,500 records, 600 checks with 60 of them late, 30 alerts and 2 dead letters; some of it twice."""
        for partition in range(PARTITIONS):
            name = f"p{partition}"
            records = [scan(f"{name}-s{n}", "03 01:00") for n in range(250)]
            records += [reading(f"{name}-r{n}", "03 02:00", person_id=name) for n in range(250)]
            checks = [verdict(f"{name}-{n}", "03", "missed" if n < 20 else "done") for n in range(200)]
            checks += [verdict(f"{name}-{n}", "03", "late", 2) for n in range(20)] * 2
            alerts = [alert(f"{name}-{n}", severity="critical") for n in range(10)]
            letters = [dead_letter(5), dead_letter(6)]
            for topic, values in zip(TOPICS, (records, checks, alerts, letters), strict=True):
                self.broker.produce(f"{self.prefix}{topic}", {partition: values})
        timeline = {partition: [policy_changed(), tick("03 13:00")] for partition in range(PARTITIONS)}
        self.broker.produce(f"{self.prefix}timeline", timeline)

    def ends(self) -> dict[tuple[str, int], int]:
        """Return the ends of all topics."""
        return end_offsets(self.options, [f"{self.prefix}{topic}" for topic in TOPICS])

    def commits(self) -> dict[tuple[str, int], int]:
        """Return what the group has committed in all topics."""
        names = [f"{self.prefix}{topic}" for topic in TOPICS]
        return {(name, part): end for name in names for part, end in self.broker.committed(self.group, name).items()}

    def loop(self, writer: Any) -> SinkLoop:
        """Return a sink in this process."""
        return SinkLoop(lambda: build_consumer(self.options, self.group, **GROUP), writer, self.settings)


@pytest.fixture
def town(broker: BrokerUnderTest, fresh_name: Callable[[str], str]) -> Town:
    """Make the topics of one test."""
    return Town(broker, f"{fresh_name('sink')}.")


@pytest.fixture
def front(tmp_path: Path) -> Iterator[ClickHouseFront]:
    """Run an HTTP front of the engine on a directory of its own."""
    with ClickHouseFront(tmp_path / "engine") as running:
        yield running


@contextmanager
def opened(dsn: str) -> Iterator[Database]:
    """Open the migrated database."""
    database = connect(dsn, "gridwatch", create=True)
    migrate(database)
    try:
        yield database
    finally:
        database.close()


@contextmanager
def running(loop: SinkLoop) -> Iterator[None]:
    """Run a sink in a thread until the end of the block, and demand that it ended well."""
    stop, errors = threading.Event(), []

    def run() -> None:
        try:
            loop.run(stop)
        except Exception as error:
            errors.append(error)

    thread = threading.Thread(target=run)
    thread.start()
    try:
        yield
    finally:
        stop.set()
        thread.join(60)
    assert not thread.is_alive()
    assert errors == []


def figures(database: Database) -> dict[str, Any]:
    """Return everything that must come out right."""
    (checks,) = database.query(
        "SELECT sum(t.decided) AS decided, sum(t.done) AS done, sum(t.late) AS late, sum(t.missed) AS missed"
        " FROM v_checks_by_area AS t WHERE area = 'jintang'"
    )
    (rows,) = database.query(
        "SELECT (SELECT sum(scans) FROM v_scans_by_day WHERE level = 1) AS scans,"
        " (SELECT sum(readings) FROM v_readings_by_hour WHERE level = 1) AS readings,"
        " (SELECT sum(alerts) FROM v_alerts_open WHERE level = 1) AS alerts,"
        " (SELECT count() FROM v_dead_letters) AS dead_letters,"
        " (SELECT count() FROM timeline FINAL) AS timeline,"
        " (SELECT count() FROM quarantine) AS quarantine"
    )
    return {**checks, **rows}


EXPECTED = {
    "decided": 600,
    "done": 540,
    "late": 60,
    "missed": 0,
    "scans": 750,
    "readings": 750,
    "alerts": 30,
    "dead_letters": 2,
    "timeline": 1506,
    "quarantine": 0,
}


def test_everything_arrives_and_is_committed(town: Town, front: ClickHouseFront) -> None:
    """All topics, all partitions; the commit stands at the end of each."""
    town.fill()
    with opened(front.dsn()) as database:
        loop = town.loop(DatabaseWriter(database))
        with running(loop):
            assert loop.drain(town.ends(), 60)

        assert figures(database) == EXPECTED
        assert loop.messages_written == sum(town.ends().values())
        assert town.commits() == town.ends()


def test_what_comes_while_it_runs_arrives_too(town: Town, front: ClickHouseFront) -> None:
    """At low rates it is written early, not when a batch is full."""
    with opened(front.dsn()) as database:
        loop = town.loop(DatabaseWriter(database))
        with running(loop):
            assert loop.drain(town.ends(), 60)
            town.broker.produce(f"{town.prefix}checks", {1: [verdict("P1", "03", "missed")]})
            assert loop.drain(town.ends(), 30)
            assert database.query("SELECT state FROM v_checks") == [{"state": "missed"}]

            town.broker.produce(f"{town.prefix}checks", {1: [verdict("P1", "03", "late", 2)]})
            assert loop.drain(town.ends(), 30)
            assert database.query("SELECT state FROM v_checks") == [{"state": "late"}]


@pytest.mark.parametrize(("kind", "writes"), [("http", 7), ("chdb", 1)])
def test_killed_between_insert_and_commit(town: Town, tmp_path: Path, kind: str, writes: int) -> None:
    """kill -9 after the rows were written and before the commit: the same tables in the end."""
    town.fill()
    with ClickHouseFront(tmp_path / "engine") as front:
        dsn = front.dsn()
        if kind == "chdb":
            front.kill()
            dsn = f"chdb://{front.directory}"
        arguments = [town.broker.bootstrap, town.group, town.prefix, dsn, str(writes)]
        killed = subprocess.run([sys.executable, "-c", KILLED_BEFORE_COMMIT, *arguments], cwd=REPOSITORY, check=False)
        assert killed.returncode == -signal.SIGKILL
        if kind == "chdb":
            front.start()
        with opened(front.dsn()) as database:
            assert sum(figures(database)[name] or 0 for name in ("timeline", "decided", "alerts", "dead_letters")) > 0
            assert town.commits() == {}
            loop = town.loop(DatabaseWriter(database))
            with running(loop):
                assert loop.drain(town.ends(), 60)

            assert figures(database) == EXPECTED


def test_clickhouse_out_of_reach_ends_the_sink_without_a_commit(town: Town) -> None:
    """The surroundings' fault: stop, and start again later."""

    class OutOfReach:
        def write(self, batch: Batch) -> int:
            raise ConnectionError(batch.topic)

    town.fill()
    loop = town.loop(OutOfReach())

    with pytest.raises(ConnectionError):
        loop.run(threading.Event())

    assert not loop.drain({(f"{town.prefix}alerts", 0): 1}, 0)
    assert town.commits() == {}


def test_a_slow_clickhouse_does_not_cost_the_membership(town: Town, front: ClickHouseFront) -> None:
    """The client goes on beating while the sink waits longer than a session lasts."""
    town.fill()
    with opened(front.dsn()) as database:

        class Slow(DatabaseWriter):
            waited = False

            def write(self, batch: Batch) -> int:
                if not self.waited:
                    self.waited = True
                    threading.Event().wait(GROUP["session_timeout_ms"] / 1000 + 2)
                return super().write(batch)

        loop = town.loop(Slow(database))
        with running(loop):
            assert loop.drain(town.ends(), 60)

        assert loop.messages_written == sum(town.ends().values())
        assert figures(database) == EXPECTED


def test_a_clickhouse_that_stands_still_costs_no_memory(town: Town) -> None:
    """What waits is bounded, the membership goes on for longer than a session, and nothing is lost or read twice."""
    names = [f"{town.prefix}timeline"]
    values = {part: [scan(f"p{part}-{n}", "03 01:00") for n in range(3000)] for part in range(PARTITIONS)}
    town.broker.produce(names[0], values)
    total = sum(map(len, values.values()))
    room = 1000
    small = {"fetch_min_bytes": 10_000, "fetch_max_bytes": 100_000, "max_partition_fetch_bytes": 50_000}
    released, waiting = threading.Event(), []

    class StandsStill:
        def write(self, _batch: Batch) -> int:
            waiting.append(loop.waiting())
            released.wait(60)
            return 0

    settings = SinkSettings(town.prefix, batch_records=300, flush_seconds=0.2, waiting_records=room)
    loop = SinkLoop(lambda: build_consumer(town.options, town.group, **GROUP, **small), StandsStill(), settings)
    with running(loop):
        wait_until(lambda: loop.waiting()[0] >= room, "the room to be full")
        read = loop.waiting()
        threading.Event().wait(GROUP["session_timeout_ms"] / 1000 + 2)
        assert loop.waiting() == read
        assert town.commits() == {}
        released.set()
        assert loop.drain(end_offsets(town.options, names), 60)

    assert loop.messages_written == total
    # A fetch more, at the most: 50 kB of each partition, of records of more than 200 bytes.
    assert max(records for records, _ in waiting) < room + 1000
    assert loop.waiting() == (0, 0)


def test_little_room_is_enough(town: Town, front: ClickHouseFront) -> None:
    """Where full batches do not fit, smaller ones are written."""
    town.fill()
    little = SinkSettings(town.prefix, batch_records=10_000, flush_seconds=60, waiting_records=50, waiting_bytes=4_000)
    with opened(front.dsn()) as database:
        writer = DatabaseWriter(database)
        loop = SinkLoop(lambda: build_consumer(town.options, town.group, **GROUP), writer, little)
        with running(loop):
            wait_until(lambda: loop.messages_written > 1500, "most of it to be written", limit_s=60)

        assert loop.messages_written == sum(town.ends().values())
        assert figures(database) == EXPECTED


def test_two_sinks_share_the_work_and_one_may_leave(town: Town, front: ClickHouseFront) -> None:
    """Rebalances in the middle of it: nothing is missing, nothing counts twice."""
    with opened(front.dsn()) as database, opened(front.dsn()) as other:
        first, second = town.loop(DatabaseWriter(database)), town.loop(DatabaseWriter(other))
        with running(first):
            with running(second):
                wait_until(lambda: bool(first.progress() and second.progress()), "both sinks to have partitions")
                town.fill()
            assert first.drain(town.ends(), 60)

        assert figures(database) == EXPECTED


def test_the_command_stops_gracefully(town: Town, front: ClickHouseFront, tmp_path: Path) -> None:
    """SIGTERM: what was read is written and committed, exit status 0."""
    town.fill()
    environment = {
        **os.environ,
        "GRIDWATCH_KAFKA__BROKERS": town.broker.bootstrap,
        "GRIDWATCH_KAFKA__SESSION_TIMEOUT_SECONDS": "6",
        "GRIDWATCH_CLICKHOUSE__DSN": front.dsn(),
        "GRIDWATCH_TOPIC_PREFIX": town.prefix,
        "GRIDWATCH_GROUP_PREFIX": town.prefix,
        "GRIDWATCH_LOG_FORMAT": "json",
    }
    command = [sys.executable, "-c", "from streams.cli.main import main; main()", "sink"]
    log = tmp_path / "sink.log"
    with log.open("wb") as stderr:
        sink = subprocess.Popen(command, cwd=REPOSITORY, env=environment, stderr=stderr)
    try:
        timeline = f"{town.prefix}timeline"
        wait_until(
            lambda: sum(town.broker.committed(town.group, timeline).values()) == 1506 or sink.poll() is not None,
            "the sink to commit the timeline",
            limit_s=60,
        )
        sink.send_signal(signal.SIGTERM)
        assert sink.wait(30) == 0, log.read_text("utf-8")
    finally:
        if sink.poll() is None:
            sink.kill()
            sink.wait()
    assert "sink_stopped" in log.read_text("utf-8")
    assert "p0-1" not in log.read_text("utf-8")
    with opened(front.dsn()) as database:
        assert figures(database)["timeline"] == 1506
