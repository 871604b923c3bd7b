"""kafka.sh says what is wrong with what it is asked, before it does anything."""

import subprocess
from pathlib import Path

import pytest

SCRIPT = Path(__file__).resolve().parents[3] / "deploy" / "kafka" / "kafka.sh"


def run(*arguments: str, directory: Path) -> tuple[int, str]:
    """Run the script on a directory where nothing is; return exit status and all it says."""
    command = [str(SCRIPT), *arguments, "--dir", str(directory)]
    ended = subprocess.run(command, capture_output=True, text=True, timeout=30, check=False)
    return ended.returncode, ended.stdout + ended.stderr


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        (("--nodes", "0"), "--nodes: expected 1 to 9"),
        (("--nodes", "three"), "--nodes: expected 1 to 9"),
        (("--nodes", "3", "--node", "4"), "--node: expected 1 to 3"),
        (("--nodes", "3", "--port", "65530"), "--port: expected 1024 to 65514"),
        (("--nodes", "3", "--clients", "19703,19713"), "--clients: expected 3 ports"),
        (("--node", "1"), "give --nodes too"),
        (("--clients", "19703"), "give --nodes too"),
        (("--port", "many"), "--port: expected a number"),
    ],
)
def test_what_cannot_be_is_named(arguments: tuple[str, ...], expected: str, tmp_path: Path) -> None:
    status, said = run("start", *arguments, directory=tmp_path)
    assert status == 2
    assert expected in said
    assert list(tmp_path.iterdir()) == []


def test_a_cluster_that_is_not_there_is_told_node_by_node(tmp_path: Path) -> None:
    status, said = run("status", "--nodes", "3", "--port", "20000", directory=tmp_path)
    assert status == 3
    assert [port for port in (20000, 20010, 20020) if f"nothing runs on 127.0.0.1:{port}" in said] == [
        20000,
        20010,
        20020,
    ]
    assert run("status", "--nodes", "3", "--node", "2", directory=tmp_path)[1].count("nothing runs") == 1


@pytest.mark.parametrize("command", ["stop", "kill", "clean"])
def test_ending_what_does_not_run_is_no_error(command: str, tmp_path: Path) -> None:
    assert run(command, "--nodes", "3", directory=tmp_path)[0] == 0
