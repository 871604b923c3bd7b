"""The samples of devices, each through the adapter it is for: what the documents promise of them."""

import json

import pytest

from events.instants import parse_instant
from events.records import CheckpointScanned
from streams.gateway.adapters.adapting import adapt
from streams.gateway.adapters.outcomes import Refused, Taken
from streams.gateway.door import Door, Result
from streams.gateway.recent import RecentRecords
from streams.gateway.sources import Rights, Source
from tests.unit.gateway.adapters.devices import SAMPLE_BOUNDARY, SAMPLES, example, sample, source

HIKVISION = "hikvision"
NATIVE_SCAN = "native_scan.json"
# The mapping of each sample, and what becomes of its events: a kind, why it is passed over, or `refused`.
EXPECTED = {
    "face_gate_heartbeat.json": ("face_gate", ["heartbeat"]),
    "face_gate_history.json": ("face_gate", ["checkpoint_scanned"]),
    "face_gate_record.json": ("face_gate", ["checkpoint_scanned"]),
    "face_gate_stranger.json": ("face_gate", ["refused"]),
    "health_code_box.json": ("health_code_box", ["checkpoint_scanned"] * 3),
    "hikvision_backlog_fahrenheit.xml": (HIKVISION, ["checkpoint_scanned"]),
    "hikvision_door.json": (HIKVISION, ["nobody"]),
    "hikvision_face.json": (HIKVISION, ["checkpoint_scanned"]),
    "hikvision_heartbeat.json": (HIKVISION, ["other event"]),
    "hikvision_search.json": ("hikvision_search", ["checkpoint_scanned", "nobody"]),
    "hikvision_with_picture.multipart": (HIKVISION, ["checkpoint_scanned"]),
    "zkteco_attlog.txt": ("zkteco_attendance", ["temperature_taken", "nothing measured", "nothing measured"]),
    "zkteco_rtlog.txt": (
        "zkteco_access",
        ["checkpoint_scanned", "door state", "checkpoint_scanned", "checkpoint_scanned"],
    ),
}


def adapted(name: str) -> list[Taken | Refused]:
    by, _ = EXPECTED[name]
    where = source(by) if by == HIKVISION else source("mapping", example(by))
    content_type = SAMPLE_BOUNDARY if name.endswith(".multipart") else ""
    return adapt(sample(name), content_type, where)  # type: ignore[return-value]


def test_every_sample_is_expected() -> None:
    """No sample lies there unused, and the page beside them names each."""
    names = {path.name for path in SAMPLES.iterdir() if path.name != "README.md"}
    assert names == EXPECTED.keys() | {NATIVE_SCAN}
    assert all(f"`{name}`" in (SAMPLES / "README.md").read_text(encoding="utf-8") for name in names)


@pytest.mark.parametrize("name", EXPECTED)
def test_a_sample(name: str) -> None:
    """It becomes what is expected of it."""
    outcomes = [
        each.document["kind"] if isinstance(each, Taken) else "refused" if isinstance(each, Refused) else each.why
        for each in adapted(name)
    ]
    assert outcomes == EXPECTED[name][1]


def test_the_contract_s_own() -> None:
    """It goes through the door as it is; the source may be left out."""
    line = sample(NATIVE_SCAN)
    scan = json.loads(line)
    rights = Rights(frozenset({CheckpointScanned.kind}), (scan["area"],), frozenset({scan["checkpoint_id"]}))
    received_at_ms = int(parse_instant(scan["occurred_at"]).timestamp() * 1000)

    (judged,) = Door(RecentRecords(10)).judge(Source("gate-1", rights), [line], received_at_ms)

    assert judged.result is Result.ACCEPTED, (judged.path, judged.message)
    assert judged.output is not None
    assert judged.output.key == b"gate-1"


def test_zkteco() -> None:
    """Local time by the zone of the source, 0 not measured, an unknown event held, an unknown direction the source's."""
    first, _, third, fourth = (each for each in adapted("zkteco_rtlog.txt"))
    assert isinstance(first, Taken)
    assert isinstance(third, Taken)
    assert isinstance(fourth, Taken)
    assert (first.document["occurred_at"], first.document["temperature_c"]) == ("2020-02-08T01:10:10Z", 36.4)
    assert "temperature_c" not in third.document
    assert (third.document["direction"], third.document["decision"]) == ("out", "turned_back")
    assert (fourth.document["direction"], fourth.document["decision"]) == ("in", "held")
    assert fourth.degraded == ("decision", "direction")


def test_a_search_of_a_hikvision_terminal() -> None:
    """What was searched for is backlog, and has the numbers by which holes are filled."""
    first, second = adapted("hikvision_search.json")
    assert isinstance(first, Taken)
    assert (first.is_backlog, first.document["sequence"], first.document["decision"]) == (True, 405, "passed")
    assert second.place.sequence == 406


def test_a_face_gate() -> None:
    """Readings as text; a person of the office's numbering or of the gate's own; history is backlog."""
    (record,) = adapted("face_gate_record.json")
    (history,) = adapted("face_gate_history.json")
    assert isinstance(record, Taken)
    assert isinstance(history, Taken)
    assert record.identity is not None
    assert history.identity is not None
    assert (record.identity.type, history.identity.type) == ("face_gate_person:gate-1", "face_gate_custom_id")
    assert (record.document["temperature_c"], record.is_backlog, history.is_backlog) == (36.7, False, True)


def test_a_box_with_mixed_times_and_fahrenheit() -> None:
    """Seconds, milliseconds and fractions in one field, a unit for all, a decimal comma, an unknown code."""
    times = [each.document["occurred_at"] for each in adapted("health_code_box.json") if isinstance(each, Taken)]
    assert times == ["2020-02-08T01:10:10Z", "2020-02-08T01:11:10Z", "2020-02-08T01:11:20.500000Z"]
    readings = [
        each.document.get("temperature_c") for each in adapted("health_code_box.json") if isinstance(each, Taken)
    ]
    assert readings == [36.78, None, 38.5]
