"""A device process that is killed with SIGKILL again and again loses nothing that `record` had returned for."""

import json
import random
import subprocess
import sys
from pathlib import Path

from streams.device.spool_view import status_of
from tests.support.processes import REPOSITORY, wait_until
from tests.support.scripted_gateway import ScriptedGateway

_KILLS = 4


def start(directory: Path, gateway: ScriptedGateway, count: int) -> subprocess.Popen[bytes]:
    """Start a device that records `count` records."""
    settings = {
        "spool": str(directory / "spool.db"),
        "journal": str(directory / "journal"),
        "url": gateway.url,
        "count": count,
    }
    command = [sys.executable, "-m", "tests.support.device_process", json.dumps(settings)]
    return subprocess.Popen(command, cwd=REPOSITORY)


def journal(directory: Path) -> list[str]:
    """Return the event_ids that are certain to be on the disk."""
    path = directory / "journal"
    if not path.exists():
        return []
    return [line.strip() for line in path.read_text("ascii").splitlines(keepends=True) if line.endswith("\n")]


def test_killed_again_and_again(tmp_path: Path, gateway: ScriptedGateway) -> None:
    chance = random.Random(5)
    gateway.script.extend(["lose_answer", "accept", "unavailable_half_taken", "accept", "truncate_answer"] * 3)
    for _ in range(_KILLS):
        before, more = len(journal(tmp_path)), chance.randint(5, 120)
        process = start(tmp_path, gateway, 1_000_000)
        wait_until(lambda wanted=before + more: len(journal(tmp_path)) >= wanted, "more records")  # type: ignore[misc]
        process.kill()
        process.wait()
    gateway.script.clear()
    assert start(tmp_path, gateway, 0).wait(60) == 0

    taken = gateway.ledger.taken
    assert list(taken) == list(range(1, len(taken) + 1))
    event_ids = [record["event_id"] for record in taken.values()]
    certain = journal(tmp_path)
    assert [event_id for event_id in event_ids if event_id in set(certain)] == certain
    assert len(event_ids) - len(certain) <= _KILLS, "at most the record that was being written at each kill"
    assert len(set(event_ids)) == len(event_ids)
    status = status_of(tmp_path / "spool.db")
    assert (status.waiting, status.set_aside) == (0, [])
