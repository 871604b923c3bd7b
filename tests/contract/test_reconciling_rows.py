"""What `gridwatch reconcile` asks ClickHouse: fingerprints come out as in Python, the ledger raises no false alarm."""

import uuid
from collections.abc import Iterator
from datetime import UTC, datetime

import pytest

from events.codec import Refusal, decode, encode
from events.records import Tick
from sinks.clickhouse.batches import Batch
from sinks.clickhouse.driver import Database, connect
from sinks.clickhouse.figures import wrong_figures
from sinks.clickhouse.fingerprints import TABLE_OF, fingerprint_sql, fingerprints
from sinks.clickhouse.ledger import Held, read_ledger
from sinks.clickhouse.migration import migrate
from sinks.clickhouse.reconciling import hour_sums, lacking_revisions, stored_later, stored_rows
from sinks.clickhouse.writer import DatabaseWriter
from streams.watch.decider import new_watch
from tests.support.clickhouse_http import ClickHouseFront
from tests.support.histories import history
from tests.support.reconciled import Stored
from tests.unit.clickhouse.messages import (
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

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
FAR = datetime(2199, 12, 31, 23, 59, 59, 999_999, tzinfo=UTC)
MESSAGES: dict[str, list[bytes | None]] = {
    "timeline": [
        scan("s", "03 02:00"),
        scan("s", "03 02:00:00.000001", received_at=FAR),
        reading("r1", "03 01:00", 36.6),
        reading("r2", "03 01:00", 0.1 + 0.2, None),
        reading("r3", "03 01:00", -1e-300),
        reading("r4", "03 01:00", 1e300),
        visit("v1", "03 03:00"),
        visit("v2", "03 03:00", 37.25),
        tick("03 13:00"),
        policy_changed(version="版本 1"),
        b'{"kind":"tick"}',
        b"\xff",
        None,
    ],
    "checks": [
        verdict("P1", "03"),
        verdict("P1", "03", "late", 2, decided_at=EPOCH),
        verdict("P2", "03", "missed", evidence=()),
        verdict("P3", "03", evidence=("e-1", "e-2"), decided_at=FAR),
        b"[]",
    ],
    "alerts": [
        alert("P1"),
        alert("P1", due_at=at("03 04:00"), revision=2, detail={"a": "你", "b": [1.5, None]}),
        alert("P2", person_id=None, raised_at=EPOCH, updated_at=FAR),
        None,
    ],
    "dead-letters": [dead_letter(5), dead_letter(6, "too_large", b"\x00\xff" * 100), b"{"],
}


@pytest.fixture(scope="module")
def front(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ClickHouseFront]:
    """Run an HTTP front of the engine."""
    with ClickHouseFront(tmp_path_factory.mktemp("front")) as running:
        yield running


@pytest.fixture(scope="module")
def database(front: ClickHouseFront) -> Iterator[Database]:
    """Open migrated tables."""
    opened = connect(front.dsn(), f"gridwatch_test_{uuid.uuid4().hex[:12]}", create=True)
    migrate(opened)
    yield opened
    opened.close()


@pytest.fixture(autouse=True)
def _empty(database: Database) -> None:
    for table in (*TABLE_OF.values(),):
        database.command(f"TRUNCATE TABLE {table.name}")
    database.command("TRUNCATE TABLE quarantine")


@pytest.mark.parametrize("topic", MESSAGES)
def test_fingerprints_are_the_same_on_both_sides(database: Database, topic: str) -> None:
    """Of every column type and its extremes, of what went to quarantine, and of rows that are there twice."""
    run = messages(topic, MESSAGES[topic], partition=1, first_offset=10)
    writer = DatabaseWriter(database)
    writer.write(Batch(topic, (run,)))
    writer.write(Batch(topic, (run.part(0, 2),)))

    expected = fingerprints(topic, run)

    assert len(set(expected)) == len(run)
    rows = stored_rows(database, topic, topic, 1, (10, 10 + len(run)))
    assert [tuple(row) for row in rows] == list(zip(run.offsets, run.appended_ms, expected, strict=True))
    (found,) = hour_sums(database, topic, topic, {1: (10, 10 + len(run)), 2: (0, 5)})
    assert found == (1, run.appended_ms[0] // 3_600_000, len(run), sum(expected) % 2**64)
    assert hour_sums(database, topic, topic, {1: (11, 12)})[0].checksum == expected[1]
    assert hour_sums(database, topic, "other", {1: (0, 100)}) == hour_sums(database, topic, topic, {}) == []


@pytest.mark.parametrize("topic", MESSAGES)
def test_every_column_counts(database: Database, topic: str) -> None:
    """But topic, partition and stamp; the offset where a row is known by it."""
    writer = DatabaseWriter(database)
    writer.write(Batch(topic, (messages(topic, MESSAGES[topic][:1]),)))
    table = TABLE_OF[topic]
    (before,) = database.query(f"SELECT {fingerprint_sql(table)} AS found FROM {table.name}")
    for name, kind in table.columns.items():
        other = "['x']" if "Array" in kind else "toDate32('2020-01-01')" if "Date32" in kind else "'x'"
        if "Int" in kind or "Float" in kind or "DateTime" in kind:
            other = f"CAST({name} + 1 AS {kind})" if "Nullable" not in kind else "toDateTime64(1, 6, 'UTC')"
        (row,) = database.query(
            f"SELECT {fingerprint_sql(table)} AS found FROM (SELECT * REPLACE ({other} AS {name}) FROM {table.name})"
        )
        is_left_out = name in ("topic", "partition", "appended_at") or (name == "offset" and topic != "timeline")
        assert (row == before) is is_left_out, name


def test_a_row_with_a_later_offset(database: Database) -> None:
    """Found by its fingerprint, from an offset on."""
    DatabaseWriter(database).write(batch("checks", verdict("P1", "03"), verdict("P2", "03"), first_offset=7))
    known = fingerprints("checks", messages("checks", [verdict("P1", "03"), verdict("P2", "03")]))

    assert stored_later(database, "checks", "checks", 0, 7, [*known, 1]) == set(known)
    assert stored_later(database, "checks", "checks", 0, 8, known) == {known[1]}
    assert stored_later(database, "checks", "checks", 1, 0, known) == set()


@pytest.mark.parametrize("topic", ["checks", "alerts"])
def test_revisions_that_lack(database: Database, topic: str) -> None:
    """Named by the place of the highest; only of what the spans touch."""
    make = verdict if topic == "checks" else alert
    options = {"day": "03"} if topic == "checks" else {}
    values = [make("P1", revision=1, **options), make("P2", revision=3, **options), make("P1", revision=2, **options)]
    DatabaseWriter(database).write(batch(topic, *values, make("P2", revision=5, **options)))

    (found,) = lacking_revisions(database, topic, topic, {0: (0, 2)})

    assert (found.partition, found.offset, found.revisions) == (0, 3, 3)
    assert lacking_revisions(database, topic, topic, {0: (0, 1)}) == lacking_revisions(database, topic, topic, {}) == []


def decided(database: Database, seed: int) -> Held:
    """Decide a random history, write it into ClickHouse, and return how far that is."""
    logs: dict[str, list[Stored]] = {"timeline": [], "checks": [], "dead-letters": []}
    watch, highest = new_watch(0), Tick(at=EPOCH)
    ticked = 0
    for raw in history(seed)[0]:
        try:
            record = decode(raw)
        except Refusal:
            continue
        stored = Stored(len(logs["timeline"]), 1_700_000_000_000, encode(record))
        logs["timeline"].append(stored)
        if isinstance(record, Tick) and record.at > highest.at:
            highest, ticked = record, stored.offset
        for output in watch.take([stored], 0):
            if output.topic in logs:
                logs[output.topic].append(Stored(len(logs[output.topic]), stored.timestamp, output.value))
    for topic, log in logs.items():
        if log:
            DatabaseWriter(database).write(Batch(topic, (messages(topic, [stored.value for stored in log]),)))
    return Held("timeline", "checks", [ticked], highest.at, [len(logs["checks"])])


@pytest.mark.parametrize("seed", [19, 41, 43, 51, 53])
def test_the_ledger_raises_no_false_alarm(database: Database, seed: int) -> None:
    """Random histories with changes of policy, extensions, closings and refusals: what is certain has its verdict."""
    held = decided(database, seed)

    ledger = read_ledger(database, held, EPOCH)
    figures = wrong_figures(database, ledger.first, ledger.last)

    assert sum(each.expected for each in ledger.equations) > 0
    assert [each for each in ledger.equations if each.lost or each.unfounded] == []
    assert figures is not None
    assert figures.places == []


def test_every_certain_verdict_that_vanishes_is_found(database: Database) -> None:
    """All of them at once: each area and day says how many."""
    held = decided(database, 51)
    certain = {each.place: each.expected - each.pending for each in read_ledger(database, held, EPOCH).equations}
    assert sum(certain.values()) > 100

    database.command("TRUNCATE TABLE checks")

    assert {each.place: each.lost for each in read_ledger(database, held, EPOCH).equations} == certain


def test_every_verdict_without_an_opening_is_found(database: Database) -> None:
    """Nobody is under observation any more: all that was decided is unfounded, in every area and day."""
    held = decided(database, 36)
    rows = database.query(
        "SELECT area, day, count() AS checks FROM (SELECT argMax(t.area, t.revision) AS area, toString(any(t.date)) AS day "
        "FROM checks AS t GROUP BY check_id) GROUP BY area, day"
    )

    database.command("ALTER TABLE timeline DELETE WHERE kind LIKE 'observation%' SETTINGS mutations_sync = 1")

    found = {
        (each.place.area, each.place.date.isoformat()): each.unfounded
        for each in read_ledger(database, held, EPOCH).equations
    }
    assert found == {(row["area"], row["day"]): row["checks"] for row in rows}
