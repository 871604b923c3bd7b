"""Events into records by a mapping: what degrades, what is refused, what is passed over."""

import json
from typing import Any

import pytest

from events.vocabulary import DeadLetterReason
from streams.gateway.adapters.adapting import adapt
from streams.gateway.adapters.bodies import LARGEST_BODY_BYTES, MOST_EVENTS, MOST_VALUES
from streams.gateway.adapters.outcomes import PassedOver, Refused, Taken
from tests.unit.gateway.adapters.devices import (
    adapt_small,
    example,
    mapping,
    passed_over,
    refused,
    sample,
    source,
    taken,
)

AT = "2020-02-08T09:10:11+08:00"
TABLE = {"path": "code", "values": {"1": "passed", "2": "turned_back"}}


def body(**fields: Any) -> bytes:
    return json.dumps({"who": "p-000001", "at": AT, "t": 36.5} | fields).encode()


def test_a_scan() -> None:
    """It has what the device said, what is known of the source, and an event id that follows from both."""
    record = taken(adapt_small(body(), site={"value": "forehead"})).record()
    assert record.pop("event_id").startswith("d-")
    assert record == {
        "kind": "checkpoint_scanned",
        "source_id": "gate-1",
        "occurred_at": "2020-02-08T01:10:11Z",
        "person_id": "p-000001",
        "area": "t/s/g01",
        "checkpoint_id": "east",
        "direction": "in",
        "decision": "passed",
        "temperature_c": 36.5,
        "site": "forehead",
    }


def test_the_event_id() -> None:
    """The same event has the same one; another time, person, reading, counter or source has another."""
    counted = {"sequence": {"path": "n"}}
    first = taken(adapt_small(body(n=1), **counted)).record()["event_id"]
    assert taken(adapt_small(body(n=1, name="x"), **counted)).record()["event_id"] == first
    others = [body(n=1, who="p-2"), body(n=1, t=36.6), body(n=2), body(n=1, at="2020-02-08T09:10:12+08:00")]
    ids = {taken(adapt_small(other, **counted)).record()["event_id"] for other in others}
    elsewhere = taken(adapt(body(n=1), "", source(own=mapping(**counted), source_id="gate-2"))).record()["event_id"]
    assert len({first, elsewhere, *ids}) == 6


@pytest.mark.parametrize(
    ("value", "unit", "celsius"),
    [
        (36.5, "celsius", 36.5),
        ("36.5", "celsius", 36.5),
        (" 36,5 ", "celsius", 36.5),
        (37, "celsius", 37),
        (98.6, "fahrenheit", 37.0),
        ("101.3", "fahrenheit", 38.5),
        (310.15, "kelvin", 37.0),
        (0, "celsius", None),
        ("0.0", "fahrenheit", None),
        (-0.0, "celsius", None),
        (32, "fahrenheit", None),
        ("", "celsius", None),
        (None, "celsius", None),
        ("--", "celsius", None),
        (255, "celsius", None),
    ],
)
def test_readings(value: Any, unit: str, celsius: float | None) -> None:
    """Numbers and texts, in three units; 0 and what the mapping names is not measured."""
    adapted = adapt_small(body(t=value), temperature_c={"path": "t", "unit": unit, "not_measured": ["--", 255]})
    assert taken(adapted).document.get("temperature_c") == celsius


@pytest.mark.parametrize("value", ["warm", "36.5 C", True, [36.5], {"value": 36.5}, "1e3", "٣٦", "--"])
def test_a_reading_that_is_no_number(value: Any) -> None:
    """It is refused by its path, and not taken for `not measured`."""
    refusal = refused(adapt_small(body(t=value)))
    assert (refusal.reason, refusal.path) == (DeadLetterReason.INVALID_FIELD, "t")


