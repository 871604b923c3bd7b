"""What commands say when nothing they need is there: one clear line, an exit status of its own, no traceback."""

import json
import time
from importlib import resources
from pathlib import Path
from typing import Any

import pytest

from tests.unit.cli.programs import call, run, start

_LIMIT_S = 90  # 15 s on a machine that does nothing else
NOBODY = "127.0.0.1:1"
NOWHERE = {"GRIDWATCH_KAFKA__BROKERS": NOBODY, "GRIDWATCH_CLICKHOUSE__DSN": f"http://{NOBODY}"}
COMMANDS = {
    "send": ("send", "events.ndjson"),
    "send --ticks": ("send", "--ticks", "events.ndjson"),
    "topics": ("topics",),
    "watch": ("watch",),
    "clock": ("clock",),
    "worker": ("worker",),
    "doctor": ("doctor", "--no-clickhouse"),
    "policy": ("policy", "policy.toml", "--apply"),
    "sources": ("sources", "list"),
    "reconcile": ("reconcile", "--no-clickhouse"),
    "reconcile with ClickHouse": ("reconcile", "--wait", "0"),
    "report": ("report", "--date", "2020-02-03", "--area", "t"),
    "migrate --status": ("migrate", "--status"),
    "migrate --dry-run": ("migrate", "--dry-run"),
}
# These need ClickHouse, not the brokers.
_TABLES = {"report", "reconcile with ClickHouse", "migrate --status", "migrate --dry-run"}
# The doctor's own status: something is broken.
_STATUS = dict.fromkeys(COMMANDS, 4) | {"doctor": 1}


