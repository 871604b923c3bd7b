"""Bytes to record and back: what is taken, what is refused, for which reason and at which field."""

import contextlib
import json
import pickle
import time
import traceback
from collections.abc import Iterator
from dataclasses import fields, replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import assume, example, given
from hypothesis import strategies as st

from events.codec import (
    LARGEST_RECORD_BYTES,
    Refusal,
    decode,
    decode_from_topic,
    decode_under_fixed_policy,
    encode,
    refuse_future,
)
from events.records import (
    KINDS,
    OUTSIDE_KINDS,
    RAW_TOPICS,
    CheckpointScanned,
    PolicyChanged,
    SequenceRun,
    TemperatureTaken,
    VisitRecorded,
)
from events.results import encode_json, json_value
from events.vocabulary import DeadLetterReason, Site
from tests.unit.events.documents import ANY_DOCUMENT, Document, documents, examples, to_bytes

READING: Document = {
    "kind": "temperature_taken",
    "event_id": "e-1",
    "source_id": "gate:7",
    "sequence": 1,
    "occurred_at": "2020-02-01T08:00:00+08:00",
    "received_at": None,
    "person_id": "P1",
    "area": "jintang/huaikou/c012/g03",
    "temperature_c": 36.6,
    "site": "axillary",
}
VISIT: Document = {
    **{name: value for name, value in READING.items() if name not in ("kind", "site")},
    "kind": "visit_recorded",
    "visitor_id": "V1",
    "outcome": "seen",
    "symptoms": ["cough"],
}
MARKER = "Marker-\u5f20\u4e09-13800000000"


def refusal_of(raw: bytes) -> Refusal:
    with pytest.raises(Refusal) as caught:
        decode(raw)
    return caught.value


def refused(raw: bytes) -> tuple[str, str]:
    refusal = refusal_of(raw)
    return refusal.reason.value, refusal.path


def changed(document: Document = READING, **fields: Any) -> bytes:
    return to_bytes({**document, **fields})


@examples(150)
@given(document=ANY_DOCUMENT)
def test_a_record_is_read_back_without_loss(document: Document) -> None:
    record = decode(to_bytes(document))
    raw = encode(record)
    assert decode(raw) == record
    assert encode(decode(raw)) == raw
    assert raw.startswith(b'{"kind":')
    assert b"\n" not in raw


@examples(150)
@given(document=ANY_DOCUMENT, number=st.none() | st.floats(allow_nan=False, allow_infinity=False))
@example(document=VISIT, number=1e16)
@example(document=VISIT, number=1e-5)
@example(document=VISIT | {"symptoms": ['\x00\x1f\x7f\x80\u2028\ufeff\U0001f321\\"/']}, number=0.1)
def test_a_record_is_written_as_the_standard_library_writes_it(document: Document, number: float | None) -> None:
    """The quicker way of writing gives the same bytes: numbers, escapes, instants, days."""
    record = decode(to_bytes(document))
    assume(not isinstance(record, PolicyChanged))
    if isinstance(record, VisitRecorded | CheckpointScanned):
        record = replace(record, temperature_c=number)
    values = _plain_fields(record)
    assert encode(record) == encode_json({"kind": record.kind, **values})


def _plain_fields(record: Any) -> Document:
    """Return the fields of a record, or of a run within one, as JSON values."""

    def plain(value: Any) -> Any:
        if isinstance(value, tuple):
            return [plain(item) for item in value]
        return _plain_fields(value) if isinstance(value, SequenceRun) else json_value(value)

    return {field.name: plain(getattr(record, field.name)) for field in fields(record)}


def test_a_record_is_written_in_the_order_of_the_contract() -> None:
    assert encode(decode(to_bytes(dict(reversed(READING.items()))))) == (
        b'{"kind":"temperature_taken","event_id":"e-1","source_id":"gate:7","sequence":1,'
        b'"occurred_at":"2020-02-01T00:00:00Z","received_at":null,"person_id":"P1",'
        b'"area":"jintang/huaikou/c012/g03","temperature_c":36.6,"site":"axillary"}'
    )