def test_a_unit_of_the_device() -> None:
    """It is looked up, the usual one holds where it is missing, and a reading in an unknown one is refused."""
    table = {"path": "t", "unit_path": "u", "units": {"C": "celsius", "F": "fahrenheit"}}
    assert taken(adapt_small(body(t=98.6, u="f"), temperature_c=table)).document["temperature_c"] == 37.0
    assert taken(adapt_small(body(t=37), temperature_c=table)).document["temperature_c"] == 37
    assert refused(adapt_small(body(t=29.6, u="R"), temperature_c=table)).path == "u"
    assert "temperature_c" not in taken(adapt_small(body(t=0, u="R"), temperature_c=table)).document


def test_several_places_for_a_reading() -> None:
    """The first that was measured counts: 0 in one of them does not hide the other."""
    table = {"path": ["t", "u"], "not_measured": ["--"]}
    for empty in (0, "0.0", "--", "", None):
        assert taken(adapt_small(body(t=empty, u=38.5), temperature_c=table)).document["temperature_c"] == 38.5
        assert "temperature_c" not in taken(adapt_small(body(t=empty, u=0), temperature_c=table)).document


def test_an_alarm_without_a_reading() -> None:
    """The scan is taken, and marked."""
    table = {"path": "t", "alarm": {"field": "hot", "is": [True]}}
    assert taken(adapt_small(body(t=0, hot="TRUE"), temperature_c=table)).degraded == ("temperature_c",)
    assert taken(adapt_small(body(t=0, hot=False), temperature_c=table)).degraded == ()
    assert taken(adapt_small(body(t=38.5, hot=True), temperature_c=table)).degraded == ()


@pytest.mark.parametrize(("code", "word"), [(1, "passed"), ("1", "passed"), (1.0, "passed"), (" 2 ", "turned_back")])
def test_codes(code: Any, word: str) -> None:
    """Codes are compared as text."""
    adapted = taken(adapt_small(body(code=code), decision=TABLE))
    assert (adapted.document["decision"], adapted.degraded) == (word, ())


@pytest.mark.parametrize("code", [3, "x", True, [1], {"1": 1}, -1, "\ud800"])
def test_an_unknown_decision(code: Any) -> None:
    """With `otherwise` it is that; without, the reading is saved; without a reading there is nothing to save."""
    held = taken(adapt_small(body(code=code), decision=TABLE | {"otherwise": "held"}))
    assert (held.document["kind"], held.document["decision"], held.degraded) == (
        "checkpoint_scanned",
        "held",
        ("decision",),
    )

    reading = taken(adapt_small(body(code=code), decision=TABLE))
    assert (reading.document["kind"], reading.document["temperature_c"]) == ("temperature_taken", 36.5)
    assert reading.degraded == ("decision",)
    assert not reading.document.keys() & {"decision", "direction", "checkpoint_id"}

    refusal = refused(adapt_small(body(code=code, t=0), decision=TABLE))
    assert (refusal.reason, refusal.path) == (DeadLetterReason.INVALID_FIELD, "code")


def test_the_direction() -> None:
    """The device's own counts, then that of the source's settings; without either the reading is saved."""
    table = {"path": "d", "values": {"0": "in", "1": "out"}}
    assert taken(adapt_small(body(d=1), direction=table)).document["direction"] == "out"
    assert taken(adapt_small(body(d=7), direction=table)).document["direction"] == "in"
    assert taken(adapt_small(body())).document["direction"] == "in"
    unsaid = source(own=mapping(), direction=None)
    assert taken(adapt(body(), "", unsaid)).document["kind"] == "temperature_taken"
    assert refused(adapt(body(t=0), "", unsaid)).path == "direction"


def test_other_unknown_codes() -> None:
    """A health code or site that is unknown is left out and marked; one that says nothing is left out."""
    codes = {"path": "h", "values": {"2": "green"}, "nothing": [0]}
    assert taken(adapt_small(body(h=2), health_code=codes)).document["health_code"] == "green"
    for value, degraded in ((9, ("health_code",)), (0, ()), (None, ())):
        adapted = taken(adapt_small(body(h=value), health_code=codes))
        assert ("health_code" in adapted.document, adapted.degraded) == (False, degraded)