@pytest.fixture
def here(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """Be in a directory of one's own."""
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.mark.slow
def test_nobody_answers(tmp_path: Path) -> None:
    """Every command that needs the brokers or ClickHouse ends by itself, names where it looked, and shows no traceback."""
    (tmp_path / "events.ndjson").write_bytes(b'{"kind":"tick","at":"2020-02-03T00:00:00Z"}\n')
    (tmp_path / "policy.toml").write_bytes(resources.files("events").joinpath("default_policy.toml").read_bytes())
    deadline = time.monotonic() + _LIMIT_S
    programs = {name: start(tmp_path, *arguments, **NOWHERE) for name, arguments in COMMANDS.items()}
    try:
        ended = {
            name: (*program.communicate(timeout=deadline - time.monotonic()), program.returncode)
            for name, program in programs.items()
        }
    finally:
        for program in programs.values():
            program.kill()

    assert {name: status for name, (_, _, status) in ended.items()} == _STATUS
    for name, (out, err, _) in ended.items():
        said = (out + err).decode()
        assert NOBODY in said or "('127.0.0.1', 1," in said, name
        assert "Traceback" not in said, name
        assert "gridwatch doctor" in said or name in {"doctor", "worker", *_TABLES}, name


def test_a_report_without_data(tmp_path: Path) -> None:
    """Tables there are, rows there are none: nothing is known of the area, status 3."""
    pytest.importorskip("chdb")
    there: dict[str, Any] = {"GRIDWATCH_CLICKHOUSE__DSN": f"chdb://{tmp_path}/tables"}
    assert run(tmp_path, "migrate", limit_s=60, **there).status == 0

    ended = run(tmp_path, "report", "--date", "2020-02-03", "--area", "t/c0", limit_s=60, **there)

    assert ended.status == 3
    assert ended.out == b""
    assert "t/c0" in ended.err
    assert "Traceback" not in ended.err


@pytest.mark.usefixtures("here")
@pytest.mark.parametrize(
    ("arguments", "named"),
    [
        (("--area", "t"), "--date"),
        (("--date", "2020-02-30", "--area", "t"), "--date"),
        (("--date", "2020-02-03"), "--area"),
        (("--date", "2020-02-03", "--area", "t//g"), "--area"),
        (("--date", "2020-02-03", "--area", ""), "--area"),
        (("--date", "2020-02-03", "--area", "t", "--level", "9"), "--level"),
        (("--date", "2020-02-03", "--area", "t", "--format", "xml"), "--format"),
    ],
)
def test_a_wrong_report(arguments: tuple[str, ...], named: str) -> None:
    """Status 2 with the option named, before anything is looked for."""
    ended = call("report", *arguments)

    assert ended.status == 2
    assert named in ended.err


@pytest.mark.usefixtures("here")
@pytest.mark.parametrize(
    ("variables", "named"),
    [
        ({"GRIDWATCH_KAFKA__BROKERS": ""}, "kafka.brokers"),
        ({"GRIDWATCH_CLOCK__TICK_SECONDS": "soon"}, "clock.tick_seconds"),
        ({"GRIDWATCH_KAFKA__BROKER": "x:1"}, "kafka.broker"),
        ({"GRIDWATCH_BROKERS": "x:1"}, "GRIDWATCH_BROKERS"),
        ({"GRIDWATCH_CONFIG": "missing.toml"}, "missing.toml"),
    ],
)
@pytest.mark.parametrize("command", ["config", "topics"])
def test_a_wrong_setting(command: str, variables: dict[str, Any], named: str) -> None:
    """Status 2 with the setting named, whatever the command."""
    ended = call(command, **variables)

    assert ended.status == 2
    assert named in ended.err
    assert "Traceback" not in ended.err


def test_config_hides_secrets(here: Path) -> None:
    """The settings in force are shown as JSON, passwords are not."""
    (here / "gridwatch.toml").write_text('[clickhouse]\ndsn = "https://sink:secret-1@host:8443"\n')
    secrets: dict[str, Any] = {
        "GRIDWATCH_KAFKA__SECURITY__PROTOCOL": "SASL_PLAINTEXT",
        "GRIDWATCH_KAFKA__SECURITY__USERNAME": "town",
        "GRIDWATCH_KAFKA__SECURITY__PASSWORD": "secret-2",
    }

    ended = call("config", **secrets)

    shown = json.loads(ended.out)
    assert ended.status == 0
    assert b"secret" not in ended.out
    assert shown["kafka"]["security"]["username"] == "town"
    assert shown["clickhouse"]["dsn"] == "https://sink:********@host:8443"


@pytest.mark.usefixtures("here")
@pytest.mark.parametrize(
    "dsn",
    [
        "https://sink:se:cret-3@host:8443",
        "https://sink:secret-3/more@host:8443",
        "https://sink:secret-3@more@host:8443",
        "https://host:8443?user=sink&password=secret-3",
    ],
)
def test_config_hides_odd_passwords(dsn: str) -> None:
    """Whatever signs a password holds, and wherever it stands."""
    ended = call("config", GRIDWATCH_CLICKHOUSE__DSN=dsn)

    assert b"secret-3" not in ended.out
    assert b"cret-3" not in ended.out


@pytest.mark.parametrize(
    ("arguments", "named"),
    [
        (("simulate",), "--out"),
        (("simulate", "--out", "t", "--town", "huge"), "--town"),
        (("simulate", "--out", "t", "--days", "0"), "--days"),
        (("simulate", "--out", "t", "--start", "yesterday"), "--start"),
        (("simulate", "--out", "t", "--scan-share", "2"), "--scan-share"),
        (("simulate", "--out", "t", "--tick-minutes", "61"), "--tick-minutes"),
        (("simulate", "--out", "t", "--seed", "x"), "--seed"),
        (("demo", "--town", "huge"), "--town"),
        (("demo", "--seed", "x"), "--seed"),
        (("up", "--port", "70000"), "--port"),
        (("up", "--policy", "missing.toml"), "--policy"),
        (("send",), "FILE"),
        (("send", "missing.ndjson"), "missing.ndjson"),
        (("watch", "--rule", "fire"), "--rule"),
        (("worker", "sink"), "sink"),
        (("policy", "missing.toml"), "missing.toml"),
        (("reconcile", "--since", "yesterday"), "--since"),
        (("reconcile", "--until", "2020-02-03T07:30"), "--until"),
        (("reconcile", "--since", "2020-02-03T07", "--until", "2020-02-03T07:00Z"), "--until"),
        (("reconcile", "--hours", "0"), "--hours"),
        (("reconcile", "--wait", "-1"), "--wait"),
    ],
    ids=" ".join,
)
def test_a_wrong_option(arguments: tuple[str, ...], named: str, here: Path) -> None:
    """Status 2 with the option named; nothing is written or started."""
    ended = call(*arguments)

    assert ended.status == 2
    assert named in ended.err
    assert "Traceback" not in ended.err
    assert list(here.iterdir()) == []


def test_a_town_over_something_else(here: Path) -> None:
    """A directory that holds something is not written into, unless told to."""
    (here / "town").mkdir()
    (here / "town" / "diary.txt").write_text("mine")

    ended = call("simulate", "--town", "small", "--out", "town")

    assert ended.status == 2
    assert "--force" in ended.err
    assert [path.name for path in (here / "town").iterdir()] == ["diary.txt"]