def test_absent_and_null_are_the_same() -> None:
    absent = {name: value for name, value in READING.items() if name not in ("sequence", "received_at", "site")}
    record = decode(to_bytes(absent))
    assert record == decode(changed(sequence=None, received_at=None, site=None))
    assert isinstance(record, TemperatureTaken)
    assert record.site is None


def test_text_of_any_language_is_kept() -> None:
    record = decode(changed(VISIT, symptoms=["\u54b3\u55fd", "\U0001f321", "\x00\x7f"]))
    assert isinstance(record, VisitRecorded)
    assert record.symptoms == ("\u54b3\u55fd", "\U0001f321", "\x00\x7f")
    assert "\u54b3\u55fd".encode() in encode(record)


NOT_JSON = {
    "nothing": b"",
    "blank": b"  ",
    "text": b"hello",
    "a list": b"[1]",
    "a string": b'"text"',
    "a number": b"1",
    "null": b"null",
    "cut off": to_bytes(READING)[:-1],
    "two objects": b"{}{}",
    "a comma too many": b'{"a":1,}',
    "single quotes": b"{'a':1}",
    "a byte order mark": b"\xef\xbb\xbf" + to_bytes(READING),
    "UTF-16": json.dumps(READING).encode("utf-16"),
    "invalid UTF-8": b'{"kind":"\xff"}',
    "a surrogate in UTF-8": b'{"kind":"\xed\xa0\x80"}',
    "overlong UTF-8": b'{"kind":"\xc0\xaf"}',
    "NaN": b'{"kind":"tick","at":NaN}',
    "Infinity": b'{"kind":"tick","at":-Infinity}',
    "a key twice": b'{"kind":"tick","kind":"tick","at":"2020-02-01T00:00:00Z"}',
    "a key twice inside": b'{"kind":"policy_changed","policy":{"a":1,"a":1}}',
    "a key twice, once escaped": b'{"kind":"tick","at":"2020-02-01T00:00:00Z","\\u0061t":"2020-02-01T00:00:00Z"}',
    "nested too deep": b"[" * 60_000,
    "objects nested too deep": b'{"a":' * 10_000,
    "nested too deep and closed": b'{"kind":"tick","at":' + b"[" * 9_000 + b"]" * 9_000 + b"}",
    "a control character in a string": b'{"kind":"ti\nck"}',
}


@pytest.mark.parametrize("raw", NOT_JSON.values(), ids=NOT_JSON)
def test_what_is_not_one_json_object_is_not_json(raw: bytes) -> None:
    assert refused(raw) == ("not_json", "")


@pytest.mark.parametrize("frames", [0, 50, 200, 800])
@pytest.mark.parametrize("levels", [64, 65, 700, 950])
def test_how_deep_a_record_may_be_does_not_depend_on_who_reads_it(levels: int, frames: int) -> None:
    """A worker calls from deeper down than a replay, and other versions of Python go deeper: the reason is the same."""
    raw = b'{"kind":"tick","at":' + b"[" * (levels - 1) + b"]" * (levels - 1) + b"}"

    def refused_from(frames_left: int) -> tuple[str, str]:
        return refused_from(frames_left - 1) if frames_left else refused(raw)

    assert refused_from(frames) == (("invalid_field", "at") if levels <= 64 else ("not_json", ""))


@pytest.mark.parametrize(
    "raw",
    [b"[" * 65 + b'"' + b'\\"' * 32_000, b"[" * 65 + b'"' * 65_000, b"[]" * 32_000, b"{" * 65 + b"\\" * 65_000],
    ids=["escapes without end", "quotes", "brackets", "backslashes"],
)
def test_looking_how_deep_takes_no_time(raw: bytes) -> None:
    """Whatever strings there are, or seem to be, each byte is looked at once."""
    began = time.process_time()
    assert refused(raw) == ("not_json", "")
    assert time.process_time() - began < 0.5


