"""Help: every command explains itself, quickly, and loads only what it needs."""

import subprocess
import sys
from pathlib import Path

import click
import pytest
from click.testing import CliRunner

from streams.cli.main import main
from tests.support.processes import REPOSITORY
from tests.unit.cli.programs import environment, run

COMMANDS = main.list_commands(click.Context(main))
HEAVY = ("faust", "mode", "aiokafka", "kafka", "clickhouse_connect", "chdb", "rich")


def loaded_modules(tmp_path: Path, program: str) -> set[str]:
    """Run Python and return the top modules that it has loaded."""
    ended = subprocess.run(
        [sys.executable, "-c", f"{program}\nimport sys; print('\\n'.join(sys.modules), file=sys.__stderr__)"],
        cwd=tmp_path,
        env=environment(),
        capture_output=True,
        timeout=30,
        check=False,
    )
    return {name.partition(".")[0] for name in ended.stderr.decode().splitlines()}


def calling(*arguments: str) -> str:
    """Return a program that runs a command and goes on after it."""
    return f"from streams.cli.main import main\ntry: main({list(arguments)!r})\nexcept SystemExit: pass"


@pytest.mark.parametrize("name", COMMANDS)
def test_a_command(name: str) -> None:
    """Says what it does, gives an example and, where it can fail, its exit statuses."""
    shown = CliRunner().invoke(main, [name, "--help"])

    assert shown.exit_code == 0
    assert f"Usage: main {name}" in shown.output
    assert "Example:" in shown.output
    assert f"gridwatch {name}" in shown.output or name == "clock"
    assert "Traceback" not in shown.output


@pytest.mark.parametrize("name", sorted(set(COMMANDS) - {"config"}))
def test_exit_statuses(name: str) -> None:
    """A command that depends on something else says what its exit statuses mean."""
    shown = CliRunner().invoke(main, [name, "--help"])

    assert "exit status" in " ".join(shown.output.lower().split())


def test_a_wrong_setting_does_not_stand_in_the_way_of_help(tmp_path: Path) -> None:
    """Help is what one asks for when something is wrong, by either of its names."""
    for flag in ("--help", "-h"):
        ended = run(tmp_path, "worker", flag, GRIDWATCH_KAFKA__BROKERS="")

        assert ended.status == 0
        assert b"SIGTERM" in ended.out


def test_the_help_of_all(tmp_path: Path) -> None:
    """Lists every command and loads none of the heavy libraries, nor the settings."""
    loaded = loaded_modules(tmp_path, calling("--help"))

    assert "click" in loaded
    assert not loaded & {*HEAVY, "pydantic_settings", "pydantic", "structlog"}
    shown = CliRunner().invoke(main, ["--help"])
    assert shown.exit_code == 0
    assert all(f"\n  {name}" in shown.output for name in COMMANDS)


def test_replay_loads_no_client(tmp_path: Path) -> None:
    """Replay needs no broker and no database, and loads none of their libraries."""
    (tmp_path / "events.ndjson").write_bytes(b'{"kind":"tick","at":"2020-02-03T00:00:00Z"}\n')
    arguments = ("replay", "--events", "events.ndjson", "--alerts", "a.ndjson", "--checks", "c.ndjson")

    loaded = loaded_modules(tmp_path, calling(*arguments))

    assert "pydantic" in loaded
    assert (tmp_path / "a.ndjson").exists()
    assert not loaded & {*HEAVY, "pydantic_settings"}


def test_no_command() -> None:
    """Shows the help; an unknown one is named, with status 2."""
    shown, unknown = CliRunner().invoke(main, []), CliRunner().invoke(main, ["wach"])

    assert "Commands:" in shown.output
    assert unknown.exit_code == 2
    assert "wach" in unknown.output
    assert "Traceback" not in unknown.output


def test_version() -> None:
    """The version of the package."""
    shown = CliRunner().invoke(main, ["--version"])

    assert shown.exit_code == 0
    assert (REPOSITORY / "pyproject.toml").read_text().count(f'version = "{shown.output.split()[-1]}"') == 1
