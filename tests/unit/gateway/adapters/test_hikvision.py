"""Hikvision terminals: JSON, XML and multipart, backlog, units, codes, counters."""

import json
from typing import Any

import pytest

from streams.gateway.adapters.adapting import adapt
from streams.gateway.adapters.identity import Identity
from streams.gateway.adapters.mapping import Mapping
from streams.gateway.adapters.outcomes import Adapted, Taken
from tests.unit.gateway.adapters.devices import SAMPLE_BOUNDARY, passed_over, refused, sample, source, taken


def changed(**fields: Any) -> list[Adapted]:
    """Adapt the sample with fields of its AccessControllerEvent changed; None takes one out."""
    document = json.loads(sample("hikvision_face.json"))
    event = document["AccessControllerEvent"] | fields
    document["AccessControllerEvent"] = {name: value for name, value in event.items() if value is not None}
    return adapt(json.dumps(document).encode(), "application/json", source("hikvision"))


def test_a_face_at_the_gate() -> None:
    """The person by employee number, the reading, the health code, the counter and the number before."""
    adapted = taken(adapt(sample("hikvision_face.json"), "application/json", source("hikvision")))
    assert adapted.document == {
        "kind": "checkpoint_scanned",
        "source_id": "gate-1",
        "sequence": 412,
        "occurred_at": "2020-02-08T01:10:11Z",
        "area": "t/s/g01",
        "checkpoint_id": "east",
        "direction": "in",
        "decision": "passed",
        "temperature_c": 36.6,
        "site": "forehead",
        "health_code": "green",
    }
    assert adapted.identity == Identity("employee_no", "E-0001")
    assert (adapted.is_backlog, adapted.degraded, adapted.place.previous_sequence) == (False, (), 409)


def test_xml_in_fahrenheit_from_the_backlog() -> None:
    """The same fields in XML; `currentEvent` false is backlog."""
    adapted = taken(adapt(sample("hikvision_backlog_fahrenheit.xml"), "application/xml", source("hikvision")))
    assert adapted.is_backlog
    assert adapted.document["temperature_c"] == 38.5
    assert (adapted.document["decision"], adapted.document["health_code"]) == ("held", "red")


@pytest.mark.parametrize("kind", ["form-data", "mixed"])
def test_beside_a_picture(kind: str) -> None:
    """The picture is left out, whatever bytes are in it."""
    content_type = SAMPLE_BOUNDARY.replace("form-data", kind)
    adapted = taken(adapt(sample("hikvision_with_picture.multipart"), content_type, source("hikvision")))
    assert adapted.document["sequence"] == 415


def test_wrapped() -> None:
    """JSON with a name around the event, as XML has it."""
    body = b'{"EventNotificationAlert": ' + sample("hikvision_face.json") + b"}"
    assert taken(adapt(body, "", source("hikvision"))).document["sequence"] == 412
    broken = body.replace(b"36.600000", b'"?"')
    path = "EventNotificationAlert.AccessControllerEvent.currTemperature"
    assert refused(adapt(broken, "", source("hikvision"))).path == path


def test_what_is_no_event() -> None:
    """Heartbeats, and doors with their number, are passed over."""
    assert passed_over(adapt(sample("hikvision_heartbeat.json"), "", source("hikvision"))).why == "other event"
    door = passed_over(adapt(sample("hikvision_door.json"), "", source("hikvision")))
    assert (door.why, door.place.sequence, door.place.previous_sequence) == ("nobody", 413, 412)
    assert passed_over(changed(majorEventType=3, currTemperature=None)).why == "no access event"


@pytest.mark.parametrize("code", [9, 4711, "new", None])
def test_unknown_codes(code: Any) -> None:
    """Somebody known was there and nothing says that the gate opened: held, and the reading stays."""
    adapted = taken(changed(subEventType=code))
    assert (adapted.document["decision"], adapted.document["temperature_c"]) == ("held", 36.6)
    assert adapted.degraded == (() if code is None else ("decision",))


def test_no_code_costs_a_reading() -> None:
    """Whatever the codes are, a reading of somebody known is taken."""
    for fields in (
        {"majorEventType": 1},
        {"majorEventType": "x"},
        {"HealthInfo": {"healthCode": 99}},
        {"HealthInfo": 1},
    ):
        assert taken(changed(**fields)).document["temperature_c"] == 36.6
    assert taken(changed(HealthInfo={"healthCode": 99})).degraded == ("health_code",)


@pytest.mark.parametrize("value", [0, 0.0, "0", None])
def test_not_measured(value: Any) -> None:
    """0 and a field that is missing say that nothing was measured; an alarm beside it marks the record."""
    assert "temperature_c" not in taken(changed(currTemperature=value)).document
    assert taken(changed(currTemperature=value, isAbnomalTemperature=True)).degraded == ("temperature_c",)
    assert passed_over(changed(currTemperature=value, employeeNoString="")).why == "nobody"


def test_an_unknown_unit() -> None:
    """A reading that cannot be told is refused, not guessed at."""
    refusal = refused(changed(thermometryUnit="reaumur"))
    assert refusal.path == "AccessControllerEvent.thermometryUnit"
    assert refusal.place.sequence == 412


def test_a_stranger() -> None:
    """A reading of nobody is refused, so that somebody sees it."""
    refusal = refused(changed(employeeNoString=None))
    assert refusal.path == "AccessControllerEvent.employeeNoString"
    assert refusal.message.startswith("expected a person")


def test_a_mapping_of_the_site_in_the_place_of_the_built_in_one() -> None:
    """Where terminals were filled with pseudonyms there is no identity."""
    own = Mapping.model_validate(
        {
            "name": "ours",
            "format": "json_or_xml",
            "kind": "checkpoint_scanned",
            "person": {"person_id": "AccessControllerEvent.employeeNoString"},
            "occurred_at": {"path": "dateTime", "written": "iso"},
            "decision": {"value": "passed"},
        }
    )
    adapted = adapt(sample("hikvision_face.json"), "", source("hikvision", own))
    (only,) = adapted
    assert isinstance(only, Taken)
    assert (only.document["person_id"], only.identity) == ("E-0001", None)