@examples(200)
@given(raw=st.binary(max_size=60) | st.text(max_size=40).map(str.encode))
def test_no_bytes_break_the_codec(raw: bytes) -> None:
    with contextlib.suppress(Refusal):
        decode(raw)


@pytest.mark.parametrize("kind", ["weather_changed", "", "Tick", "tick ", "check", "\ud800", "x" * 1000])
def test_an_unknown_kind(kind: str) -> None:
    assert refused(changed(kind=kind)) == ("unknown_kind", "kind")


@pytest.mark.parametrize("kind", [None, 1, ["tick"], {}, True])
def test_a_kind_that_is_no_string(kind: Any) -> None:
    assert refused(changed(kind=kind)) == ("unknown_kind", "kind")
    assert refused(b"{}") == ("unknown_kind", "kind")


@pytest.mark.parametrize("topic", RAW_TOPICS)
def test_no_raw_topic_brings_a_tick(topic: str) -> None:
    with pytest.raises(Refusal) as caught:
        decode_from_topic(b'{"kind":"tick","at":"2020-02-01T00:00:00Z"}', topic)
    assert (caught.value.reason, caught.value.path) == (DeadLetterReason.UNKNOWN_KIND, "kind")


@pytest.mark.parametrize("topic", RAW_TOPICS)
@pytest.mark.parametrize("kind", list(OUTSIDE_KINDS))
def test_a_kind_in_another_topic_is_unknown_there(kind: str, topic: str) -> None:
    """Even when nothing else about it is right: what it would have been is not looked at."""
    with pytest.raises(Refusal) as caught:
        decode_from_topic(to_bytes({"kind": kind}), topic)
    is_at_home = OUTSIDE_KINDS[kind].topic == topic
    expected = DeadLetterReason.INVALID_FIELD if is_at_home else DeadLetterReason.UNKNOWN_KIND
    assert caught.value.reason is expected


@examples(60)
@given(data=st.data())
def test_a_kind_in_its_own_topic_is_taken(data: st.DataObject) -> None:
    kind = data.draw(st.sampled_from(list(OUTSIDE_KINDS)))
    raw = to_bytes(data.draw(documents(kind)))
    assert decode_from_topic(raw, OUTSIDE_KINDS[kind].topic) == decode(raw)


INVALID: list[tuple[dict[str, Any], str]] = [
    ({"event_id": ""}, "event_id"),
    ({"event_id": "x" * 65}, "event_id"),
    ({"event_id": "a b"}, "event_id"),
    ({"event_id": "a\n"}, "event_id"),
    ({"event_id": "\uff21"}, "event_id"),
    ({"event_id": 7}, "event_id"),
    ({"event_id": None}, "event_id"),
    ({"source_id": "a/b"}, "source_id"),
    ({"sequence": 0}, "sequence"),
    ({"sequence": -1}, "sequence"),
    ({"sequence": 1.0}, "sequence"),
    ({"sequence": "1"}, "sequence"),
    ({"sequence": True}, "sequence"),
    ({"sequence": 2**63}, "sequence"),
    ({"sequence": 10**300}, "sequence"),
    ({"occurred_at": None}, "occurred_at"),
    ({"occurred_at": 1580515200}, "occurred_at"),
    ({"received_at": "2020-02-01"}, "received_at"),
    ({"person_id": ["P1"]}, "person_id"),
    ({"area": ""}, "area"),
    ({"area": "a//b"}, "area"),
    ({"area": "/a"}, "area"),
    ({"area": "a/"}, "area"),
    ({"area": "a.b"}, "area"),
    ({"area": "/".join("abcdefghi")}, "area"),
    ({"temperature_c": "36.6"}, "temperature_c"),
    ({"temperature_c": True}, "temperature_c"),
    ({"temperature_c": None}, "temperature_c"),
    ({"temperature_c": 0}, "temperature_c"),
    ({"temperature_c": -0.0}, "temperature_c"),
    ({"temperature_c": 10**400}, "temperature_c"),
    ({"site": "elbow"}, "site"),
    ({"site": ""}, "site"),
    ({"site": 3}, "site"),
    ({"extra": None}, "extra"),
    ({"visitor_id": "V1"}, "visitor_id"),
    ({"": 1}, "?"),
    ({"\u5f20\u4e09": 1}, "?"),
    ({"13800000000": 1}, "?"),
    ({"a.b": 1}, "?"),
]


