"""The same log gives the same bytes, whatever the process."""

import os
import subprocess
import sys
from pathlib import Path

_PROGRAM = """
import hashlib, sys
from tests.properties.logs import make_log
from tests.support.written import written
digest = hashlib.sha256()
for seed in range(int(sys.argv[1])):
    found = make_log(seed, "tiny").replay()
    for line in (*found.verdicts, *found.alerts, repr(written(found.replay.state)).encode()):
        digest.update(line)
print(digest.hexdigest())
"""


def test_hash_seeds() -> None:
    """Results and states do not depend on how a process happens to hash its strings."""
    root = Path(__file__).parents[2]
    command = [sys.executable, "-c", _PROGRAM, "40"]
    processes = [
        subprocess.Popen(
            command, cwd=root, env=os.environ | {"PYTHONHASHSEED": seed}, stdout=subprocess.PIPE, text=True
        )
        for seed in ("0", "1", "77")
    ]

    digests = [process.communicate(timeout=60)[0] for process in processes]

    assert [process.returncode for process in processes] == [0, 0, 0]
    assert len(set(digests)) == 1
    assert len(digests[0].strip()) == 64
