"""The table of faults in docs/RELIABILITY.md, from result files.

usage: python -m tests.chaos.table RESULTS... [--write]

A result is a JSON object with `kind` and what is known of `times`, `records`, `lost`, `duplicated`, `wrong`,
`recovery_p50_s`, `recovery_max_s`, or `recoveries_s` itself; a file holds one, a list, or one a line. Those of one kind are
added up, and what was found amiss in a run counts for each kind that was in it. Kinds of which tests.chaos knows nothing
come last, under their own names and with their own `meaning`.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from statistics import median
from typing import Any

from tests.chaos.faults import FAULTS
from tests.chaos.results import read_results
from tests.support.processes import REPOSITORY

PAGE = REPOSITORY / "docs" / "RELIABILITY.md"
BEGIN, END = "<!-- table: faults -->", "<!-- end of table: faults -->"
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
    rows = [_row(kind, _meaning(kind, by_kind[kind]), by_kind[kind]) for kind in kinds]
    rows.append(_row("all", "", results))
    lines = [_line(_HEAD), _line(["---", "---", *["---:"] * (len(_HEAD) - 2)]), *map(_line, rows)]
    return "\n".join(lines)


def _meaning(kind: str, results: Sequence[Mapping[str, Any]]) -> str:
    return FAULTS[kind].meaning if kind in FAULTS else next((str(r["meaning"]) for r in results if "meaning" in r), "")


def _row(kind: str, meaning: str, results: Sequence[Mapping[str, Any]]) -> list[str]:
    counts = [f"{sum(int(result.get(name) or 0) for result in results):,}" for name in _COUNTS]
    return [f"`{kind}`" if meaning else kind, meaning, *counts, *_recovery(results)]


def _recovery(results: Sequence[Mapping[str, Any]]) -> tuple[str, str]:
    """Return median and maximum; of results that give only a median it counts as often as the fault was injected."""
    seconds: list[float] = []
    longest: list[float] = []
    for result in results:
        if own := result.get("recoveries_s"):
            seconds += own
            longest.append(max(own))
        elif result.get("recovery_p50_s") is not None:
            seconds += [float(result["recovery_p50_s"])] * max(1, int(result.get("times") or 1))
            longest.append(float(result.get("recovery_max_s") or result["recovery_p50_s"]))
    if not seconds:
        return "", ""
    return f"{median(seconds):.1f} s", f"{max(longest):.1f} s"


def _line(cells: Iterable[str]) -> str:
    return f"| {' | '.join(cells)} |"


def written(page: str, rows: str) -> str:
    """Return the page with the table between its markers; raises ValueError where they are not there."""
    before, begin, rest = page.partition(BEGIN)
    _, end, after = rest.partition(END)
    if not begin or not end:
        raise ValueError(f"expected the markers {BEGIN} and {END}")
    return f"{before}{BEGIN}\n{rows}\n{END}{after}"


def main(argv: list[str] | None = None) -> int:
    """Print the table, or write it into the page."""
    parser = argparse.ArgumentParser(prog="python -m tests.chaos.table", description="The table of faults.")
    parser.add_argument("results", nargs="+", type=Path, help="result files")
    parser.add_argument("--write", action="store_true", help=f"write it into {PAGE.relative_to(REPOSITORY)}")
    arguments = parser.parse_args(argv)
    rows = table(read_results(arguments.results))
    if arguments.write:
        PAGE.write_text(written(PAGE.read_text("utf-8"), rows), "utf-8")
    else:
        print(rows)
    return 0


if __name__ == "__main__":
    sys.exit(main())