@pytest.mark.parametrize(
    ("value", "sequence", "degraded"),
    [(7, 7, ()), ("7", 7, ()), (7.0, 7, ()), (None, None, ())]
    + [(value, None, ("sequence",)) for value in (0, -1, 2**63, 10**30, 1.5, "x", True, [7])],
)
def test_the_counter(value: Any, sequence: int | None, degraded: tuple[str, ...]) -> None:
    """A counter that is none is left out: the reading matters more."""
    adapted = taken(adapt_small(body(n=value), sequence={"path": "n"}))
    assert (adapted.document.get("sequence"), adapted.place.sequence, adapted.degraded) == (
        sequence,
        sequence,
        degraded,
    )


def test_a_counter_that_began_anew() -> None:
    """The same number at another time is another event: both are taken, under ids of their own."""
    counted = {"sequence": {"path": "n"}}
    before, after = (taken(adapt_small(body(n=1, at=at), **counted)) for at in (AT, "2020-03-01T00:00:00Z"))
    assert before.place == after.place
    assert before.record()["event_id"] != after.record()["event_id"]


def test_the_counter_of_what_is_no_record() -> None:
    """What was passed over or refused has its number too, so that it is no hole."""
    tables = {
        "sequence": {"path": "n", "previous": "before"},
        "pass_over": [{"why": "door", "field": "door", "is_missing": False}],
    }
    door = passed_over(adapt_small(b'{"door": 1, "n": 7, "before": 5}', **tables))
    assert (door.place.sequence, door.place.previous_sequence) == (7, 5)
    assert refused(adapt_small(body(n=8, at="?"), **tables)).place.sequence == 8


def test_nobody() -> None:
    """Without a person nothing can be recorded: passed over without a reading, refused with one."""
    tables = {"person": {"person_id": ["who", "other"], "nobody": ["0", "unknown"]}}
    for who in ("", " ", "0", 0, None, "Unknown"):
        assert passed_over(adapt_small(body(who=who, t=0), **tables)).why == "nobody"
        assert refused(adapt_small(body(who=who), **tables)).path == "who"
        assert taken(adapt_small(body(who=who, other="p-7"), **tables)).document["person_id"] == "p-7"


def test_numberings() -> None:
    """The first that names somebody counts; one that each device has for itself is told apart by device."""
    person = {"identity": [{"type": "office", "number": "o"}, {"type": "own", "number": "n", "per_device": True}]}
    both = taken(adapt_small(body(o="A1", n=17), person=person)).identity
    own = taken(adapt_small(body(o="", n=17), person=person)).identity
    assert both is not None
    assert own is not None
    assert (both.type, both.number, own.type, own.number) == ("office", "A1", "own:gate-1", "17")


@pytest.mark.parametrize("who", ["p 1", "p/1", "x" * 65, "\ud800", "人", True, ["p-1"], {"id": "p-1"}])
def test_what_is_no_pseudonym(who: Any) -> None:
    """It is refused under the device's own path."""
    assert refused(adapt_small(body(who=who))).path == "who"


def test_what_is_passed_over() -> None:
    """The first condition that holds says why; an event with a reading goes on, unless the mapping says otherwise."""
    tables: dict[str, Any] = {
        "pass_over": [
            {"why": "heartbeat", "field": "op", "is": ["beat", "online"]},
            {"why": "other", "field": "op", "is_not": ["push"]},
            {"why": "stranger", "field": "stranger", "is": [True], "with_readings": True},
        ]
    }
    assert passed_over(adapt_small(b'{"op": "BEAT"}', **tables)).why == "heartbeat"
    assert passed_over(adapt_small(b'{"op": "door"}', **tables)).why == "other"
    assert passed_over(adapt_small(body(op="push", stranger=True), **tables)).why == "stranger"
    assert passed_over(adapt_small(body(op="door", stranger=True), **tables)).why == "stranger"
    assert taken(adapt_small(body(op="door"), **tables)).document["temperature_c"] == 36.5
    assert taken(adapt_small(body(), **tables)).document["temperature_c"] == 36.5


