"""Fields"""

import json
from collections.abc import Iterable
from typing import Any

import pytest

from events.codec import Refusal, decode

COMMON = {"event_id": "e1", "source_id": "S1", "occurred_at": "2020-02-03T09:00:00+08:00"}
PERSON = {**COMMON, "person_id": "P1"}
COMPLETE: dict[str, dict[str, Any]] = {
    "observation_opened": {
        **PERSON,
        "observation_id": "O1",
        "area": "a/b",
        "category": "home",
        "last_exposure_on": "2020-02-02",
    },
    "observation_extended": {**PERSON, "observation_id": "O1", "last_exposure_on": "2020-02-02"},
    "observation_closed": {**PERSON, "observation_id": "O1", "outcome": "released"},
    "check_waived": {**PERSON, "check": "visit", "date": "2020-02-03", "window": "am", "reason": "in hospital"},
    "visit_recorded": {**PERSON, "area": "a/b", "visitor_id": "V1", "outcome": "seen", "symptoms": []},
    "temperature_taken": {**PERSON, "area": "a/b", "temperature_c": 36.5},
    "checkpoint_scanned": {
        **PERSON,
        "area": "a/b",
        "checkpoint_id": "G1",
        "direction": "in",
        "decision": "passed",
    },
    "alert_acknowledged": {**COMMON, "alert_id": "0123456789abcdef", "key": "P1", "actor_id": "A1"},
    "alert_resolved": {**COMMON, "alert_id": "0123456789abcdef", "key": "P1", "actor_id": "A1"},
    "tick": {"at": "2020-02-03T09:00:00+08:00"},
}
OPTIONAL: dict[str, tuple[str, ...]] = {
    "observation_opened": ("household_id",),
    "visit_recorded": ("temperature_c", "site"),
    "temperature_taken": ("site",),
    "checkpoint_scanned": ("temperature_c", "site", "health_code"),
    "alert_acknowledged": ("note",),
    "alert_resolved": ("note",),
}


def record(kind: str, **changes: object) -> bytes:
    """Return the bytes of a complete record of a kind, with changes."""
    return json.dumps({"kind": kind, **COMPLETE[kind], **changes}).encode()


def refused(raw: bytes) -> tuple[str, str] | None:
    """Return reason and path for which bytes are refused, None where they are taken."""
    try:
        decode(raw)
    except Refusal as refusal:
        return refusal.reason.value, refusal.path
    return None


def taken(kind: str, name: str, values: Iterable[object]) -> list[object]:
    """Return those of some values of a field that are taken."""
    return [value for value in values if refused(record(kind, **{name: value})) != ("invalid_field", name)]


@pytest.mark.parametrize("kind", COMPLETE)
def test_a_record_with_its_required_fields(kind: str) -> None:
    """A record with the required fields of its kind and no other is read."""
    assert decode(record(kind)).kind == kind


@pytest.mark.parametrize("kind", OPTIONAL)
def test_optional_fields_may_be_null_or_absent(kind: str) -> None:
    """A field with a `?` may be null, which is the same as absent."""
    for name in (*OPTIONAL[kind], "sequence", "received_at"):
        assert decode(record(kind, **{name: None})) == decode(record(kind)), name


@pytest.mark.parametrize("kind", COMPLETE)
def test_missing_fields(kind: str) -> None:
    """A record that lacks a required field is refused, the field named; null is no value either."""
    for name in COMPLETE[kind]:
        lacking = {key: value for key, value in COMPLETE[kind].items() if key != name}
        assert refused(json.dumps({"kind": kind, **lacking}).encode()) == ("invalid_field", name)
        assert refused(record(kind, **{name: None})) == ("invalid_field", name)


@pytest.mark.parametrize("kind", COMPLETE)
def test_unknown_fields(kind: str) -> None:
    """A field that the kind does not know is refused, the field named."""
    assert refused(record(kind, telephone="none")) == ("invalid_field", "telephone")


