"""What the sink needs of ClickHouse: one suite on the engine in the process, on its HTTP front, and on a real server.

A server is named in GRIDWATCH_TEST_CLICKHOUSE (`http://user:password@host:8123`); the suite makes and drops databases
there whose names begin with `gridwatch_test_`.
"""

import base64
import importlib
import json
import os
import subprocess
import sys
import uuid
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from sinks.clickhouse.batches import Batch, deduplication_token
from sinks.clickhouse.driver import (
    ClickHouseRefusedError,
    ClickHouseUnavailableError,
    Database,
    NoSuchDatabaseError,
    Patience,
    connect,
)
from sinks.clickhouse.migration import MigrationError, applied_migrations, migrate, packaged_migrations, parse_migration
from sinks.clickhouse.report import UnknownAreaError, daily_report
from sinks.clickhouse.tables import DEAD_LETTERS, QUARANTINE, TABLES
from sinks.clickhouse.writer import DatabaseWriter
from streams.settings import ClickHouseSettings, Settings
from tests.support.clickhouse_http import PASSWORD, ClickHouseFront
from tests.unit.clickhouse.messages import (
    GRID,
    alert,
    at,
    batch,
    dead_letter,
    messages,
    policy_changed,
    reading,
    scan,
    tick,
    verdict,
    visit,
)

SERVER_VARIABLE = "GRIDWATCH_TEST_CLICKHOUSE"
QUICK = Patience(first_seconds=0.05, longest_seconds=0.2, total_seconds=0.5)


@dataclass(frozen=True)
class Place:
    """One ClickHouse under test."""

    dsn: str

    def open(self, database: str, **options: Any) -> Database:
        """Connect with little patience."""
        return connect(self.dsn, database, **{"patience": QUICK, **options})


@pytest.fixture(scope="module")
def chdb_place(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Place]:
    """Keep one engine open, because a process can have only one."""
    place = Place(f"chdb://{tmp_path_factory.mktemp('engine')}")
    engine = place.open("default")
    yield place
    engine.close()


@pytest.fixture(scope="module")
def front(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ClickHouseFront]:
    """Run one HTTP front."""
    with ClickHouseFront(tmp_path_factory.mktemp("front")) as running:
        yield running


@pytest.fixture(scope="module")
def http_place(front: ClickHouseFront) -> Place:
    """Reach the front."""
    return Place(front.dsn())


@pytest.fixture(scope="module")
def server_place() -> Place:
    """Reach the server named in the environment."""
    if dsn := os.environ.get(SERVER_VARIABLE):
        return Place(dsn)
    pytest.skip(f"left out: no ClickHouse server; name one in {SERVER_VARIABLE}=http://user:password@host:8123")


@pytest.fixture(params=["chdb", "http", "server"])
def place(request: pytest.FixtureRequest) -> Place:
    """Give each ClickHouse in turn."""
    found: Place = request.getfixturevalue(f"{request.param}_place")
    return found


@pytest.fixture
def fresh(place: Place) -> Iterator[Callable[..., Database]]:
    """Return a function that opens a database nobody has used, the same on every call; dropped afterwards."""
    name = f"gridwatch_test_{uuid.uuid4().hex[:12]}"
    opened: list[Database] = []

    def open_database(**options: Any) -> Database:
        opened.append(place.open(name, create=True, **options))
        return opened[-1]

    yield open_database
    open_database().command(f"DROP DATABASE {name}")
    for database in opened:
        database.close()


@pytest.fixture
def database(fresh: Callable[..., Database]) -> Database:
    """Open a migrated database."""
    opened = fresh()
    migrate(opened)
    return opened


@pytest.fixture
def write(database: Database) -> Callable[..., int]:
    """Return a function that writes values into a topic from an offset on."""
    writer = DatabaseWriter(database)
    return lambda topic, *values, **where: writer.write(batch(topic, *values, **where))


def one(database: Database, sql: str) -> dict[str, Any]:
    """Return the only row."""
    (row,) = database.query(sql)
    return row


