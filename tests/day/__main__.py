"""Run devices through a day in which everything that they need breaks, and judge what arrived.

usage: python -m tests.day [--devices N] [--seed S] [--json FILE] [--directory D] [--spools D]

Needs Java 17 and Maven (deploy/kafka/kafka.sh fetches Apache Kafka once), and some 60 kB of memory disk for each device
where there is one. Exit status 0 when nothing was lost, duplicated, out of order, strange, or left waiting.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import logging
import sys
import time
from pathlib import Path

from tests.day.running import Day, plan_of
from tests.day.showing import table
from tests.support.processes import REPOSITORY

DEFAULT_PORT = 19760
_HOME = REPOSITORY / ".gridwatch" / "day"
_MEMORY = Path("/dev/shm")


def _arguments(argv: list[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m tests.day", description="Run devices through a day, and judge.")
    parser.add_argument("--devices", type=int, default=10_000, help="how many; each makes some thirty records")
    parser.add_argument("--seed", type=int, default=1, help="what happens to whom, and when")
    parser.add_argument("--json", type=Path, help="the figures go here")
    parser.add_argument("--directory", type=Path, default=_HOME, help="Kafka's data and logs")
    parser.add_argument("--spools", type=Path, help="the spools of the devices; in memory where there is room for that")
    parser.add_argument("--processes", type=int, default=2, help="that the devices share")
    parser.add_argument("--port", type=int, default=DEFAULT_PORT, help="the first of four ports on 127.0.0.1")
    return parser.parse_args(argv)


def main(argv: list[str] | None = None) -> int:
    """Run from the command line."""
    arguments = _arguments(argv)
    began = time.monotonic()

    def tell(text: str) -> None:
        print(f"{time.monotonic() - began:7.1f} s  {text}", flush=True)

    for talkative in ("aiokafka", "kafka"):
        logging.getLogger(talkative).setLevel(logging.CRITICAL)
    spools = (
        arguments.spools or (_MEMORY if _MEMORY.is_dir() else arguments.directory) / f"gridwatch-day-{arguments.port}"
    )
    plan = plan_of(arguments.seed, arguments.devices, spools, arguments.port)
    day = Day(plan, arguments.directory, arguments.port, arguments.processes, tell)
    result = asyncio.run(day.play())
    result["command"] = f"python -m tests.day --devices {arguments.devices} --seed {arguments.seed}"
    print(table(result))
    for example in result["examples"]:
        print(f"FOUND {example}")
    if arguments.json is not None:
        arguments.json.parent.mkdir(parents=True, exist_ok=True)
        arguments.json.write_text(json.dumps(result, indent=2) + "\n", encoding="utf-8")
    faults = ("lost", "duplicated", "out_of_order", "strange", "waiting", "keys_refused")
    return 1 if any(result[name] for name in faults) else 0


if __name__ == "__main__":
    sys.exit(main())
