"""The quick way of a scan: it takes nothing that the strict way does not, and gives the same to the byte."""

import json
import re
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from random import Random
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from events.codec import Refusal, decode, decode_from_topic, decode_strictly, encode, refuse_future
from events.reading_wire import read_reading, read_tick
from events.records import CheckpointScanned
from events.scan_wire import (
    NO_SCAN,
    Screening,
    in_utc,
    is_future,
    read_passing_scans,
    read_scan,
    read_screening,
    read_timed_scans,
    scan_record,
    write_scan,
    write_scan_and_content,
)
from events.wire_patterns import AREA, INSTANT, SEQUENCE, TEMPERATURE, field
from tests.unit.events.documents import ANY_DOCUMENT, INSTANTS, Document, documents, examples, spoiled, to_bytes

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
SCAN: Document = {
    "kind": "checkpoint_scanned",
    "event_id": "gate-0001:196",
    "source_id": "gate-0001",
    "sequence": 196,
    "occurred_at": "2020-02-01T07:30:23+08:00",
    "received_at": "2020-02-01T07:30:24+08:00",
    "person_id": "p0000245",
    "area": "jintang/huaikou/c001/g01",
    "checkpoint_id": "gate-0001",
    "direction": "out",
    "decision": "passed",
    "temperature_c": 36.6,
    "site": "forehead",
    "health_code": "green",
}
OPTIONAL = ("sequence", "received_at", "temperature_c", "site", "health_code")
ORDER = list(SCAN)


def compact(document: Document) -> bytes:
    """Write a document as a device does that saves bytes."""
    return json.dumps(document, ensure_ascii=False, separators=(",", ":")).encode("utf-8", "surrogatepass")


def strict(raw: bytes) -> object:
    """Return the record, or the refusal, that the definition gives."""
    try:
        return decode_strictly(raw)
    except Refusal as refusal:
        return refusal.reason, refusal.path, refusal.message


def quick(raw: bytes) -> object:
    """Return the record, or the refusal, that the codec gives."""
    try:
        return decode(raw)
    except Refusal as refusal:
        return refusal.reason, refusal.path, refusal.message


def is_taken_as_defined(raw: bytes) -> bool:
    """Hold a line against its definition; tell whether it went the quick way."""
    expected = strict(raw)
    assert repr(quick(raw)) == repr(expected)
    scan = read_scan(raw)
    (passing,), (timed,) = read_passing_scans([raw]), read_timed_scans([raw])
    if scan is None:
        assert (passing, timed) == (NO_SCAN, ("",) * 5)
        return False
    event_id, person_id, screening = passing
    assert (event_id, person_id) == (scan.event_id, scan.person_id)
    seen = read_screening(screening)
    assert all(getattr(seen, name) == getattr(scan, name) for name in Screening.__struct_fields__)
    assert timed == (event_id, scan.occurred_at, scan.received_at or "", person_id, screening)
    assert isinstance(expected, CheckpointScanned)
    record = scan_record(scan)
    assert repr(record) == repr(expected)
    assert write_scan(scan) == encode(record)
    received_ms = 1_580_515_200_123
    filled = record
    if record.received_at is None:
        filled = replace(record, received_at=EPOCH + timedelta(milliseconds=received_ms))
    assert write_scan(scan, received_ms) == encode(filled)
    assert is_future(scan) is is_refused(record)
    assert is_future(scan, received_ms) is is_refused(filled)
    return True


def is_refused(record: CheckpointScanned) -> bool:
    try:
        refuse_future(record)
    except Refusal:
        return True
    return False


@st.composite
def scans(draw: st.DrawFn) -> Document:
    """Draw a valid scan in the order of the contract."""
    document = draw(documents("checkpoint_scanned"))
    return {name: document[name] for name in ORDER if name in document}


@pytest.mark.parametrize("absent", [(), *[(name,) for name in OPTIONAL], OPTIONAL])
@pytest.mark.parametrize("fill", ["absent", "null"])
def test_what_devices_and_intake_write_goes_the_quick_way(absent: tuple[str, ...], fill: str) -> None:
    document = {name: value for name, value in SCAN.items() if name not in absent}
    if fill == "null":
        document = {name: document.get(name) for name in SCAN}
    raw = compact(document)
    assert is_taken_as_defined(raw)
    assert is_taken_as_defined(encode(decode(raw)))