class TestMigrations:
    def test_tables_are_what_the_rows_are_made_for(self, database: Database) -> None:
        """Columns of rows and of tables agree in name, type and order, and every column says what it is."""
        for table in TABLES:
            columns = database.query(
                "SELECT name, type, comment FROM system.columns WHERE database = currentDatabase() AND table = {t:String} "
                "ORDER BY position",
                {"t": table.name},
            )
            assert [(row["name"], row["type"]) for row in columns] == list(table.columns.items())
            assert all(row["comment"] for row in columns)

    def test_a_second_run_changes_nothing(self, database: Database) -> None:
        """Applied files are remembered by their number and SHA-256."""
        applied = applied_migrations(database)

        assert migrate(database) == []
        assert [(done.version, done.sha256) for done in applied] == [
            (migration.version, migration.sha256) for migration in packaged_migrations()
        ]

    def test_every_statement_can_be_run_again(self, database: Database, write: Callable[..., int]) -> None:
        """A run that was broken off starts its file from the top, over data that is there already."""
        write("checks", verdict("P1", "03"))

        for migration in packaged_migrations():
            for statement in migration.statements:
                database.command(statement)

        assert one(database, "SELECT count() AS n FROM v_checks") == {"n": 1}

    def test_two_runs_at_once_agree(self, fresh: Callable[..., Database]) -> None:
        """Both may apply a file; the database remembers it once."""
        opened = [fresh(patience=Patience(total_seconds=5)) for _ in range(3)]

        with ThreadPoolExecutor() as pool:
            list(pool.map(migrate, opened))

        assert [done.version for done in applied_migrations(opened[0])] == [
            migration.version for migration in packaged_migrations()
        ]

    def test_an_edited_file_is_refused_before_anything_is_changed(self, database: Database) -> None:
        """History is not rewritten: a change is a new file."""
        first, *others = packaged_migrations()
        edited = parse_migration("0001_tables.sql", b"CREATE TABLE never_made (x UInt8) ENGINE = Memory")
        assert edited.name == first.name

        with pytest.raises(MigrationError, match="0001_tables is not the file that was applied"):
            migrate(database, [edited, *others, parse_migration("9999_more.sql", b"CREATE VIEW v_more AS SELECT 1")])

        assert database.query("SELECT 1 FROM system.tables WHERE name IN ('never_made', 'v_more')") == []

    def test_a_newer_database_is_refused(self, database: Database) -> None:
        """An old program must not write into tables it does not know."""
        newer = parse_migration("9999_more.sql", b"CREATE OR REPLACE VIEW v_more AS SELECT 1 AS x")
        migrate(database, [*packaged_migrations(), newer])

        with pytest.raises(MigrationError, match="9999_more, which this program does not know"):
            migrate(database)

    def test_a_broken_statement_is_not_remembered(self, database: Database) -> None:
        """The file is applied when all of it ran."""
        broken = parse_migration("9999_more.sql", b"CREATE OR REPLACE VIEW v_more AS SELECT 1\n-- @next\nSELEKT 1")

        with pytest.raises(ClickHouseRefusedError):
            migrate(database, [*packaged_migrations(), broken])

        assert 9999 not in [done.version for done in applied_migrations(database)]

    def test_a_database_that_was_never_made_says_so(self, place: Place) -> None:
        """Whoever reads first is told to migrate."""
        with pytest.raises(NoSuchDatabaseError, match="gridwatch migrate"):
            place.open("gridwatch_test_nobody_made_this")