@pytest.mark.parametrize(("fields", "path"), INVALID, ids=[str(fields)[:40] for fields, _ in INVALID])
def test_a_wrong_field_is_named(fields: dict[str, Any], path: str) -> None:
    assert refused(changed(**fields)) == ("invalid_field", path)


@pytest.mark.parametrize("name", [name for name in READING if name not in ("kind", "sequence", "received_at", "site")])
def test_a_missing_field_is_named(name: str) -> None:
    without = {field: value for field, value in READING.items() if field != name}
    assert refused(to_bytes(without)) == ("invalid_field", name)


VISIT_FAULTS: list[tuple[dict[str, Any], str]] = [
    ({"symptoms": None}, "symptoms"),
    ({"symptoms": "cough"}, "symptoms"),
    ({"symptoms": {"a": 1}}, "symptoms"),
    ({"symptoms": ["cough", 1]}, "symptoms.1"),
    ({"symptoms": [["cough"]]}, "symptoms.0"),
    ({"symptoms": ["\ud800"]}, "symptoms.0"),
    ({"outcome": "Seen"}, "outcome"),
]


@pytest.mark.parametrize(("fields", "path"), VISIT_FAULTS)
def test_a_wrong_item_is_named_by_its_index(fields: dict[str, Any], path: str) -> None:
    assert refused(changed(VISIT, **fields)) == ("invalid_field", path)


def test_an_unknown_key_that_utf8_cannot_carry() -> None:
    assert refused(to_bytes({**READING, "\ud800": 1})) == ("invalid_field", "")


def test_zero_means_not_measured_and_is_refused_only_in_a_reading() -> None:
    scan = {
        **{name: value for name, value in READING.items() if name not in ("kind", "site")},
        "kind": "checkpoint_scanned",
        "checkpoint_id": "C1",
        "direction": "in",
        "decision": "passed",
    }
    for document in (VISIT, scan):
        for zero in (0, 0.0, None):
            decode(changed(document, temperature_c=zero))
    assert refused(changed(temperature_c=0.0)) == ("invalid_field", "temperature_c")


@pytest.mark.parametrize("number", [36, 36.0, -5, 1000, 10**39])
def test_any_finite_number_is_a_temperature_and_an_integer_is_good(number: float) -> None:
    record = decode(changed(temperature_c=number))
    assert isinstance(record, TemperatureTaken)
    assert record.temperature_c == float(number)


@pytest.mark.parametrize("digits", ["1e400", "-1e400", "9" * 5000])
def test_a_number_that_no_computer_holds_is_refused(digits: str) -> None:
    raw = to_bytes(READING).replace(b"36.6", digits.encode())
    assert refused(raw) == ("invalid_field", "temperature_c")
    raw = to_bytes(READING).replace(b'"sequence": 1', b'"sequence": ' + digits.encode())
    assert refused(raw) == ("invalid_field", "sequence")


def test_a_record_of_64_kib_is_taken_and_one_byte_more_is_too_large() -> None:
    raw = to_bytes({**VISIT, "symptoms": [""]})
    largest = raw.replace(b'[""]', b'["' + b"x" * (LARGEST_RECORD_BYTES - len(raw)) + b'"]')
    assert len(largest) == 65536
    decode(largest)
    assert refused(largest + b" ") == ("too_large", "")
    assert refused(b"x" * 65537) == ("too_large", "")


