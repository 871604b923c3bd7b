"""Running `gridwatch` as a user does, in a process of its own or, where that makes no difference, in this one."""

import os
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from click.testing import CliRunner

from streams.cli.main import main
from tests.support.logging_state import logging_kept
from tests.support.processes import REPOSITORY

COMMAND = (sys.executable, "-m", "streams.cli")


@dataclass(frozen=True)
class Ended:
    """How a program ended."""

    status: int
    out: bytes
    err: str


def environment(**variables: str) -> dict[str, str]:
    """Return this process's environment without settings of its own, with the repository to import from."""
    kept = {name: value for name, value in os.environ.items() if not name.upper().startswith("GRIDWATCH_")}
    return kept | {"PYTHONPATH": str(REPOSITORY), "COLUMNS": "100"} | variables


def start(directory: Path, *arguments: object, **variables: str) -> subprocess.Popen[bytes]:
    """Start `gridwatch` in a directory."""
    return subprocess.Popen(
        [*COMMAND, *map(str, arguments)],
        cwd=directory,
        env=environment(**variables),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )


def run(directory: Path, *arguments: object, stdin: bytes = b"", limit_s: float = 30, **variables: Any) -> Ended:
    """Run `gridwatch` in a directory to its end."""
    ended = subprocess.run(
        [*COMMAND, *map(str, arguments)],
        cwd=directory,
        env=environment(**variables),
        input=stdin,
        capture_output=True,
        timeout=limit_s,
        check=False,
    )
    return Ended(ended.returncode, ended.stdout, ended.stderr.decode())


def call(*arguments: object, stdin: bytes = b"", **variables: Any) -> Ended:
    """Run `gridwatch` within this process, in the present directory; what it raises is raised."""
    unset = {name: None for name in os.environ if name.upper().startswith("GRIDWATCH_")}
    with logging_kept():
        ended = CliRunner().invoke(main, [*map(str, arguments)], input=stdin, env={**unset, **variables})
    if ended.exception is not None and not isinstance(ended.exception, SystemExit):
        raise ended.exception
    return Ended(ended.exit_code, ended.stdout_bytes, ended.stderr)