class TestRows:
    def test_a_record_comes_back_as_it_was(self, database: Database, write: Callable[..., int]) -> None:
        """Microseconds, other alphabets and the position in the log survive."""
        value = visit("e-咳", "03 23:59:59.999999", 36.6)
        write("timeline", value, partition=3, first_offset=2**40)

        row = one(database, "SELECT * FROM timeline")

        assert (row["topic"], row["partition"], row["offset"]) == ("timeline", 3, 2**40)
        assert row["occurred_at"] == row["received_at"] == at("03 23:59:59.999999")
        assert (row["kind"], row["event_id"], row["temperature_c"], row["site"]) == (
            "visit_recorded",
            "e-咳",
            36.6,
            "unknown",
        )
        assert row["record"].encode() == value

    @pytest.mark.parametrize("count", [256, 257, 65_537])
    def test_many_different_words(self, database: Database, write: Callable[..., int], count: int) -> None:
        """However many words a column of an insert has, each row keeps its own."""
        write("timeline", *(scan(f"e{number}", "03 10:00", checkpoint_id=f"gate-{number}") for number in range(count)))

        row = one(
            database,
            "SELECT count() AS rows, uniqExact(checkpoint_id) AS gates,"
            " countIf(checkpoint_id = concat('gate-', substring(event_id, 2))) AS right FROM timeline",
        )

        assert row == {"rows": count, "gates": count, "right": count}

    def test_ticks_and_policies_are_rows_too(self, database: Database, write: Callable[..., int]) -> None:
        """The clock of each partition and the policy that came last are read from them."""
        write(
            "timeline", policy_changed("p-1", "UTC", "old"), policy_changed("p-2"), tick("03 04:00"), tick("03 03:00")
        )
        write("timeline", policy_changed("p-1", "UTC", "old"), policy_changed("p-2"), tick("03 02:00"), partition=1)

        policy = one(database, "SELECT timezone, policy_version FROM v_policy")
        clocks = database.query("SELECT partition, clock FROM v_clock ORDER BY partition")

        assert policy == {"timezone": "Asia/Shanghai", "policy_version": "2020-02-01"}
        assert [row["clock"] for row in clocks] == [at("03 04:00"), at("03 02:00")]

    def test_the_policy_that_holds_is_one_that_was_taken(self, database: Database, write: Callable[..., int]) -> None:
        """Not the one that watch refused, which has a dead letter, and not an old one that was written once more."""
        old, new, refused = (policy_changed(f"p-{name}", "UTC", name) for name in ("old", "new", "refused"))
        write("timeline", old, new, old, refused, first_offset=10)
        write("dead-letters", dead_letter(13, topic="timeline", partition=0), dead_letter(11, topic="commands"))

        policy = one(database, "SELECT policy_version FROM v_policy")

        assert policy == {"policy_version": "new"}

    def test_an_alert_comes_back_as_it_was(self, database: Database, write: Callable[..., int]) -> None:
        """A due time may be missing, a detail is JSON."""
        write("alerts", alert("P1", due_at=at("03 02:30"), detail={"site": "ear"}), alert("P2", "breach", "O/1"))

        rows = database.query("SELECT due_at, detail, evidence FROM v_alerts ORDER BY person_id")

        assert rows == [
            {"due_at": at("03 02:30"), "detail": '{"site":"ear"}', "evidence": ["e-1"]},
            {"due_at": None, "detail": "{}", "evidence": ["e-1"]},
        ]

    def test_a_dead_letter_counts_once_however_often_it_was_written(
        self, database: Database, write: Callable[..., int]
    ) -> None:
        """Intake that starts again may refuse the same record again, at another offset."""
        write("dead-letters", dead_letter(5, raw=b"\xff\x00"), dead_letter(6))
        write("dead-letters", dead_letter(5, raw=b"\xff\x00"), first_offset=7)

        rows = database.query("SELECT source_offset, raw FROM v_dead_letters ORDER BY source_offset")

        assert [row["source_offset"] for row in rows] == [5, 6]
        assert base64.b64decode(rows[0]["raw"]) == b"\xff\x00"
        assert one(database, "SELECT dead_letters FROM v_dead_letters_by_reason") == {"dead_letters": 2}

    def test_an_unreadable_message_is_kept_with_its_position(
        self, database: Database, write: Callable[..., int]
    ) -> None:
        """One bad message never stops the rest."""
        assert write("checks", verdict("P1", "03"), b"\xff{", verdict("P2", "03"), first_offset=10) == 1

        kept = one(database, "SELECT topic, partition, offset, reason, raw FROM quarantine")

        assert kept == {
            "topic": "checks",
            "partition": 0,
            "offset": 11,
            "reason": "not_readable",
            "raw": base64.b64encode(b"\xff{").decode(),
        }
        assert one(database, "SELECT count() AS n FROM v_checks") == {"n": 2}

    def test_wrong_clocks_over_many_years_go_into_one_insert(
        self, database: Database, write: Callable[..., int]
    ) -> None:
        """A table is cut by month, and a gateway without time must not stop the sink."""
        months = [datetime(1970 + number, 1 + number % 12, 1, tzinfo=UTC) for number in range(229)]

        write("timeline", *(scan(f"e-{n}", "03 01:00", received_at=month) for n, month in enumerate(months)))

        assert one(database, "SELECT count() AS n, max(received_at) AS last FROM timeline") == {
            "n": 229,
            "last": months[-1],
        }


