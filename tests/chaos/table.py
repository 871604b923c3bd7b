"""The tables in docs/RELIABILITY.md, from the results in docs/figures.

usage: python -m tests.chaos.table [--write | --check]

    faults.jsonl      python -m tests.chaos --json docs/figures/faults.jsonl
    simulation.json   python -m tests.simulation --seeds 10000 --json docs/figures/simulation.json
    fuzz.json         python -m tests.fuzz --inputs 1000000 --json docs/figures/fuzz.json
    day.json          python -m tests.day --devices 10000 --json docs/figures/day.json

Results of one kind of fault are added up, and what was found amiss in a run counts for each kind that was in it.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from statistics import median
from typing import Any

from tests.chaos.faults import FAULTS
from tests.chaos.results import read_results
from tests.day.showing import table as day_table
from tests.support.processes import REPOSITORY

PAGE = REPOSITORY / "docs" / "RELIABILITY.md"
FIGURES = REPOSITORY / "docs" / "figures"
FAULT_RESULTS, SIMULATION_RESULTS, FUZZ_RESULTS, DAY_RESULT = (
    FIGURES / name for name in ("faults.jsonl", "simulation.json", "fuzz.json", "day.json")
)
_BROKERS, _ALL = "broker-", ""
_HEAD = (
    "fault",
    "what is done",
    "times",
    "records under load",
    "lost",
    "duplicated",
    "wrong",
    "recovery p50",
    "longest",
)
_COUNTS = ("times", "records", "lost", "duplicated", "wrong")


def table(results: Sequence[Mapping[str, Any]]) -> str:
    """Return the table, a row for each kind and one for all."""
    by_kind: dict[str, list[Mapping[str, Any]]] = {}
    for result in results:
        by_kind.setdefault(result["kind"], []).append(result)
    known = [kind for kind in FAULTS if kind in by_kind]
    kinds = known + sorted(by_kind.keys() - FAULTS.keys())
    rows = [_row(kind, FAULTS[kind].meaning if kind in FAULTS else "", by_kind[kind]) for kind in kinds]
    rows.append(_row(_ALL, "", results))
    lines = [_line(_HEAD), _line(["---", "---", *["---:"] * (len(_HEAD) - 2)]), *map(_line, rows)]
    return "\n".join(lines)


def _row(kind: str, meaning: str, results: Sequence[Mapping[str, Any]]) -> list[str]:
    counts = [f"{sum(int(result.get(name) or 0) for result in results):,}" for name in _COUNTS]
    return ["all" if kind == _ALL else f"`{kind}`", meaning, *counts, *_recovery(results)]


def _recovery(results: Sequence[Mapping[str, Any]]) -> tuple[str, str]:
    """Return median and maximum."""
    seconds = [each for result in results for each in result["recoveries_s"]]
    return (f"{median(seconds):.1f} s", f"{max(seconds):.1f} s") if seconds else ("", "")


def in_all(results: Sequence[Mapping[str, Any]]) -> str:
    """Return in a few lines what the runs came to."""
    runs = {result["run"]: result for result in results}
    killed: Counter[str] = sum((Counter(result["killed"]) for result in results), Counter())
    brokers = sum(result["times"] for result in results if result["kind"].startswith(_BROKERS))
    by_role = ", ".join(f"{role} {count}" for role, count in sorted(killed.items()))
    of_runs = {name: sum(run[name] for run in runs.values()) for name in ("checked", "repeats", "overtaken")}
    return (
        f"{len(runs)} runs. kill -9 of {killed.total():,} processes ({by_role}); {brokers} faults of brokers; "
        f"{of_runs['checked']:,} comparisons of the judge; {of_runs['repeats']:,} harmless repeats, "
        f"{of_runs['overtaken']:,} of them the last record of their key while a higher revision stands before."
    )


def simulated(result: Mapping[str, Any]) -> str:
    """Return what the simulator found."""
    shown = (
        "seeds",
        "faults_injected",
        "records",
        "simulated_days",
        "steps",
        "lost",
        "wrong",
        "duplicated",
        "overtaken",
    )
    head = ("seeds", "faults", "records", "days", "steps", "lost", "wrong", "harmless repeats", "overtaken")
    rows = [head, ["---:"] * len(head), [f"{result[name]:,}" for name in shown]]
    kinds = len(result["faults"])
    return "\n".join(map(_line, rows)) + f"\n\nFailed seeds: {len(result['failed_seeds'])}. Kinds of faults: {kinds}."


def fuzzed(result: Mapping[str, Any]) -> str:
    """Return what came of bad input, target by target."""
    head = ("target", "inputs", "crashes", "became records", "refused", "slowest input")
    rows: list[Sequence[str]] = [head, ["---", *["---:"] * (len(head) - 1)]]
    for name, tally in (*result["targets"].items(), ("all", result["total"])):
        counts = [f"{tally[column]:,}" for column in ("inputs", "crashes", "records", "dead_letters")]
        rows.append([name, *counts, f"{1000 * tally['slowest_seconds']:.0f} ms"])
    return "\n".join(map(_line, rows)) + f"\n\nEngine {result['engine']}, seed {result['seed']}."


def passed(result: Mapping[str, Any]) -> str:
    """Return how the devices came through their day."""
    return f"{day_table(result)}\n\n`{result['command']}`, {result['measured_on']}."


def _line(cells: Iterable[str]) -> str:
    return f"| {' | '.join(cells)} |"


def written(page: str, name: str, text: str) -> str:
    """Return the page with a text between the markers of that name; raises ValueError where they are not there."""
    begin, end = f"<!-- table: {name} -->", f"<!-- end of table: {name} -->"
    before, found_begin, rest = page.partition(begin)
    _, found_end, after = rest.partition(end)
    if not found_begin or not found_end:
        raise ValueError(f"expected the markers {begin} and {end}")
    return f"{before}{begin}\n{text}\n{end}{after}"


def current(page: str) -> str:
    """Return the page with all tables as the results in docs/figures have them."""
    results = read_results([FAULT_RESULTS])
    page = written(page, "faults", f"{table(results)}\n\n{in_all(results)}")
    page = written(page, "simulation", simulated(json.loads(SIMULATION_RESULTS.read_text("utf-8"))))
    page = written(page, "fuzz", fuzzed(json.loads(FUZZ_RESULTS.read_text("utf-8"))))
    return written(page, "day", passed(json.loads(DAY_RESULT.read_text("utf-8"))))


def main(argv: list[str] | None = None) -> int:
    """Write the tables into the page, or say whether they are current."""
    parser = argparse.ArgumentParser(prog="python -m tests.chaos.table", description="The tables of reliability.")
    parser.add_argument("--write", action="store_true", help=f"write them into {PAGE.relative_to(REPOSITORY)}")
    parser.add_argument("--check", action="store_true", help="exit status 1 where the page says something else")
    arguments = parser.parse_args(argv)
    page = PAGE.read_text("utf-8")
    new = current(page)
    if arguments.write:
        PAGE.write_text(new, "utf-8")
    elif arguments.check and new != page:
        print(f"{PAGE.relative_to(REPOSITORY)} is not what docs/figures has: python -m tests.chaos.table --write")
        return 1
    elif not arguments.check:
        print(new)
    return 0


if __name__ == "__main__":
    sys.exit(main())
