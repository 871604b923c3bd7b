"""Break real parts, again and again, and judge what comes out.

usage: python -m tests.chaos [--only KIND[=N][,KIND[=N]]] [--times N] [--seed S] [--json FILE] [--minutes M]

Needs Java 17 and Maven (deploy/kafka/kafka.sh fetches Apache Kafka once). Results are appended to FILE, a line for each
kind in each run; called again with the same file it goes on where it was. Exit status 0 when nothing was lost, duplicated
or wrong, 1 otherwise.
"""

from __future__ import annotations

import argparse
import asyncio
import logging
import sys
import time
from pathlib import Path

from tests.chaos.faults import FAULTS
from tests.chaos.results import Result, append, read_results, times_done
from tests.chaos.runs import FAULTS_A_RUN, Run, shuffled
from tests.chaos.stage import stage
from tests.support.processes import REPOSITORY

DEFAULT_PORT = 19700
_HOME = REPOSITORY / ".gridwatch" / "chaos"


def _arguments(argv: list[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="python -m tests.chaos", description="Break real parts and judge what comes out."
    )
    parser.add_argument(
        "--only", metavar="KIND[=N],...", help="kinds of faults, all unless given; N instead of --times"
    )
    parser.add_argument("--times", type=int, default=1, help="how often each kind, what the file has already counted")
    parser.add_argument("--seed", type=int, default=1, help="which moments, victims and towns")
    parser.add_argument("--json", type=Path, default=_HOME / "results.jsonl", help="results go here")
    parser.add_argument("--minutes", type=float, default=float("inf"), help="begin no run after so long")
    parser.add_argument("--port", type=int, default=DEFAULT_PORT, help="the first of 29 ports on 127.0.0.1")
    parser.add_argument("--directory", type=Path, default=_HOME / "stage", help="data and logs")
    parser.add_argument("--list", action="store_true", help="say what kinds there are, and end")
    arguments = parser.parse_args(argv)
    named = [part.partition("=") for part in arguments.only.split(",")] if arguments.only else []
    arguments.kinds = {kind: int(times or arguments.times) for kind, _, times in named}
    arguments.kinds = arguments.kinds or dict.fromkeys(FAULTS, arguments.times)
    if unknown := arguments.kinds.keys() - FAULTS.keys():
        parser.error(f"no such kind: {', '.join(sorted(unknown))}; --list says which there are")
    return arguments


async def play(arguments: argparse.Namespace) -> list[Result]:
    """Play runs until every kind was injected as often as asked, or time is up."""
    began = time.monotonic()
    results: list[Result] = []
    done = times_done(read_results([arguments.json]))
    waiting = shuffled(arguments.kinds, done, arguments.seed)
    number = sum(done.values())

    def tell(text: str) -> None:
        print(f"{time.monotonic() - began:7.1f} s  {text}", flush=True)

    tell(f"{len(waiting)} faults to come, {sum(done[kind] for kind in arguments.kinds)} done before")
    if not waiting:
        return results
    async with stage(arguments.directory, arguments.port) as built:
        tell(f"cluster at {built.cluster.direct}, ClickHouse's engine at {built.engine.port}")
        while waiting and time.monotonic() - began < 60 * arguments.minutes:
            part, waiting = waiting[:FAULTS_A_RUN], waiting[FAULTS_A_RUN:]
            run = Run(f"chaos-{arguments.seed}-{number}", 1000 * arguments.seed + number, part, tell)
            played = await run.play(built)
            await built.heal()
            append(arguments.json, played)
            results += played
            number += sum(result.times for result in played)
            waiting = run.waiting + waiting
    return results


def main(argv: list[str] | None = None) -> int:
    """Run from the command line."""
    arguments = _arguments(argv)
    if arguments.list:
        for fault in FAULTS.values():
            print(f"{fault.kind:18} {fault.meaning}")
        return 0
    for talkative in ("aiokafka", "kafka"):  # of a broken cluster the harness need not be told
        logging.getLogger(talkative).setLevel(logging.CRITICAL)
    results = asyncio.run(play(arguments))
    return 1 if any(result.lost or result.duplicated or result.wrong for result in results) else 0


if __name__ == "__main__":
    sys.exit(main())