def test_a_reading_from_the_future() -> None:
    received_at = datetime(2020, 2, 1, tzinfo=UTC)

    def record(ahead: timedelta) -> TemperatureTaken:
        return TemperatureTaken(
            event_id="e",
            source_id="s",
            occurred_at=received_at + ahead,
            received_at=received_at,
            person_id="P1",
            area="a",
            temperature_c=36.6,
            site=Site.EAR,
        )

    refuse_future(record(timedelta(minutes=5)))
    refuse_future(record(timedelta(days=-400)))
    with pytest.raises(Refusal) as caught:
        refuse_future(record(timedelta(minutes=5, microseconds=1)))
    assert (caught.value.reason, caught.value.path) == (DeadLetterReason.OCCURRED_IN_FUTURE, "occurred_at")


def test_nothing_is_in_the_future_of_a_record_without_received_at() -> None:
    record = decode(changed(occurred_at="2199-12-31T23:59:59Z", received_at=None))
    assert isinstance(record, TemperatureTaken)
    refuse_future(record)


def test_the_first_fault_is_the_reason() -> None:
    """Size, JSON, kind, a policy, the fields in their order, unknown fields."""
    fields: Document = {**READING, "extra": 1, "area": "", "event_id": ""}
    assert refused(b"{" * 65537)[0] == "too_large"
    assert refused(to_bytes({**fields, "kind": "weather"})[:-1])[0] == "not_json"
    assert refused(changed(fields, kind="weather"))[0] == "unknown_kind"
    assert refused(changed(fields, kind="policy_changed", policy=None)) == ("invalid_field", "policy")
    assert refused(to_bytes(fields)) == ("invalid_field", "event_id")
    assert refused(changed(fields, event_id="e")) == ("invalid_field", "area")
    assert refused(changed(fields, event_id="e", area="a")) == ("invalid_field", "extra")


def test_under_a_fixed_policy_those_of_the_log_are_not_even_read() -> None:
    raw = b'{"kind":"policy_changed","policy":"rubbish"}'
    assert decode_under_fixed_policy(raw) is None
    assert refused(raw) == ("invalid_field", "policy")
    assert decode_under_fixed_policy(to_bytes(READING)) == decode(to_bytes(READING))


def _leaves(document: Any) -> Iterator[tuple[Any, Any]]:
    for place, value in list(document.items() if isinstance(document, dict) else enumerate(document)):
        if isinstance(value, dict | list) and value:
            yield from _leaves(value)
        yield document, place


@pytest.mark.parametrize("kind", list(KINDS))
@examples(3)
@given(data=st.data())
def test_no_refusal_repeats_what_came(kind: str, data: st.DataObject) -> None:
    document = data.draw(documents(kind))
    for holder, place in _leaves(document):
        value = holder[place]
        for wrong in (MARKER, [MARKER], {MARKER: MARKER}, {"a": MARKER}):
            holder[place] = wrong
            _assert_silent(to_bytes(document))
            _assert_silent(to_bytes(document)[:-1])
        holder[place] = value
    _assert_silent(to_bytes({**document, MARKER: MARKER}))
    _assert_silent(to_bytes({**document, "occurred_at": f"2020-02-01T00:00:00Z{MARKER}"}))


def _assert_silent(raw: bytes) -> None:
    try:
        decode(raw)
    except Refusal as refusal:
        told = "".join([str(refusal), repr(refusal), refusal.path, *traceback.format_exception(refusal)])
        assert "Marker" not in told
        assert "\u5f20\u4e09" not in told
        assert "13800000000" not in told


def test_a_refusal_passes_through_context_managers_and_processes() -> None:
    """It is carried on like any exception: `contextlib` sets its traceback, a pool of processes pickles it."""

    @contextlib.contextmanager
    def passage() -> Iterator[None]:
        yield

    with pytest.raises(Refusal) as caught, passage():
        decode(b"[]")
    assert pickle.loads(pickle.dumps(caught.value)) == caught.value
    assert len({caught.value, refusal_of(b"[]")}) == 1
