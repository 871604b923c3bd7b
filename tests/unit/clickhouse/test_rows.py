"""From bytes to a row."""

import base64
from datetime import UTC, date, datetime

import pytest

from sinks.clickhouse.rows import TOPICS, Message, microseconds, read_row
from sinks.clickhouse.tables import ALERTS, CHECKS, DEAD_LETTERS, QUARANTINE, TIMELINE, Table
from tests.unit.clickhouse.messages import (
    alert,
    at,
    dead_letter,
    policy_changed,
    reading,
    scan,
    tick,
    verdict,
    visit,
)


def read(topic: str, value: bytes | None) -> tuple[Table, dict[str, object]]:
    """Return the table and the row by column."""
    table, row = read_row(topic, Message(f"test.{topic}", 2, 70, 1_580_515_200_123, value))
    return table, dict(zip(table.columns, row, strict=True))


@pytest.mark.parametrize(
    ("topic", "value", "table"),
    [
        ("timeline", tick("03 04:00"), TIMELINE),
        ("checks", verdict("P1", "03"), CHECKS),
        ("alerts", alert("P1"), ALERTS),
        ("dead-letters", dead_letter(), DEAD_LETTERS),
    ],
)
def test_every_row_says_where_it_came_from(topic: str, value: bytes, table: Table) -> None:
    """Topic with its prefix, partition, offset and the time stamp of the log."""
    found, row = read(topic, value)

    assert found is table
    assert list(row.values())[:4] == [f"test.{topic}", 2, 70, 1_580_515_200_123]


@pytest.mark.parametrize(
    "instant",
    [
        datetime(1970, 1, 1, tzinfo=UTC),
        datetime(2199, 12, 31, 23, 59, 59, 999_999, tzinfo=UTC),
        datetime(2020, 2, 3, 1, 2, 3, 456_789, tzinfo=UTC),
    ],
)
def test_instants_are_exact_to_the_microsecond(instant: datetime) -> None:
    """No float comes in between."""
    assert microseconds(instant) % 1_000_000 == instant.microsecond
    assert microseconds(instant) // 1_000_000 == int(instant.replace(microsecond=0).timestamp())


@pytest.mark.parametrize(
    ("value", "temperature_c", "site"),
    [
        (reading("e", "03 01:00", 36.6, "ear"), 36.6, "ear"),
        (reading("e", "03 01:00", 36.6, None), 36.6, "unknown"),
        (visit("e", "03 01:00", 0.0), 0.0, ""),
        (visit("e", "03 01:00"), 0.0, ""),
        (scan("e", "03 01:00"), 0.0, ""),
    ],
)
def test_a_temperature_has_a_site_and_none_has_none(value: bytes, temperature_c: float, site: str) -> None:
    """0 is not measured, as null; a reading without a site is of site unknown (contract section 2)."""
    _, row = read("timeline", value)

    assert (row["temperature_c"], row["site"]) == (temperature_c, site)


def test_a_tick_has_the_clock_for_its_time() -> None:
    """It has no other."""
    _, row = read("timeline", tick("03 04:00"))

    assert row["occurred_at"] == row["received_at"] == microseconds(at("03 04:00"))


def test_a_policy_brings_version_and_timezone() -> None:
    """The views need the zone."""
    _, row = read("timeline", policy_changed(timezone="Asia/Kolkata", version="v2"))

    assert (row["kind"], row["policy_version"], row["timezone"]) == ("policy_changed", "v2", "Asia/Kolkata")


def test_a_verdict_keeps_its_day() -> None:
    """A local date, not an instant."""
    _, row = read("checks", verdict("P1", "03", "late", 2))

    assert (row["date"], row["state"], row["revision"]) == (date(2020, 2, 3), "late", 2)


def test_the_detail_of_an_alert_stays_json() -> None:
    """As it was written."""
    _, row = read("alerts", alert("P1", detail={"site": "ear", "taken_at": "2020-02-03T01:00:00Z"}))

    assert row["detail"] == '{"site":"ear","taken_at":"2020-02-03T01:00:00Z"}'


@pytest.mark.parametrize(
    "value",
    [
        b"",
        b"{",
        b"[]",
        b"\xff",
        b'{"kind":"tick"}',
        b'{"kind":"tick","at":"2020-02-03T04:00:00"}',
        b'{"kind":"x","occurred_at":"2020-02-03T04:00:00Z","note":"\xff"}',
        b'{"kind":7,"occurred_at":"2020-02-03T04:00:00Z"}',
    ],
)
def test_what_cannot_be_read_goes_to_quarantine_whole(value: bytes) -> None:
    """Bytes and position are kept; the explanation repeats nothing of them."""
    table, row = read("timeline", value)

    assert table is QUARANTINE
    assert base64.b64decode(str(row["raw"])) == value
    assert row["message"] == "expected a record of timeline as JSON"


@pytest.mark.parametrize("topic", TOPICS)
def test_a_tombstone_is_kept_too(topic: str) -> None:
    """Nobody of ours writes one."""
    table, row = read(topic, None)

    assert (table, row["reason"], row["raw"]) == (QUARANTINE, "empty", "")


@pytest.mark.parametrize("revision", [0, -1, 2**32, 2**70])
def test_a_revision_no_column_can_hold_is_unreadable(revision: int) -> None:
    """It must not stop an insert."""
    table, _ = read("checks", verdict("P1", "03", revision=revision))

    assert table is QUARANTINE
