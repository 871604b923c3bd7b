"""From bytes to columns."""

import base64
from collections.abc import Sequence
from datetime import UTC, date, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from events.codec import decode, encode
from sinks.clickhouse.columns import TOPICS, read_columns
from sinks.clickhouse.runs import Run
from sinks.clickhouse.tables import ALERTS, CHECKS, DEAD_LETTERS, QUARANTINE, TIMELINE, Table
from tests.support.sink_rows import Message, Row, read_row
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
from tests.unit.events.documents import ANY_DOCUMENT, Document, examples, to_bytes


def read(topic: str, value: bytes | None) -> tuple[Table, dict[str, object]]:
    """Return the table and the only row by column."""
    ((table, columns),) = read_columns(topic, [Run(f"test.{topic}", 2, [70], [1_580_515_200_123], [value])]).items()
    return table, {name: only for name, (only,) in zip(table.columns, columns, strict=True)}


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
    _, row = read("timeline", b'{"kind":"tick","at":"%s"}' % instant.isoformat().encode())
    found = row["occurred_at"]

    assert isinstance(found, int)
    assert found % 1_000_000 == instant.microsecond
    assert found // 1_000_000 == int(instant.replace(microsecond=0).timestamp())


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

    assert row["occurred_at"] == row["received_at"] == at("03 04:00").timestamp() * 1_000_000


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
        b'{"kind":"x","occurred_at":"2020-02-03T04:00:00Z","note":' + b"[" * 5000 + b"]" * 5000 + b"}",
    ],
    ids=["nothing", "open", "list", "no text", "no time", "no offset", "no text within", "a number", "deep"],
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


SAMPLES = {
    "timeline": [
        scan("e-1", "03 01:00", temperature_c=36.4),
        scan("e-2", "03 01:00", received_at=datetime(2199, 12, 31, 23, 59, 59, 999_999, tzinfo=UTC)),
        reading("e-3", "03 01:00", 38.0, None),
        visit("e-4", "03 02:00", 36.6),
        policy_changed(),
        tick("03 04:00"),
    ],
    "checks": [verdict("P1", "03"), verdict("P2", "04", "late", 2)],
    "alerts": [alert("P1"), alert("P2", due_at=at("03 02:30"), detail={"site": "ear", "note": "咳"})],
    "dead-letters": [dead_letter(), dead_letter(7, "unknown_kind", b"\xff")],
}
# What a message may have in the place of a piece of it: wrong JSON, wrong types, missing fields, broken UTF-8, long numbers.
DAMAGE = [
    b"",
    b"{",
    b"}",
    b",",
    b"\n",
    b"\xff",
    b"\xe5",
    b"null",
    b"7",
    b"-1",
    b'"',
    b"[",
    b"Z",
    b'"at":',
    b"4294967296",
    b" ",
]


@st.composite
def damaged(draw: st.DrawFn, sample: bytes) -> bytes:
    """Draw a message of which a piece was replaced."""
    start = draw(st.integers(0, len(sample)))
    end = draw(st.integers(start, min(len(sample), start + draw(st.sampled_from([0, 1, 4, 40])))))
    return sample[:start] + draw(st.sampled_from(DAMAGE)) + sample[end:]


@st.composite
def runs(draw: st.DrawFn, topic: str) -> list[Run]:
    """Draw messages of some partitions, most of them as they should be."""
    whole = st.sampled_from(SAMPLES[topic])
    value = st.one_of(whole, whole, whole, whole.flatmap(damaged), st.none())
    found = []
    for partition in range(draw(st.integers(1, 3))):
        values = draw(st.lists(value if draw(st.booleans()) else whole, min_size=1, max_size=8))
        first = draw(st.integers(0, 2**40))
        offsets = [first + 2 * index for index in range(len(values))]
        found.append(
            Run(f"test.{topic}", partition, offsets, [1_580_515_200_000 + at % 1000 for at in offsets], values)
        )
    return found


def rows_one_by_one(topic: str, messages: Sequence[Run]) -> dict[str, list[Row]]:
    """Return the rows by table, each message read by itself, plainly."""
    rows: dict[str, list[Row]] = {}
    for run in messages:
        for offset, appended_ms, value in zip(run.offsets, run.appended_ms, run.values, strict=True):
            table, row = read_row(topic, Message(run.topic, run.partition, offset, appended_ms, value))
            rows.setdefault(table.name, []).append(row)
    return rows


@pytest.mark.parametrize("topic", TOPICS)
@given(st.data())
def test_columns_are_the_rows_of_each_message_by_itself(topic: str, data: st.DataObject) -> None:
    """Whatever stands beside it, and however it is damaged: value, type and order."""
    messages = data.draw(runs(topic))

    found = {}
    for table, columns in read_columns(topic, messages).items():
        if "record" in table.columns:
            columns[-1] = [record.decode() for record in columns[-1]]
        found[table.name] = [tuple(row) for row in zip(*columns, strict=True)]

    assert repr(sorted(found.items())) == repr(sorted(rows_one_by_one(topic, messages).items()))


def test_more_messages_than_are_decoded_at_once() -> None:
    """Order and number hold over the seams."""
    run = Run("checks", 0, list(range(1000)), [0] * 1000, [verdict(f"P{number}", "03") for number in range(1000)])

    ((_, columns),) = read_columns("checks", [run]).items()

    assert columns[list(CHECKS.columns).index("person_id")] == [f"P{number}" for number in range(1000)]


@examples(150)
@given(document=ANY_DOCUMENT)
def test_every_record_of_the_timeline_has_its_row(document: Document) -> None:
    """Whatever kind it is, whichever of its fields are null: it goes to the table, as the slow way has it."""
    value = encode(decode(to_bytes(document)))

    table, row = read("timeline", value)

    assert (table, row["kind"]) == (TIMELINE, document["kind"])
    row["record"] = value.decode()  # as text; the block writes bytes
    slow = read_row("timeline", Message("test.timeline", 2, 70, 1_580_515_200_123, value))
    assert slow == (TIMELINE, tuple(row.values()))