@examples(200)
@given(document=scans())
def test_any_valid_scan(document: Document) -> None:
    is_taken_as_defined(compact(document))
    is_taken_as_defined(encode(decode(to_bytes(document))))


def _flip(raw: bytes, random: Random) -> bytes:
    changed = bytearray(raw)
    for _ in range(random.randint(1, 2)):
        changed[random.randrange(len(changed))] = random.choice([random.randrange(256), *b'":,{}[]0 \\/\n+-.eE'])
    return bytes(changed)


def _cut(raw: bytes, random: Random) -> bytes:
    begin = random.randrange(len(raw))
    return raw[:begin] + raw[begin + random.randint(0, 4) :]


def _grow(raw: bytes, random: Random) -> bytes:
    at = random.randint(0, len(raw))
    pieces = [
        b" ",
        b"\n",
        b"\x00",
        b"\xef\xbb\xbf",
        b"\xff",
        b"\xed\xa0\x80",
        b"\\ud800",
        b"\\u0041",
        b"\\/",
        b"0",
        b"-",
        b"+",
    ]
    return raw[:at] + random.choice([*pieces, b".0", b"e0", b"E+1", b"null", b"{}", b'"', b",", b"x" * 70]) + raw[at:]


def _reorder(raw: bytes, random: Random) -> bytes:
    pairs = list(json.loads(raw).items())
    random.shuffle(pairs)
    return compact(dict(pairs))


def _repeat_key(raw: bytes, random: Random) -> bytes:
    name, value = random.choice(list(json.loads(raw).items()))
    at = random.choice([1, len(raw) - 1])
    pair = f"{json.dumps(name)}:{json.dumps(value)}".encode()
    return raw[:at] + (pair + b"," if at == 1 else b"," + pair) + raw[at:]


ODD_VALUES: list[Any] = [
    *[
        "null",
        "true",
        "0",
        "-0",
        "-0.0",
        "1.0",
        "1e2",
        "37",
        "36.60",
        "3.66e1",
        "1e16",
        "1E400",
        "1e-400",
        "0.00001",
        "01",
    ],
    *[
        "9223372036854775807",
        "9223372036854775808",
        "18446744073709551616",
        "123456789012345678901234567890",
        "9" * 400,
    ],
    *[
        "9007199254740993",
        "5e-324",
        "1.7976931348623157e308",
        "100000000000000000000.0",
        "NaN",
        "-Infinity",
        "[]",
        "{}",
    ],
    *['""', '"None"', '"UNSET"', '"in"', '"a b"', '"a\\u0062"', '"\\ud800"', '"\u00e9"', '"' + "x" * 65 + '"', '"a/b"'],
    *[
        '"/a"',
        '"a//b"',
        '"a/"',
        '"a/b/c/d/e/f/g/h"',
        '"a/b/c/d/e/f/g/h/i"',
        '"' + "y" * 5000 + '"',
        '"' + "z" * 70_000 + '"',
    ],
    *[
        '"2020-02-30T00:00:00Z"',
        '"2020-02-29T23:59:60Z"',
        '"2020-02-01T24:00:00Z"',
        '"2020-02-01T00:00:00"',
        '"2020-02-01"',
    ],
    *['"2020-02-01t00:00:00z"', '"2020-02-01 00:00:00Z"', '"2020-02-01T00:00:00.Z"', '"2020-02-01T00:00:00,5Z"'],
    *[
        '"2020-02-01T00:00:00.1234567Z"',
        '"2020-02-01T00:00:00.10Z"',
        '"2020-02-01T00:00:00.000Z"',
        '"2020-02-01T00:00:00.1234Z"',
    ],
    *[
        '"2020-02-01T00:00:00+24:00"',
        '"2020-02-01T00:00:00-00:00"',
        '"2020-02-01T00:00:00+0800"',
        '"2020-02-01T00:00+08:00"',
    ],
    *[
        '"1970-01-01T00:00:00Z"',
        '"1970-01-01T00:00:00+00:01"',
        '"1971-01-01T00:00:00+23:59"',
        '"1969-12-31T23:59:59-00:01"',
    ],
    *[
        '"2199-12-31T23:59:59.999999Z"',
        '"2199-12-31T23:59:59-00:01"',
        '"2198-12-31T23:59:59-23:59"',
        '"2200-01-01T00:00:00+00:01"',
    ],
    *[
        '"2020-W05-6T00:00:00Z"',
        '"20200201T000000Z"',
        '"2020-02-01T00:00:00+08:00:30"',
        '"\u0662020-02-01T00:00:00Z"',
        '"2020-13-01T00:00:00Z"',
    ],
]