class TestCountingOnce:
    def test_the_same_batch_again_changes_nothing(self, database: Database, write: Callable[..., int]) -> None:
        """A crash between insert and commit."""
        values = [reading(f"e-{number}", "03 01:00") for number in range(50)]
        for _ in range(3):
            write("timeline", *values)

        assert one(database, "SELECT sum(readings) AS n FROM v_readings_by_hour WHERE level = 1") == {"n": 50}
        assert one(database, "SELECT count() AS n FROM timeline FINAL") == {"n": 50}

    def test_the_same_rows_in_other_batches_change_nothing(self, database: Database, write: Callable[..., int]) -> None:
        """A restart that cuts its batches elsewhere."""
        values = [scan(f"e-{number}", "03 01:00") for number in range(50)]
        write("timeline", *values)
        write("timeline", *values[30:], first_offset=30)

        assert one(database, "SELECT sum(scans) AS n FROM v_scans_by_day WHERE level = 1") == {"n": 50}

    def test_a_record_that_the_log_holds_twice_counts_once(self, database: Database, write: Callable[..., int]) -> None:
        """Intake that was killed may number a record a second time."""
        write("timeline", reading("e-1", "03 01:00"), scan("e-2", "03 01:00"))
        write("timeline", reading("e-1", "03 01:00"), scan("e-2", "03 01:00"), first_offset=2)

        assert one(database, "SELECT readings FROM v_readings_by_hour WHERE level = 1") == {"readings": 1}
        assert one(database, "SELECT scans FROM v_scans_by_day WHERE level = 1") == {"scans": 1}

    @pytest.mark.parametrize("order", [(1, 2), (2, 1), (1, 2, 1), (2, 1, 2)])
    def test_the_highest_revision_holds_in_whatever_order_they_come(
        self, database: Database, write: Callable[..., int], order: tuple[int, ...]
    ) -> None:
        """Yesterday's figure is right again a moment after the late record came."""
        states = {1: "missed", 2: "late"}
        for offset, revision in enumerate(order):
            write("checks", verdict("P1", "03", states[revision], revision), first_offset=offset)
            write(
                "alerts",
                alert("P1", revision=revision, state={1: "open", 2: "resolved"}[revision]),
                first_offset=offset,
            )

        counts = one(database, "SELECT decided, late, missed FROM v_checks_by_area WHERE level = 1")

        assert counts == {"decided": 1, "late": 1, "missed": 0}
        assert one(database, "SELECT revision, state FROM v_alerts") == {"revision": 2, "state": "resolved"}
        assert database.query("SELECT * FROM v_alerts_open") == []

    def test_the_same_holds_after_the_engine_has_merged(self, database: Database, write: Callable[..., int]) -> None:
        """Merging takes away what was there twice, and no revision."""
        for offset, revision in enumerate((2, 1, 2)):
            write("checks", verdict("P1", "03", "late" if revision == 2 else "missed", revision), first_offset=offset)
        database.command("OPTIMIZE TABLE checks FINAL")

        rows = database.query("SELECT revision, offset FROM checks ORDER BY revision")

        assert rows == [{"revision": 1, "offset": 1}, {"revision": 2, "offset": 2}]
        assert one(database, "SELECT late FROM v_checks_by_area WHERE level = 1") == {"late": 1}