def test_wrong_types() -> None:
    """A value of another type is refused and never made to fit; only an integer is good where a number is asked."""
    assert taken("temperature_taken", "event_id", [7, True, ["e1"]]) == []
    assert taken("temperature_taken", "temperature_c", ["36.5", True, [36.5], {}]) == []
    assert taken("temperature_taken", "sequence", ["1", 1.0, True]) == []
    assert taken("temperature_taken", "occurred_at", [1580691600, 1580691600.0, True]) == []
    assert taken("visit_recorded", "symptoms", ["cough", {"cough": 1}, 7]) == []
    assert taken("visit_recorded", "outcome", [True, 1, ["seen"]]) == []
    assert taken("observation_opened", "last_exposure_on", [20200202, True]) == []
    assert taken("alert_resolved", "note", [7, True, ["note"]]) == []


def test_a_symptom_that_is_no_string() -> None:
    """The path of a refusal leads into lists."""
    assert refused(record("visit_recorded", symptoms=["cough", 7])) == ("invalid_field", "symptoms.1")


def test_words_of_a_closed_set() -> None:
    """Where only certain words are known, any other is refused, also one in capitals."""
    assert taken("observation_opened", "category", ["elsewhere", "HOME", ""]) == []
    assert taken("observation_closed", "outcome", ["elsewhere", "RELEASED", ""]) == []
    assert taken("visit_recorded", "outcome", ["elsewhere", "SEEN", ""]) == []
    assert taken("visit_recorded", "site", ["elsewhere", "EAR", ""]) == []
    assert taken("checkpoint_scanned", "direction", ["elsewhere", "IN", ""]) == []
    assert taken("checkpoint_scanned", "decision", ["elsewhere", "PASSED", ""]) == []
    assert taken("checkpoint_scanned", "health_code", ["elsewhere", "RED", ""]) == []


@pytest.mark.parametrize("value", ["a", "A-z_0.9:b", "x" * 64])
def test_identifiers(value: str) -> None:
    """Every id has 1 to 64 of letters, digits, `.`, `_`, `:` and `-`."""
    assert refused(record("visit_recorded", event_id=value, source_id=value, person_id=value, visitor_id=value)) is None


@pytest.mark.parametrize("name", ["event_id", "source_id", "person_id", "visitor_id"])
def test_what_is_no_identifier(name: str) -> None:
    """An id that is empty, too long or has another character is refused."""
    assert taken("visit_recorded", name, ["", "x" * 65, "a b", "a/b", "a\n", "é", "王"]) == []


@pytest.mark.parametrize("value", ["a", "jintang/huaikou/c012/g03", "1/2/3/4/5/6/7/8", "A_b-9"])
def test_areas(value: str) -> None:
    """An area is a path of 1 to 8 segments of letters, digits, `_` and `-`."""
    assert refused(record("temperature_taken", area=value)) is None


def test_what_is_no_area() -> None:
    """An empty segment, a ninth one or another character is refused."""
    values = ["", "/", "a/", "/a", "a//b", "a b", "a.b", "1/2/3/4/5/6/7/8/9", "a\n", "金堂"]
    assert taken("temperature_taken", "area", values) == []


def test_sequences() -> None:
    """A `sequence` is an integer from 1."""
    assert refused(record("temperature_taken", sequence=1)) is None
    assert taken("temperature_taken", "sequence", [0, -1]) == []


@pytest.mark.parametrize("value", [0, 0.0, -0.0])
def test_a_reading_that_was_not_measured(value: float) -> None:
    """A temperature of 0 means not measured: in `temperature_taken`, which is nothing else, it is refused."""
    assert refused(record("temperature_taken", temperature_c=value)) == ("invalid_field", "temperature_c")
    assert refused(record("visit_recorded", temperature_c=value)) is None
    assert refused(record("checkpoint_scanned", temperature_c=value)) is None


@pytest.mark.parametrize("value", [-40, 36.55, 451])
def test_a_temperature_is_any_number(value: float) -> None:
    """A temperature that no body has is read all the same: it is not refused but reported as implausible."""
    assert refused(record("temperature_taken", temperature_c=value)) is None
