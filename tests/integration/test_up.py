"""`gridwatch up`: everything on this machine, and each part says how it is."""

import re
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from tests.support.health import Health, free_port
from tests.support.processes import REPOSITORY, wait_until


@pytest.mark.slow
def test_every_part_becomes_ready_and_ends_with_it(tmp_path: Path) -> None:
    """Five parts, five ports, as it says; Ctrl-C stops all of them with status 0."""
    said = tmp_path / "said"
    command = [
        sys.executable,
        "-m",
        "streams.cli",
        "up",
        "--directory",
        str(tmp_path / "up"),
        "--port",
        str(free_port()),
    ]
    with said.open("wb") as file:
        up = subprocess.Popen(command, cwd=REPOSITORY, stdout=file, stderr=file)
    try:
        wait_until(lambda: "Ctrl-C" in said.read_text() or up.poll() is not None, "gridwatch up", limit_s=90)
        parts = {name: Health(int(port)) for port, name in re.findall(r":(\d+)/readyz +# ([a-z ]+);", said.read_text())}
        assert parts.keys() == {"worker intake", "worker watch", "sink", "clock", "gateway"}, said.read_text()
        for name, part in parts.items():
            wait_until(part.is_ready, f"{name} to be ready", limit_s=60)
            assert part.get("/livez")[0] == 200

        up.send_signal(signal.SIGINT)

        assert up.wait(40) == 0, said.read_text()
        assert {part.get("/livez")[0] for part in parts.values()} == {0}
    finally:
        up.kill()
        up.wait()