class TestFigures:
    def test_checks_count_on_every_level_of_the_tree(self, database: Database, write: Callable[..., int]) -> None:
        """A grid counts for itself and for each area above it."""
        states = ["done", "late", "missed", "waived", "unknown", "done"]
        write("checks", *(verdict(f"P{number}", "03", state) for number, state in enumerate(states)))
        write("checks", verdict("P9", "03", "missed", area="jintang/other"), first_offset=6)

        rows = database.query("SELECT area, level, decided, missed FROM v_checks_by_area ORDER BY area")

        assert [tuple(row.values()) for row in rows] == [
            ("jintang", 1, 7, 2),
            ("jintang/huaikou", 2, 6, 1),
            ("jintang/huaikou/c012", 3, 6, 1),
            (GRID, 4, 6, 1),
            ("jintang/other", 2, 1, 1),
        ]
        whole = one(database, "SELECT * FROM v_checks_by_area WHERE area = 'jintang/huaikou'")
        assert [whole[name] for name in ("done", "late", "missed", "waived", "unknown")] == [2, 1, 1, 1, 1]

    def test_an_area_whose_name_begins_like_another_is_another(
        self, database: Database, write: Callable[..., int]
    ) -> None:
        """A path is compared by its segments."""
        write("checks", verdict("P1", "03", area="a/b"), verdict("P2", "03", area="a/bc"))

        report = daily_report(database, date(2020, 2, 3), "a/b")

        assert [(area.area, area.total.decided) for area in report.areas] == [("a/b", 1)]

    @pytest.mark.parametrize(
        ("timezone", "expected"),
        [
            ("Asia/Shanghai", (date(2020, 2, 4), 1)),
            ("Asia/Kolkata", (date(2020, 2, 3), 23)),
            ("UTC", (date(2020, 2, 3), 17)),
        ],
    )
    def test_days_and_hours_are_those_of_the_policy(
        self, database: Database, write: Callable[..., int], timezone: str, expected: tuple[date, int]
    ) -> None:
        """17:45 in Greenwich is another hour in Kolkata and another day in Shanghai."""
        write("timeline", policy_changed(timezone=timezone), reading("e-1", "03 17:45"), scan("e-2", "03 17:45"))

        row = one(database, "SELECT date, hour FROM v_readings_by_hour WHERE level = 1")

        assert (row["date"], row["hour"]) == expected
        assert one(database, "SELECT date FROM v_scans_by_day WHERE level = 1") == {"date": expected[0]}

    def test_readings_and_fevers_by_site_and_hour(self, database: Database, write: Callable[..., int]) -> None:
        """A fever counts where and when its first reading was taken; 0 degrees are no reading."""
        write(
            "timeline",
            reading("e-1", "03 01:10", 38.0, "forehead"),
            reading("e-2", "03 01:50", 36.4, "forehead"),
            reading("e-3", "03 01:20", 38.1),
            visit("e-4", "03 01:00"),
            scan("e-5", "03 01:00", temperature_c=0.0),
            visit("e-6", "03 02:00", 36.5),
        )
        detail = {"site": "forehead", "taken_at": "2020-02-03T01:10:00Z"}
        write("alerts", alert("P1", occurrence="e-1", reason="screened", detail=detail, raised_at=at("03 04:00")))
        write("alerts", alert("P1", occurrence="e-1", reason="confirmed", revision=2, detail=detail), first_offset=1)

        rows = database.query(
            "SELECT hour, site, readings, fevers, fevers_confirmed FROM v_readings_by_hour WHERE area = 'jintang' "
            "ORDER BY hour, site"
        )

        assert [tuple(row.values()) for row in rows] == [
            (1, "axillary", 1, 0, 0),
            (1, "forehead", 2, 1, 1),
            (2, "unknown", 1, 0, 0),
        ]

    def test_scans_by_checkpoint_direction_and_decision(self, database: Database, write: Callable[..., int]) -> None:
        """Whoever was turned back is counted where it happened."""
        write(
            "timeline",
            scan("e-1", "03 01:00"),
            scan("e-2", "03 02:00"),
            scan("e-3", "03 03:00", "out"),
            scan("e-4", "03 04:00", decision="turned_back", checkpoint_id="cp-2"),
            scan("e-5", "04 04:00"),
        )

        rows = database.query(
            "SELECT date, checkpoint_id, direction, decision, scans FROM v_scans_by_day WHERE level = 4 "
            "ORDER BY date, checkpoint_id, direction"
        )

        assert [tuple(row.values()) for row in rows] == [
            (date(2020, 2, 3), "cp-1", "in", "passed", 2),
            (date(2020, 2, 3), "cp-1", "out", "passed", 1),
            (date(2020, 2, 3), "cp-2", "in", "turned_back", 1),
            (date(2020, 2, 4), "cp-1", "in", "passed", 1),
        ]

    def test_time_from_due_to_verdict(self, database: Database, write: Callable[..., int]) -> None:
        """Every revision counts by the state it brought; what was done in time is negative."""
        due = at("03 04:30")
        late = [verdict(f"P{n}", "03", "missed", decided_at=due + timedelta(seconds=n)) for n in range(1, 101)]
        write("checks", *late, verdict("P0", "03", "done", decided_at=due - timedelta(hours=1, milliseconds=500)))
        write("checks", verdict("P1", "03", "late", 2, decided_at=due + timedelta(days=1)), first_offset=200)

        rows = {row["state"]: row for row in database.query("SELECT * FROM v_verdict_delay")}

        missed = rows["missed"]
        assert missed["verdicts"] == 100
        assert [missed[f"p{q}_seconds"] for q in (50, 90, 99)] == [51, 91, 100]
        assert (rows["done"]["max_seconds"], rows["late"]["max_seconds"]) == (-3600.5, 86400)

    def test_open_alerts_by_area_rule_and_severity(self, database: Database, write: Callable[..., int]) -> None:
        """Acknowledged is open still, resolved is not."""
        write(
            "alerts",
            alert("P1", severity="critical"),
            alert("P2", state="acknowledged", raised_at=at("02 02:00")),
            alert("P3", state="resolved"),
            alert("P4", "breach", "O/1", area="jintang/other", severity="critical"),
        )

        rows = database.query(
            "SELECT area, rule, severity, state, alerts, oldest_raised_at FROM v_alerts_open WHERE level <= 1 "
            "ORDER BY rule, severity"
        )

        assert [tuple(row.values()) for row in rows] == [
            ("jintang", "breach", "critical", "open", 1, at("03 02:00")),
            ("jintang", "fever", "critical", "open", 1, at("03 02:00")),
            ("jintang", "fever", "warning", "acknowledged", 1, at("02 02:00")),
        ]


