"""Records as bytes, and keys."""

import json
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from events.codec import decode
from events.scan_wire import read_scan
from streams.device.errors import RecordError, WrongKeyError
from streams.device.keys import parse_key, read_key_file
from streams.device.records import LARGEST_RECORD_BYTES, encode_body, with_sequence
from tests.support.device_rig import reading
from tests.support.scripted_gateway import KEY

AT = datetime(2020, 2, 1, 16, 0, 0, 5, tzinfo=timezone(timedelta(hours=8)))
SECRET = "A" * 43


def body(kind: object = "temperature_taken", fields: object = None) -> bytes:
    """Write a record."""
    given_fields = reading("p-000001") if fields is None else fields
    return encode_body(kind, given_fields, event_id="e-1", source_id="d-000001", at=AT)  # type: ignore[arg-type]


def test_the_codec_reads_what_is_sent() -> None:
    record = decode(with_sequence(body(), 7))

    assert (record.kind, record.event_id, record.source_id, record.sequence) == (  # type: ignore[union-attr]
        "temperature_taken",
        "e-1",
        "d-000001",
        7,
    )
    assert record.occurred_at == AT.astimezone(UTC)  # type: ignore[union-attr]


def test_the_gateway_reads_a_scan_on_its_quick_way() -> None:
    """The number stands where the contract has it; in another place every record would cost three times as much."""
    fields = {
        "person_id": "p-000001",
        "area": "jintang/huaikou/c001/g01",
        "checkpoint_id": "cp-1",
        "direction": "in",
        "decision": "passed",
    }
    scan = read_scan(with_sequence(body("checkpoint_scanned", fields), 7))
    assert scan is not None
    assert (scan.source_id, scan.sequence) == ("d-000001", 7)


def test_the_number_finds_its_place_whatever_stands_before_it() -> None:
    """A text cannot hold the place: its quotes are escaped."""
    at = datetime(2020, 2, 1, tzinfo=UTC)
    event_id = 'e","occurred_at":"'
    line = with_sequence(encode_body("visit_recorded", {}, event_id=event_id, source_id="d-000001", at=at), 7)
    assert json.loads(line) == {
        "kind": "visit_recorded",
        "event_id": event_id,
        "source_id": "d-000001",
        "sequence": 7,
        "occurred_at": "2020-02-01T00:00:00Z",
    }


def test_an_instant_that_was_given_stands() -> None:
    written = json.loads(body(fields=reading("p-000001") | {"occurred_at": "2020-02-01T09:10:00+08:00"}))

    assert written["occurred_at"] == "2020-02-01T09:10:00+08:00"


@pytest.mark.parametrize("name", ["kind", "event_id", "source_id", "sequence", "received_at"])
def test_what_is_set_elsewhere_is_not_given(name: str) -> None:
    with pytest.raises(RecordError, match=name):
        body(fields={name: "x"})


@pytest.mark.parametrize("kind", ["", "Visit", "a b", "a\n", "x" * 65, None, 5])
def test_a_kind_is_a_word(kind: object) -> None:
    with pytest.raises(RecordError, match="kind"):
        body(kind)


def test_fields_that_json_cannot_hold() -> None:
    circle: dict[str, object] = {}
    circle["again"] = circle
    wrong: list[object] = [[], circle, {(1,): 1}, {"a": object()}, {"a": b"x"}, {"a": float("nan")}]
    for fields in [*wrong, {"a": "\ud800"}, {"a": 10**5000}]:
        with pytest.raises(RecordError, match="expected"):
            body(fields=fields)


def test_errors_quote_nothing() -> None:
    with pytest.raises(RecordError) as caught:
        body(fields={"person_id": "p-000001", "temperature_c": float("inf"), "note": "wang"})

    assert "p-0" not in str(caught.value)
    assert "wang" not in str(caught.value)


def test_the_largest_record_leaves_room_for_its_number() -> None:
    empty = len(body(fields={"note": ""}))
    largest = LARGEST_RECORD_BYTES - empty
    with pytest.raises(RecordError, match="at most 65536 bytes"):
        body(fields={"note": "x" * largest})

    room = largest - len('"sequence":9223372036854775807,')
    assert len(with_sequence(body(fields={"note": "x" * room}), 2**63 - 1)) == LARGEST_RECORD_BYTES


@settings(deadline=None)
@given(st.dictionaries(st.text(min_size=1).map(lambda name: f"x{name}"), st.text() | st.integers() | st.none()))
def test_a_record_is_one_line_and_comes_back(fields: dict[str, object]) -> None:
    try:
        line = with_sequence(body(fields=fields), 3)
    except RecordError:
        return
    assert b"\n" not in line
    written = json.loads(line)
    assert {name: written[name] for name in fields} == fields
    assert written["sequence"] == 3


@pytest.mark.parametrize(("source", "key_id"), [("d-000001", "k1"), ("town.gate:3", "2020_a"), ("x" * 64, "k")])
def test_a_key_names_its_source(source: str, key_id: str) -> None:
    key = parse_key(f" gw_{source}.{key_id}.{SECRET}\n")

    assert (key.source_id, key.key_id) == (source, key_id)
    assert SECRET not in repr(key)


@pytest.mark.parametrize(
    "text",
    ["", "gw_", f"gw_a.{SECRET}", f"gw_a.k.{SECRET}A", f"gw_a.k.{SECRET[1:]}", f"gw_a b.k.{SECRET}", KEY + "\r\nX: y"],
)
def test_what_is_no_key_is_not_repeated(text: str) -> None:
    with pytest.raises(WrongKeyError) as caught:
        parse_key(text)

    assert "AAAA" not in str(caught.value)


def test_a_key_file(tmp_path: Path) -> None:
    (tmp_path / "key").write_text(KEY + "\n")
    (tmp_path / "other").write_bytes(b"\xff" * 5000)

    assert read_key_file(tmp_path / "key").text == KEY
    for name in ("other", "missing", "."):
        with pytest.raises(WrongKeyError):
            read_key_file(tmp_path / name)
