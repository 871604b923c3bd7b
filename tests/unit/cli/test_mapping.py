"""`gridwatch mapping check`: faults with line and key, samples with what becomes of them, identities hidden."""

import json
from pathlib import Path

import pytest

from tests.unit.cli.programs import call
from tests.unit.gateway.adapters.devices import MAPPINGS, SAMPLES

FACE_GATE = MAPPINGS / "face_gate.toml"


def test_a_sound_mapping() -> None:
    """Status 0 and one line."""
    ended = call("mapping", "check", FACE_GATE)
    assert (ended.status, ended.err) == (0, "")
    assert ended.out.decode() == f"{FACE_GATE}: sound, face gate, json into checkpoint_scanned\n"


def test_samples() -> None:
    """Each event is shown as the record it becomes, without who it is about; nothing was refused: status 0."""
    ended = call("mapping", "check", FACE_GATE, SAMPLES / "face_gate_record.json", SAMPLES / "face_gate_heartbeat.json")
    shown = ended.out.decode()
    assert ended.status == 0
    assert '"temperature_c": 36.7' in shown
    assert '"person_id": "(hidden), by face_gate_person:sample-source"' in shown
    assert "passed over: heartbeat" in shown
    assert not any(secret in shown for secret in ("Invented", '"17"', "000000000000000000"))


def test_pseudonyms_are_hidden_too() -> None:
    """A sample may be of a real day: who was met is nowhere in the output."""
    for flags in ((), ("--json",)):
        ended = call("mapping", "check", MAPPINGS / "health_code_box.toml", SAMPLES / "health_code_box.json", *flags)
        assert ended.status == 0
        assert b"p-00000" not in ended.out
        assert b"(hidden)" in ended.out


def test_a_refused_sample() -> None:
    """Status 1, and where in the device's document it was."""
    ended = call("mapping", "check", FACE_GATE, SAMPLES / "face_gate_stranger.json")
    assert ended.status == 1
    assert "refused: invalid_field info.customId: expected a person" in ended.out.decode()


def test_the_built_in_mapping_and_a_multipart_sample() -> None:
    """`hikvision` names the one that comes with gridwatch; the boundary is found in the sample."""
    ended = call("mapping", "check", "hikvision", SAMPLES / "hikvision_with_picture.multipart")
    assert ended.status == 0
    assert '"sequence": 415' in ended.out.decode()


def test_options() -> None:
    """The zone, the direction and the content type of the device can be said."""
    ended = call(
        *("mapping", "check", MAPPINGS / "zkteco_attendance.toml", SAMPLES / "zkteco_attlog.txt"),
        *("--time-zone", "+00:00", "--direction", "out", "--content-type", "text/plain; charset=gbk"),
    )
    assert ended.status == 0
    assert '"occurred_at": "2020-02-08T09:10:10Z"' in ended.out.decode()
    assert call("mapping", "check", FACE_GATE, "--time-zone", "Mars").status == 2


def test_a_wrong_mapping(tmp_path: Path) -> None:
    """Status 2 and every fault with file, line and key; with --json as JSON too."""
    wrong = tmp_path / "wrong.toml"
    wrong.write_bytes(
        FACE_GATE.read_bytes().replace(b'format = "json"', b'format = "jsom"').replace(b'"held"', b'"kept"')
    )
    ended = call("mapping", "check", wrong)
    assert (ended.status, ended.out) == (2, b"")
    first, second = ended.err.splitlines()
    assert first.startswith(f"{wrong}:3: format: expected 'json'")
    assert "decision.otherwise: expected 'passed', 'held' or 'turned_back'" in second

    told = json.loads(call("mapping", "check", wrong, "--json").out)
    assert (told["faults"][0]["line"], told["faults"][0]["key"]) == (3, "format")
    assert told["mapping"] is None


def test_json() -> None:
    """One object: the mapping, no faults, and the events of each sample."""
    names = ("face_gate_history.json", "face_gate_stranger.json", "face_gate_heartbeat.json")
    ended = call("mapping", "check", FACE_GATE, *(SAMPLES / name for name in names), "--json")
    told = json.loads(ended.out)
    assert (ended.status, told["mapping"], told["faults"]) == (1, "face gate", [])
    history, stranger, heartbeat = (each["events"][0] for each in told["samples"])
    assert (history["result"], history["is_backlog"], history["sequence"]) == ("taken", True, 371)
    assert (stranger["result"], stranger["reason"], stranger["path"]) == ("refused", "invalid_field", "info.customId")
    assert heartbeat == {"result": "passed_over", "why": "heartbeat", "sequence": None, "previous_sequence": None}


@pytest.mark.parametrize("arguments", [("nowhere.toml",), (str(FACE_GATE), "nowhere.json"), ()])
def test_files_that_are_not_there(arguments: tuple[str, ...]) -> None:
    """Status 2 and no traceback."""
    ended = call("mapping", "check", *arguments)
    assert ended.status == 2
    assert "Traceback" not in ended.err


def test_help() -> None:
    """It has an example and the exit statuses."""
    shown = call("mapping", "check", "--help").out.decode()
    assert "Example: gridwatch mapping check" in shown
    assert "Exit status: 0" in " ".join(shown.split())