def test_backlog() -> None:
    """It is told apart, not treated otherwise."""
    tables = {"backlog": {"field": "old", "is": [1]}}
    assert taken(adapt_small(body(old="1"), **tables)).is_backlog
    assert not taken(adapt_small(body(old=0), **tables)).is_backlog
    assert not taken(adapt_small(body(), **tables)).is_backlog


def test_a_time_that_is_there_twice() -> None:
    """It is taken and marked."""
    adapted = taken(adapt(body(at="2020-10-25T02:30:00"), "", source(own=mapping(), time_zone="Europe/Berlin")))
    assert (adapted.document["occurred_at"], adapted.degraded) == ("2020-10-25T00:30:00Z", ("occurred_at",))


def test_the_zone_of_the_mapping() -> None:
    """It comes before that of the source."""
    table = {"path": "at", "written": "iso", "time_zone": "+00:00"}
    assert (
        taken(adapt_small(body(at="2020-02-08T09:10:11"), occurred_at=table)).document["occurred_at"]
        == "2020-02-08T09:10:11Z"
    )


@pytest.mark.parametrize(
    "at", [None, "", "?", "0000-01-01T00:00:00Z", "9999-12-31T23:59:59-12:00", "2200-01-01T00:00:00Z"]
)
def test_without_a_time(at: Any) -> None:
    """No time is made up: the event is refused."""
    assert refused(adapt_small(body(at=at))).path == "at"


def test_a_list_of_events() -> None:
    """Each has its own outcome, in order, with its place in the document."""
    adapted = adapt(sample("health_code_box.json"), "", source(own=example("health_code_box")))
    assert [each.place.sequence for each in adapted] == [7, 8, 9]
    broken = sample("health_code_box.json").replace(b'"--"', b'"?"')
    first, second, third = adapt(broken, "", source(own=example("health_code_box")))
    assert isinstance(first, Taken)
    assert isinstance(second, Refused)
    assert second.path == "list.1.bodyTemp"
    assert isinstance(third, Taken)


@pytest.mark.parametrize(
    ("document", "path"),
    [(b'{"list": 1}', "list"), (b"{}", "list"), (b'{"list": [1]}', "list.0"), (b"[[]]", "0"), (b'["x"]', "0")],
)
def test_where_no_event_is(document: bytes, path: str) -> None:
    """What stands there instead is refused by its place."""
    assert refused(adapt_small(document, events="list")).path == path


def test_a_heartbeat_instead_of_a_list() -> None:
    """A document without the list is looked at as a whole before it is refused."""
    tables = {"events": "list", "pass_over": [{"why": "heartbeat", "field": "op", "is": "beat"}]}
    assert passed_over(adapt_small(b'{"op": "beat"}', **tables)).why == "heartbeat"


@pytest.mark.parametrize(
    "document",
    [
        b"",
        b"nonsense",
        b"1",
        b'"x"',
        b"null",
        b'{"t": NaN}',
        b'{"t": -Infinity}',
        b'{"t": 1e999}',
        b'{"t": ' + b"9" * 400 + b"}",
        b'{"t": ' + b"9" * 5000 + b"}",
        b'{"t": 1, "t": 2}',
        b'{"a": {"t": 1, "t": 2}}',
        b"[" * 100_000,
        b'{"a":' * 65 + b"1" + b"}" * 65,
        b"\xff\xfe{}",
        b'{"a": "\x00"}',
    ],
)
def test_what_is_no_json(document: bytes) -> None:
    """One refusal, without a path, and nothing is raised."""
    refusal = refused(adapt_small(document))
    assert (refusal.reason, refusal.path) == (DeadLetterReason.NOT_JSON, "")


def test_as_deep_as_may_be() -> None:
    """64 levels are read, brackets within texts do not count."""
    assert passed_over(adapt_small(b'{"a":' * 64 + b"1" + b"}" * 64)).why == "nobody"
    assert taken(adapt_small(body(name="[" * 1000)))