def _odd_value(raw: bytes, random: Random) -> bytes:
    document = {name: json.dumps(value) for name, value in json.loads(raw).items()}
    document[random.choice([*ORDER, "weather"])] = random.choice(ODD_VALUES)
    return ("{" + ",".join(f'"{name}":{value}' for name, value in document.items()) + "}").encode()


def _spoil(raw: bytes, random: Random) -> bytes:
    return compact(spoiled(json.loads(raw), random))


MUTATIONS = [_flip, _cut, _grow, _reorder, _repeat_key, _odd_value]


@pytest.mark.parametrize("mutation", [*MUTATIONS, _spoil])
@examples(150)
@given(document=scans(), seed=st.integers(0, 2**32))
def test_a_spoiled_scan(mutation: Any, document: Document, seed: int) -> None:
    raw, random = compact(document), Random(seed)
    canonical = encode(decode(raw))
    for line in (raw, canonical):
        for _ in range(4):
            is_taken_as_defined(mutation(line, random))


@examples(100)
@given(document=scans(), seed=st.integers(0, 2**32))
def test_a_scan_spoiled_twice(document: Document, seed: int) -> None:
    random = Random(seed)
    once = random.choice([_reorder, _odd_value])(compact(document), random)
    is_taken_as_defined(random.choice([_flip, _cut, _grow])(once, random))


@pytest.mark.parametrize("name", ORDER)
def test_every_odd_value_in_every_field(name: str) -> None:
    for value in ODD_VALUES:
        texts = {each: value if each == name else json.dumps(SCAN[each]) for each in ORDER}
        is_taken_as_defined(("{" + ",".join(f'"{each}":{text}' for each, text in texts.items()) + "}").encode())


@examples(300)
@given(number=st.floats() | st.floats(30, 45) | st.integers(), digits=st.integers(0, 20))
@example(number=1e16, digits=0)
@example(number=1e-5, digits=0)
def test_any_number_as_temperature(number: float, digits: int) -> None:
    """Read, and written, as the standard library does: the definition knows no other spelling."""
    for text in (repr(number), f"{number:.{digits}f}" if isinstance(number, float) else f"{number}.0"):
        raw = compact({**SCAN, "temperature_c": 0}).replace(b'"temperature_c":0', f'"temperature_c":{text}'.encode())
        is_taken_as_defined(raw)


@examples(150)
@given(document=ANY_DOCUMENT, seed=st.integers(0, 2**32))
def test_records_of_every_kind_are_read_as_defined(document: Document, seed: int) -> None:
    """Written as gridwatch writes or otherwise, whole or spoiled: the same record, or the same refusal."""
    random = Random(seed)
    lines = [compact(document), to_bytes(document), encode(decode(to_bytes(document)))]
    lines += [mutation(lines[0], random) for mutation in MUTATIONS]
    for raw in lines:
        assert repr(quick(raw)) == repr(strict(raw))


@pytest.mark.parametrize("name", ["weather", "area", "kind"])
def test_nested_too_deep(name: str) -> None:
    """Within the size of a scan, too: a line, not the end of the worker."""
    for nested in ("[" * 2000, "[" * 1900 + "]" * 1900, '{"a":' * 600, '{"a":' * 600 + "1" + "}" * 600):
        raw = f'{{"{name}":{nested},"kind":"checkpoint_scanned"}}'.encode()
        assert read_scan(raw) is None
        assert quick(raw) == strict(raw)


