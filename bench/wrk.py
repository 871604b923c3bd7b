"""The gateway under wrk, a load generator that is not ours: `python -m bench.wrk` (Debian: wrk; WRK names another).

The bare route, single posts and batches of 100 in turn, one process on one core, 64 connections; prints what wrk says of
each. It confirms `bench/gateway.py`, which has its own load because wrk knows a closed loop alone and takes any answer.
"""

import asyncio
import os
import re
import subprocess
import sys

from bench import broker
from bench.gateway import PORT, gateway_on, register
from bench.places import ROOT, other_cores, tell
from bench.processes import scratch

_SCRIPT = ROOT / "bench" / "posts.lua"
_FORMS = {"bare route": 0, "single posts": 1, "batches of 100": 100}
_ROUNDS = 3


def main() -> int:
    """Print the requests a second of each form; exit status 1 where an answer was not 200."""
    is_wrong = False
    try:
        with broker.topics() as prefix, scratch() as directory:
            keys = asyncio.run(register(prefix, directory, 1)).read_text(encoding="ascii").split()
            with gateway_on(prefix):
                for name, records in list(_FORMS.items()) * _ROUNDS:
                    said = _wrk(*keys, records)
                    is_wrong |= "Non-2xx" in said or "Socket errors" in said
                    rate = re.search(r"Requests/sec: +([0-9.]+)", said)
                    sys.stdout.write(f"{name:16} {rate[1] if rate else said} requests/s\n")
    finally:
        broker.stop_broker()
    return 1 if is_wrong else 0


def _wrk(source_id: str, key: str, records: int) -> str:
    tell(f"wrk, {records} records a request")
    command = ["taskset", "-c", str(min(other_cores())), os.environ.get("WRK", "wrk"), "-t1", "-c64", "-d5s"]
    environment = os.environ | {"SOURCE": source_id, "KEY": key, "RECORDS": str(records)}
    command += ["-s", str(_SCRIPT), f"http://127.0.0.1:{PORT}"]
    return subprocess.run(command, env=environment, check=True, capture_output=True, text=True).stdout


if __name__ == "__main__":
    sys.exit(main())
