"""`gridwatch device` as a process: what it says, and with which status it ends."""

import json
import os
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from streams.cli.main import main
from streams.device.spool import Spool
from tests.support.processes import REPOSITORY, wait_until
from tests.support.scripted_gateway import KEY, SOURCE, ScriptedGateway

LINE = '{"kind":"temperature_taken","person_id":"p-%06d","temperature_c":36.6}\n'


class Town:
    """A directory with a key, a file of readings and a spool."""

    def __init__(self, directory: Path, url: str) -> None:
        self.directory, self.url = directory, url
        (directory / "key").write_text(KEY + "\n")
        self.readings = directory / "readings.ndjson"
        self.readings.write_text("".join(LINE % number for number in range(1, 4)))

    def send(self, *options: str, file: str = "readings.ndjson") -> list[str]:
        """Return the arguments that send the file."""
        return [
            "device", "send", file, "--url", self.url, "--spool", "spool.db", "--key-file", "key", *options
        ]  # fmt: skip

    def run(self, *arguments: str, stdin: bytes = b"", **variables: str) -> tuple[int, str, str]:
        """Run it to its end: status, output, errors."""
        ended = subprocess.run(
            [sys.executable, "-m", "streams.cli", *arguments],
            cwd=self.directory,
            env=environment(variables),
            input=stdin,
            capture_output=True,
            timeout=60,
            check=False,
        )
        return ended.returncode, ended.stdout.decode(), ended.stderr.decode()

    def start(self, *arguments: str) -> subprocess.Popen[bytes]:
        """Start it."""
        with (self.directory / "stderr").open("wb") as stderr:
            return subprocess.Popen(
                [sys.executable, "-m", "streams.cli", *arguments],
                cwd=self.directory,
                env=environment({}),
                stdout=subprocess.PIPE,
                stderr=stderr,
            )

    def status(self) -> dict[str, Any]:
        """Return what `status --json` says."""
        shown = CliRunner().invoke(main, ["device", "status", "--spool", str(self.directory / "spool.db"), "--json"])
        document: dict[str, Any] = json.loads(shown.output)
        return document


def environment(variables: dict[str, str]) -> dict[str, str]:
    """Return this environment with the repository in it."""
    return {**os.environ, "PYTHONPATH": str(REPOSITORY), **variables}


@pytest.fixture
def town(tmp_path: Path, gateway: ScriptedGateway) -> Town:
    """Have a town whose gateway runs."""
    return Town(tmp_path, gateway.url)


def test_a_file_is_sent(town: Town, gateway: ScriptedGateway) -> None:
    status, out, _ = town.run(*town.send())

    assert (status, out) == (0, "recorded 3, delivered 3, refused 0; nothing is waiting\n")
    assert gateway.persons() == ["p-000001", "p-000002", "p-000003"]
    shown = town.status()
    assert (shown["waiting"], shown["last_sequence"], shown["kept"]) == (0, 3, 3)
    assert shown["last_answer"] == "delivered 3, refused 0"


def test_standard_input_and_a_key_from_the_environment(town: Town, gateway: ScriptedGateway) -> None:
    arguments = [each for each in town.send(file="-") if each not in ("--key-file", "key")]
    status, _, _ = town.run(*arguments, stdin=(LINE % 7).encode(), GW_DEVICE_KEY=KEY)

    assert status == 0
    assert gateway.persons() == ["p-000007"]


def test_nobody_is_there(town: Town, gateway: ScriptedGateway) -> None:
    gateway.close()
    status, out, err = town.run(*town.send("--give-up-after", "1.5"))

    assert status == 4
    assert out == "recorded 3, delivered 0, refused 0; records are still waiting\n"
    assert "Connection refused; next attempt in" in err
    assert (town.status()["waiting"], town.status()["last_answer"]) == (3, "Connection refused")


def test_a_refused_key(town: Town, gateway: ScriptedGateway) -> None:
    gateway.key = "another"
    status, out, err = town.run(*town.send())

    assert status == 5
    assert "records are still waiting" in out
    assert "the gateway refuses the key: 401 bad_key" in err
    assert "AAAA" not in out + err