@examples(200)
@given(first=INSTANTS, second=INSTANTS)
def test_which_comes_from_the_future(first: str, second: str) -> None:
    is_taken_as_defined(compact({**SCAN, "occurred_at": first, "received_at": second}))


@pytest.mark.parametrize("offset", ["Z", "+08:00", "-03:30"])
@pytest.mark.parametrize("fraction", ["", ".5", ".000001", ".000"])
def test_five_minutes_to_the_microsecond(offset: str, fraction: str) -> None:
    for second in ("05:29.999999Z", "05:30Z", "05:30.000001Z", "05:31Z", "00:30Z"):
        occurred_at, received_at = f"2020-02-01T07:{second}", f"2020-02-01T07:00:30{fraction}{offset}"
        assert is_taken_as_defined(compact({**SCAN, "occurred_at": occurred_at, "received_at": received_at}))
        assert is_taken_as_defined(compact({**SCAN, "occurred_at": received_at, "received_at": occurred_at}))


@examples(150)
@given(document=scans(), seed=st.integers(0, 2**32))
def test_many_lines_are_read_as_each_of_them(document: Document, seed: int) -> None:
    """Whatever stands beside it: a line end within a line, one at its end, no line at all, bytes that are no text."""
    random, raw = Random(seed), compact(document)
    odd = [
        b"",
        b"\n",
        b"\n\n",
        raw + b"\n",
        b"\n" + raw,
        raw + b"\n" + raw,
        b"\xff\xfe",
        "\u2028\u0085".encode(),
        b"\r",
    ]
    lines = [raw, *(random.choice([raw, *odd, *(mutate(raw, random) for mutate in MUTATIONS)]) for _ in range(9))]
    random.shuffle(lines)
    assert read_passing_scans(lines) == [each for raw in lines for each in read_passing_scans([raw])]
    assert read_timed_scans(lines) == [each for raw in lines for each in read_timed_scans([raw])]
    assert [event_id != "" for event_id, _, _ in read_passing_scans(lines)] == [
        read_scan(raw) is not None for raw in lines
    ]


def test_no_lines_at_all() -> None:
    assert read_passing_scans([]) == []


def test_a_scan_without_a_screening_is_still_one() -> None:
    """The text of its screening is not empty, as that of a line that is no scan is."""
    raw = compact({name: value for name, value in SCAN.items() if name not in OPTIONAL})
    ((_, _, screening),) = read_passing_scans([raw])
    assert screening != ""
    assert read_screening(screening) == Screening()


@pytest.mark.parametrize("steps", range(1, 10))
@pytest.mark.parametrize("length", [1, 64, 65])
def test_areas_by_their_steps(steps: int, length: int) -> None:
    raw = compact({**SCAN, "area": "/".join(["a" * length] * steps)})
    assert is_taken_as_defined(raw) is (steps <= 8 and length <= 64)


def test_other_topics_than_its_own() -> None:
    with pytest.raises(Refusal) as caught:
        decode_from_topic(compact(SCAN), "visits")
    assert caught.value.reason.value == "unknown_kind"


def test_what_a_repeat_shares() -> None:
    """The line without event id and `received_at`, whatever these are."""
    raw = compact(SCAN)
    other = compact({**SCAN, "event_id": "e2", "received_at": None, "occurred_at": "2020-01-31T23:30:23Z"})
    lines = []
    for each in (raw, other):
        scan = read_scan(each)
        assert scan is not None
        lines.append(write_scan_and_content(scan, 5))
    assert lines[0][0] != lines[1][0]
    assert lines[0][1] == lines[1][1]
    left_out = ('"event_id":"gate-0001:196",', '"received_at":"2020-01-31T23:30:24Z",')
    expected = lines[0][0].decode()
    for part in left_out:
        assert part in expected
        expected = expected.replace(part, "")
    assert lines[0][1].decode() == expected