class TestReport:
    def test_a_day_of_an_area(self, database: Database, write: Callable[..., int]) -> None:
        """The area first, then those below it, also where nothing happened."""
        write("timeline", policy_changed(), scan("e-1", "03 01:00", decision="held"), reading("e-2", "03 01:00"))
        write("timeline", reading("e-9", "01 01:00", area="jintang/quiet/c1"), tick("03 14:00"), first_offset=3)
        write("checks", verdict("P1", "03"), verdict("P2", "03", "missed", window="pm"), verdict("P1", "04"))
        write("alerts", alert("P1", severity="critical"))

        report = daily_report(database, date(2020, 2, 3), "jintang")
        whole, busy, quiet = report.areas

        assert [whole.area, busy.area, quiet.area] == ["jintang", "jintang/huaikou", "jintang/quiet"]
        assert [(row.window, row.decided, row.done, row.missed) for row in whole.checks] == [
            ("am", 1, 1, 0),
            ("pm", 1, 0, 1),
        ]
        assert whole.figures == busy.figures
        assert whole.figures["scans_held"] == whole.figures["readings"] == whole.figures["alerts_open_critical"] == 1
        assert (quiet.total.decided, set(quiet.figures.values())) == (0, {0})

    @pytest.mark.parametrize(("clock", "is_closed"), [("03 12:34", False), ("03 12:35", True)])
    def test_what_was_expected_is_known_when_the_day_is_closed(
        self, database: Database, write: Callable[..., int], clock: str, is_closed: bool
    ) -> None:
        """20:00 in Shanghai, 30 minutes of grace and 5 to settle: 12:35 in Greenwich."""
        write("timeline", policy_changed(), tick(clock))
        write("checks", verdict("P1", "03"))

        report = daily_report(database, date(2020, 2, 3), "jintang")

        assert report.is_closed is is_closed
        assert report.expected(report.areas[0].total) == (1 if is_closed else None)

    def test_a_partition_whose_clock_stands_still_holds_the_day_open(
        self, database: Database, write: Callable[..., int]
    ) -> None:
        """Its checks are still pending."""
        write("timeline", policy_changed(), tick("04 00:00"))
        write("timeline", policy_changed(), partition=1)
        write("checks", verdict("P1", "03"))

        report = daily_report(database, date(2020, 2, 3), "jintang")

        assert (report.clock, report.is_closed) == (None, False)

    def test_an_area_nobody_named_is_not_reported_as_quiet(self, database: Database) -> None:
        """A misspelt area must not look like a day without trouble."""
        with pytest.raises(UnknownAreaError):
            daily_report(database, date(2020, 2, 3), "jintang")