def test_charsets() -> None:
    """Names in GBK do not cost a reading, whether or not the device says what it writes."""
    written = '{"who": "p-000001", "at": "%s", "t": 36.5, "name": "某人"}' % AT  # noqa: UP031
    for raw, content_type in (
        (written.encode("gbk"), "application/json"),
        (written.encode("gbk"), "application/json; charset=GB2312"),
        (written.encode("utf-8-sig"), "application/json; charset=utf-8"),
        (written.encode(), "application/json; charset=nonsense"),
    ):
        assert taken(adapt_small(raw, content_type)).document["temperature_c"] == 36.5
    assert (
        refused(adapt_small(written.encode("gbk"), "application/json; charset=utf-8")).reason
        is DeadLetterReason.NOT_JSON
    )


def test_too_much() -> None:
    """A body that is too large and a list that is too long are refused whole: nothing of them is taken."""
    assert refused(adapt_small(b" " * (LARGEST_BODY_BYTES + 1))).reason is DeadLetterReason.TOO_LARGE
    assert len(adapt_small(b"[" + b",".join([body()] * MOST_EVENTS) + b"]")) == MOST_EVENTS
    assert (
        refused(adapt_small(b"[" + b",".join([body()] * (MOST_EVENTS + 1)) + b"]")).reason is DeadLetterReason.TOO_LARGE
    )
    assert refused(adapt_small(b'{"a": [' + b"[]," * MOST_VALUES + b"[]]}")).reason is DeadLetterReason.TOO_LARGE
    row = b"who=p-1\tat=2020-02-08T09:10:11Z\n"
    assert refused(adapt_small(row * (MOST_EVENTS + 1), format="key_values")).reason is DeadLetterReason.TOO_LARGE
    parts = b"".join(b"--b\n\n[" + b",".join([body()] * 600) + b"]\n" for _ in range(2)) + b"--b--"
    assert refused(adapt_small(parts, "multipart/mixed; boundary=b")).reason is DeadLetterReason.TOO_LARGE


def test_lines() -> None:
    """A line that cannot be read is refused by itself; the others are taken."""
    good = b"who=p-1\tat=2020-02-08T09:10:11Z\tt=36.5"
    lines = [good, b"nonsense", b"who=p-1\twho=p-2", b"", good, b"a=b\t" * 300, b"x" * 70_000]
    adapted = adapt_small(b"\r\n".join(lines), "text/plain", format="key_values")
    assert [type(each) for each in adapted] == [Taken, Refused, Refused, Taken, Refused, Refused]


def test_columns() -> None:
    """Columns have names by their order; those that are missing at the end are missing, more are left out."""
    columns = ["who", "at", "t"]
    lines = b"p-1\t2020-02-08T09:10:11Z\t36.5\tmore\np-2\t2020-02-08T09:10:11Z\n"
    first, second = adapt_small(lines, "", format="columns", columns=columns)
    assert isinstance(first, Taken)
    assert isinstance(second, Taken)
    assert first.document["temperature_c"] == 36.5
    assert "temperature_c" not in second.document


def test_readings_by_themselves() -> None:
    """A mapping for readings makes `temperature_taken`, and passes over what measured nothing."""
    tables: dict[str, Any] = {"kind": "temperature_taken", "decision": None}
    assert taken(adapt_small(body(), **tables)).document["kind"] == "temperature_taken"
    assert passed_over(adapt_small(body(t=0), **tables)).why == "nothing measured"


def test_xml_by_a_mapping() -> None:
    """XML is read like JSON, numbers being texts."""
    document = b"<e><who>p-1</who><at>2020-02-08T09:10:11Z</at><t>36.5</t></e>"
    assert taken(adapt_small(document, format="xml", events="e")).document["temperature_c"] == 36.5
    assert isinstance(adapt_small(b"<e/>", format="xml", events="e")[0], Refused | PassedOver)


def test_names_and_pictures_go_no_further() -> None:
    """Of a device's document only what the mapping names is in the record."""
    adapted = taken(adapt(sample("face_gate_record.json"), "", source(own=example("face_gate"))))
    shown = json.dumps(adapted.record("p-000017")) + repr(adapted)
    assert not any(secret in shown for secret in ("Invented", "000000000000000000", "base64", '"17"'))