@examples(100)
@given(instant=INSTANTS)
def test_an_instant_in_utc(instant: str) -> None:
    scan = read_scan(compact({**SCAN, "occurred_at": instant}))
    if scan is not None:
        assert json.loads(encode(scan_record(scan)))["occurred_at"] == in_utc(instant)


VISIT: Document = {
    "kind": "visit_recorded",
    "event_id": "phone-1:7",
    "source_id": "phone-1",
    "sequence": 7,
    "occurred_at": "2020-02-01T07:30:23+08:00",
    "received_at": "2020-01-31T23:30:24.5Z",
    "person_id": "p0000245",
    "area": "jintang/huaikou/c001/g01",
    "visitor_id": "w1",
    "outcome": "seen",
    "symptoms": ["dry cough", ""],
    "temperature_c": 36.6,
    "site": "axillary",
}
READING: Document = {
    **{name: VISIT[name] for name in list(VISIT)[1:8]},
    "temperature_c": 36.6,
    "site": "axillary",
}
READING = {"kind": "temperature_taken", **READING}
NOT_QUICK = ['["\\u0041"]', '["a","b",]', "[1]", '["é"]', "null"]


@pytest.mark.parametrize("document", [VISIT, READING], ids=["visit", "reading"])
def test_visits_and_readings_go_the_quick_way(document: Document) -> None:
    """As devices write them that save bytes, and as intake writes them: the very record of the strict way."""
    raw = compact(document)
    for line in (raw, encode(decode(raw))):
        found = read_reading(line)
        assert found is not None
        assert found == decode_strictly(line)
        assert (found.occurred_at.tzinfo, found.received_at and found.received_at.tzinfo) == (UTC, UTC)


@pytest.mark.parametrize("document", [VISIT, READING], ids=["visit", "reading"])
@pytest.mark.parametrize("mutation", [*MUTATIONS, _spoil])
@examples(150)
@given(seed=st.integers(0, 2**32))
def test_a_spoiled_visit_or_reading(document: Document, mutation: Any, seed: int) -> None:
    raw, random = compact(document), Random(seed)
    for line in (raw, encode(decode(raw))):
        for _ in range(4):
            _is_read_as_defined(mutation(line, random))


@pytest.mark.parametrize("document", [VISIT, READING], ids=["visit", "reading"])
def test_every_odd_value_of_a_visit_or_reading(document: Document) -> None:
    for name in document:
        for value in [*ODD_VALUES, *NOT_QUICK]:
            texts = {each: value if each == name else json.dumps(document[each]) for each in document}
            _is_read_as_defined(("{" + ",".join(f'"{each}":{text}' for each, text in texts.items()) + "}").encode())


def _is_read_as_defined(raw: bytes) -> None:
    found = read_reading(raw)
    assert found is None or repr(found) == repr(strict(raw))
    assert repr(quick(raw)) == repr(strict(raw))


@examples(200)
@given(instant=INSTANTS, seed=st.integers(0, 2**32))
def test_a_tick(instant: str, seed: int) -> None:
    """Read as it is defined, whole or spoiled; as the clock writes it, the quick way."""
    raw, random = compact({"kind": "tick", "at": instant}), Random(seed)
    for line in (raw, *(mutation(raw, random) for mutation in (_flip, _cut, _grow))):
        assert repr(quick(line)) == repr(strict(line))
        tick = read_tick(line)
        assert tick is None or repr(tick) == repr(strict(line))


def test_the_clock_writes_ticks_that_go_the_quick_way() -> None:
    tick = decode(b'{"kind":"tick","at":"2020-02-03T07:05:00Z"}')

    assert read_tick(encode(tick)) == tick


@pytest.mark.parametrize("pattern", [AREA, INSTANT, SEQUENCE, TEMPERATURE, field("x", "1", is_optional=True)])
def test_no_group_is_possessive(pattern: str) -> None:
    """Before 3.11.5 Python takes half of such a group for a whole one: `a/` would be an area."""
    assert re.search(r"\)(?:[*+?]|\{[0-9,]+\})\+", pattern) is None
