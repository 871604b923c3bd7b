"""Replay of a file against reading, decoding and checking the same lines alone; on one core and on all.

The command is `gridwatch replay`, results written to files. CPU time is that of the whole process, of both.
Where replay takes several files, the same lines are dealt out by person into one file a core.
"""

import resource
import subprocess
import sys
import time
import zlib
from collections.abc import Sequence
from pathlib import Path

from bench.places import cores, subject_core, tell
from bench.processes import PYTHON, Measured, environment, scratch
from bench.results import CPU, Results
from bench.scope import Scope
from bench.town import Town, town_of

FLOOR, REPLAY = "decode and check a file", "replay of a file"
SEVERAL = "replay of a file a core, {} cores"


def run(scope: Scope, results: Results) -> None:
    """Measure floor and replay in turn."""
    town = Town(town_of(scope.people))
    lines = _count(town.events)
    with scratch() as directory:
        parts = _parts(town, directory, len(cores())) if _takes_jobs() and not scope.is_quick else []
        for number in range(scope.rounds):
            tell(f"replay, round {number + 1} of {scope.rounds}")
            results.add_measured(FLOOR, _run(_floor(town.events), lines))
            results.add_measured(REPLAY, _run(_replay(directory, [town.events]), lines))
            if parts:  # each twice, a partition of its own every time: starting the processes should not count for much
                one, many = SEVERAL.format(1), SEVERAL.format(len(parts))
                results.add_measured(one, _run(_replay(directory, parts * 2, jobs=1), 2 * lines))
                everywhere = _replay(directory, parts * 2, jobs=len(parts))
                results.add_measured(many, _run(everywhere, 2 * lines, on=sorted(cores())))
    results.compare(REPLAY, FLOOR, units=(CPU,))
    if parts:
        results.compare(SEVERAL.format(len(parts)), SEVERAL.format(1))


def _count(path: Path) -> int:
    with path.open("rb") as file:
        return sum(1 for _ in file)


def _floor(events: Path) -> list[str]:
    return [PYTHON, "-m", "bench.subjects.checking", str(events)]


def _replay(directory: Path, events: Sequence[Path], jobs: int = 0) -> list[str]:
    files = [argument for path in events for argument in ("--events", str(path))]
    results = ["--alerts", str(directory / "alerts"), "--checks", str(directory / "checks")]
    return [PYTHON, "-m", "streams.cli", "replay", *files, *results, *(["--jobs", str(jobs)] if jobs else [])]


def _takes_jobs() -> bool:
    said = subprocess.run(
        [PYTHON, "-m", "streams.cli", "replay", "--help"],
        env=environment({}),
        capture_output=True,
        text=True,
        check=True,
    )
    return "--jobs" in said.stdout


def _parts(town: Town, directory: Path, count: int) -> list[Path]:
    """Deal the timeline out by person, ticks and policies to every part."""
    paths = [directory / f"part-{number}.ndjson" for number in range(count)]
    files = [path.open("wb") for path in paths]
    for key, value in town.timeline():
        for file in files if key is None else (files[zlib.crc32(key) % count],):
            file.write(value + b"\n")
    for file in files:
        file.close()
    return paths


def _run(command: list[str], lines: int, on: Sequence[int] = ()) -> Measured:
    """Run a command to its end; 3 says that some lines were dead letters, as some are meant to be."""
    pinned = ["taskset", "-c", ",".join(map(str, on or [subject_core()])), *command]
    before, began = resource.getrusage(resource.RUSAGE_CHILDREN), time.perf_counter()
    status = subprocess.run(pinned, env=environment({}), stderr=subprocess.DEVNULL, check=False).returncode
    seconds, after = time.perf_counter() - began, resource.getrusage(resource.RUSAGE_CHILDREN)
    if status not in (0, 3):
        sys.exit(f"{command!r} ended with status {status}")
    cpu = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    measured = Measured(lines, seconds, cpu, 0.0)
    tell(f"    {measured.rate:12,.0f} records/s {measured.cpu_us:9.2f} us CPU")
    return measured