class TestWhatTheSinkLeansOn:
    def test_a_token_used_again_drops_other_rows_in_silence(self, database: Database) -> None:
        """The reason why a token carries a digest of the messages."""
        for offset in (1, 2):
            database.insert(QUARANTINE, [["t"], [0], [offset], [0], ["empty"], [""], [""]], "token")

        assert one(database, "SELECT groupArray(offset) AS offsets FROM quarantine") == {"offsets": [1]}

    def test_a_topic_made_anew_does_not_meet_old_tokens(self, database: Database) -> None:
        """Same offsets, other messages: another token."""
        writer = DatabaseWriter(database)
        writer.write(batch("dead-letters", dead_letter(5)))
        writer.write(batch("dead-letters", dead_letter(6)))

        assert one(database, "SELECT count() AS n FROM dead_letters") == {"n": 2}

    def test_emptied_tables_can_be_filled_again_from_the_log(
        self, database: Database, write: Callable[..., int]
    ) -> None:
        """ClickHouse forgets tokens of rows that were truncated."""
        write("dead-letters", dead_letter())
        database.command("TRUNCATE TABLE dead_letters")
        write("dead-letters", dead_letter())

        assert one(database, f"SELECT count() AS n FROM {DEAD_LETTERS.name}") == {"n": 1}

    def test_rows_are_there_when_the_insert_returns(self, database: Database, write: Callable[..., int]) -> None:
        """The server gathers nothing by itself, whatever its defaults are."""
        assert one(database, "SELECT value FROM system.settings WHERE name = 'async_insert'") == {"value": "0"}
        for offset in range(5):
            write("checks", verdict(f"P{offset}", "03"), first_offset=offset)
            assert one(database, "SELECT count() AS n FROM checks") == {"n": offset + 1}

    def test_parts_of_several_partitions_go_into_one_insert(self, database: Database) -> None:
        """Small rests of all partitions are written together."""
        rests = messages("checks", [verdict("P1", "03")]), messages("checks", [verdict("P2", "03")], 1, 70)
        together = Batch("checks", rests)
        DatabaseWriter(database).write(together)

        assert "checks/0/0-0+checks/1/70-70" in deduplication_token(TABLES[1], together)
        assert one(database, "SELECT count() AS n FROM v_checks") == {"n": 2}


class TestOverHttp:
    """What only a socket can show."""

    @pytest.fixture
    def opened(self, front: ClickHouseFront) -> Iterator[Callable[..., Database]]:
        """Return a function that opens a migrated database on the front."""
        name = f"http_{uuid.uuid4().hex[:12]}"
        databases: list[Database] = []

        def open_database(options: str = "", **more: Any) -> Database:
            dsn = front.dsn(name, options=options)
            databases.append(connect(dsn, "ignored", create=True, **{"patience": QUICK, **more}))
            migrate(databases[-1])
            return databases[-1]

        yield open_database
        for database in databases:
            database.close()

    @pytest.mark.parametrize("options", ["", "?compress=0", "?compress=lz4", "?compress=gzip", "?compress=zstd"])
    def test_with_and_without_compression(self, opened: Callable[..., Database], options: str) -> None:
        """The same rows come back, of more than one block."""
        database = opened(options)
        values = [scan(f"e-{number}", "03 01:00") for number in range(12_000)]
        DatabaseWriter(database).write(batch("timeline", *values))

        rows = database.query("SELECT record FROM timeline ORDER BY offset")

        assert [row["record"].encode() for row in rows] == values

    def test_a_wrong_password_is_refused_at_once_and_not_repeated(self, front: ClickHouseFront) -> None:
        """No secret stands in the error."""
        with pytest.raises(ClickHouseRefusedError) as refused:
            connect(front.dsn(password="not-p%40ss%2Fword"), "default", pause=lambda _: pytest.fail("tried again"))

        assert "Authentication" in str(refused.value)
        assert PASSWORD not in str(refused.value)

    @pytest.mark.parametrize("fault", ["too_many_parts", "out_of_memory", "out_of_space", "lost_answer"])
    def test_what_passes_is_tried_again_and_counts_once(
        self, front: ClickHouseFront, opened: Callable[..., Database], fault: str
    ) -> None:
        """A lost answer: the rows were written, the client cannot know."""
        database = opened()
        front.fail_inserts(fault, fault)

        DatabaseWriter(database).write(batch("checks", verdict("P1", "03")))

        assert one(database, "SELECT count() AS n FROM checks") == {"n": 1}

    def test_an_outage_ends_in_an_error_that_says_what_to_do(self, tmp_path: Path) -> None:
        """Bounded: the sink stops without committing."""
        with ClickHouseFront(tmp_path) as front:
            database = connect(front.dsn("default"), "", patience=QUICK)
            front.kill()

            with pytest.raises(ClickHouseUnavailableError, match=r"0.5 s and 5 attempts .*refused.*nothing is lost"):
                database.query("SELECT 1")
            database.close()

    def test_a_restart_in_the_middle_of_the_work_is_lived_through(self, tmp_path: Path) -> None:
        """Killed at once, started again on the same data: everything is there, once."""
        with ClickHouseFront(tmp_path) as front:
            database = connect(front.dsn("gw"), "", create=True, pause=lambda _: front.start())
            migrate(database)
            writer = DatabaseWriter(database)
            writer.write(batch("checks", verdict("P1", "03")))

            front.kill()
            writer.write(batch("checks", verdict("P2", "03"), first_offset=1))

            assert one(database, "SELECT count() AS n FROM v_checks") == {"n": 2}
            database.close()