def test_refused_records_and_lines(town: Town, gateway: ScriptedGateway) -> None:
    town.readings.write_text(town.readings.read_text() + "no record\n")
    gateway.ledger.refuses_persons = {"p-000002"}
    status, out, err = town.run(*town.send())

    assert status == 3
    assert out == "recorded 3, delivered 2, refused 1; nothing is waiting; lines that are no records: 1\n"
    assert "p-00000" not in out + err
    spool = str(town.directory / "spool.db")
    listed = CliRunner().invoke(main, ["device", "refused", "--spool", spool])
    assert listed.exit_code == 0
    assert "invalid_field  person_id  expected another" in listed.output
    assert "p-00000" not in listed.output
    (facts,) = CliRunner().invoke(main, ["device", "refused", "--spool", spool, "--json"]).output.splitlines()
    assert set(json.loads(facts)) == {"sequence", "event_id", "reason", "path", "message", "refused_at"}


def test_refused_records_can_be_mended_and_sent_again(town: Town, gateway: ScriptedGateway) -> None:
    gateway.ledger.refuses_persons = {"p-000002"}
    town.run(*town.send())
    spool = str(town.directory / "spool.db")
    mended = CliRunner().invoke(main, ["device", "refused", "--spool", spool, "--records"]).output
    (town.directory / "mended.ndjson").write_text(mended.replace("p-000002", "p-000009"))
    status, _, _ = town.run(*town.send(file="mended.ndjson"))

    assert status == 0
    assert gateway.persons() == ["p-000001", "p-000003", "p-000009"]


def test_sigterm_ends_in_good_order(town: Town, gateway: ScriptedGateway) -> None:
    process = town.start(*town.send("--follow"))
    wait_until(lambda: len(gateway.ledger.taken) == 3, "three records")
    with town.readings.open("a") as file:
        file.write(LINE % 4)
    wait_until(lambda: len(gateway.ledger.taken) == 4, "the one that was added")
    process.send_signal(signal.SIGTERM)
    out, _ = process.communicate(timeout=30)

    assert process.returncode == 0
    assert out == b"recorded 4, delivered 4, refused 0; nothing is waiting\n"


def test_a_second_process_is_refused(town: Town) -> None:
    with Spool(town.directory / "spool.db", SOURCE):
        status, _, err = town.run(*town.send())

    assert status == 6
    assert "is in use by another process" in err


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--url", "http://gateway.example.org"], "expected https"),
        (["--url", "https://user:pw@gateway.example.org"], "without name, password"),
        (["--url", "https://gateway.example.org:x"], "url: expected"),
        (["--key-file", "missing"], "cannot read the key file"),
        (["--key-file", "readings.ndjson"], "expected a key of the form"),
        (["--ca-file", "readings.ndjson"], "Error"),
    ],
)
def test_a_wrong_setting_ends_with_status_2(town: Town, arguments: list[str], said: str) -> None:
    if "--ca-file" in arguments:
        arguments = [*arguments, "--url", "https://gateway.example.org"]
    status, _, err = town.run(*town.send(*arguments))

    assert status == 2
    assert said in err
    assert "Traceback" not in err
    assert "pw@" not in err


def test_a_spool_that_is_not_there(tmp_path: Path) -> None:
    for name in ("status", "refused"):
        shown = CliRunner().invoke(main, ["device", name, "--spool", str(tmp_path / "spool.db")])
        assert shown.exit_code == 6
        assert "there is no spool" in shown.output


def test_the_status_for_people(town: Town) -> None:
    with Spool(town.directory / "spool.db", SOURCE) as spool:
        spool.record("temperature_taken", {"person_id": "p-000001"})
        shown = CliRunner().invoke(main, ["device", "status", "--spool", str(spool.path)])

    assert shown.exit_code == 0
    assert "waiting               1\n" in shown.output
    assert "p-00000" not in shown.output


@pytest.mark.parametrize("name", ["send", "status", "refused"])
def test_help_says_what_the_statuses_mean(name: str) -> None:
    shown = CliRunner().invoke(main, ["device", name, "--help"])

    assert "Exit status" in shown.output
    assert f"gridwatch device {name}" in shown.output