class TestCommands:
    """`gridwatch migrate` and `gridwatch report` over HTTP."""

    @pytest.fixture
    def name(self) -> str:
        """Name a database nobody has used."""
        return f"command_{uuid.uuid4().hex[:12]}"

    @pytest.fixture
    def run(self, front: ClickHouseFront, name: str) -> Callable[..., Result]:
        """Return a function that runs a command on it."""

        def run_command(command: str, *arguments: str, dsn: str = front.dsn()) -> Result:
            settings = Settings(clickhouse=ClickHouseSettings(dsn=dsn, database=name))
            return CliRunner().invoke(
                importlib.import_module(f"streams.cli.{command}").command, arguments, obj=settings
            )

        return run_command

    def test_migrate_shows_applies_and_remembers(self, run: Callable[..., Result]) -> None:
        """Exit status 3 while something is pending; a dry run makes nothing, not even the database."""
        labels = [migration.label for migration in packaged_migrations()]

        dry = run("migrate", "--dry-run")
        before = run("migrate", "--status")
        applied, again, after = run("migrate"), run("migrate"), run("migrate", "--status")

        assert "CREATE TABLE IF NOT EXISTS timeline" in dry.output
        assert (before.exit_code, before.output.split()[1::2]) == (3, labels)
        assert (applied.exit_code, applied.output.split()[1::2]) == (0, labels)
        assert (again.exit_code, again.output.endswith("is up to date\n")) == (0, True)
        assert (after.exit_code, after.output.split()[::2]) == (0, ["applied"] * len(labels))

    def test_report_writes_every_form(self, run: Callable[..., Result], front: ClickHouseFront, name: str) -> None:
        """The same figures as a table, as CSV, as JSON."""
        run("migrate")
        arguments = ("--date", "2020-02-03", "--area", "jintang/")
        unknown = run("report", *arguments)
        database = connect(front.dsn(), name)
        DatabaseWriter(database).write(batch("checks", verdict("P1", "03"), verdict("P2", "03", "missed")))
        database.close()

        forms = {form: run("report", *arguments, "--format", form) for form in ("table", "csv", "json")}

        assert (unknown.exit_code, unknown.output) == (
            3,
            "Error: no record of area jintang or of one below it is known\n",
        )
        assert [form.exit_code for form in forms.values()] == [0, 0, 0]
        assert "jintang/huaikou  temperature  am" in forms["table"].output
        assert "2020-02-03,jintang,1,temperature,am,,2,1,0,1,0,0" in forms["csv"].output
        assert json.loads(forms["json"].output)["areas"][0]["total"]["missed"] == 1

    @pytest.mark.parametrize(
        "arguments",
        [("--area", "a"), ("--date", "2020-02-30", "--area", "a"), ("--date", "2020-02-03", "--area", "a//b")],
    )
    def test_report_names_what_is_wrong_with_the_question(
        self, run: Callable[..., Result], arguments: tuple[str, ...]
    ) -> None:
        """Exit status 2."""
        refused = run("report", *arguments)

        assert refused.exit_code == 2
        assert "--date" in refused.output or "--area" in refused.output

    @pytest.mark.parametrize(
        ("dsn", "status", "said"),
        [
            ("http://", 2, "expected https://USER:PASSWORD@HOST"),
            ("chdb://memory", 2, "chdb:///DIRECTORY"),
            ("http://gridwatch:wrong-secret@127.0.0.1:{port}", 4, "Authentication failed"),
        ],
    )
    def test_a_database_that_will_not_do_is_said_without_the_password(
        self, run: Callable[..., Result], front: ClickHouseFront, dsn: str, status: int, said: str
    ) -> None:
        """Exit status 2 for a wrong setting, 4 for the surroundings."""
        refused = run("migrate", dsn=dsn.format(port=front.port))

        assert (refused.exit_code, said in refused.output) == (status, True)
        assert "wrong-secret" not in refused.output


def test_the_engine_in_the_process_has_one_process_a_directory(front: ClickHouseFront) -> None:
    """A second one is told so."""
    program = f"from sinks.clickhouse.driver import connect; connect('chdb://{front.directory}', 'default')"

    second = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=False)

    assert second.stderr.splitlines()[-1].startswith("sinks.clickhouse.driver.ClickHouseRefusedError")
    assert "in use by another process" in second.stderr
