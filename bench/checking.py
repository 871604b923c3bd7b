"""Floors: ratios that must not be undercut, or exceeded, as `bench/floors.toml` says."""

import tomllib
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

from bench.results import Row


def failures(rows: Iterable[Row], path: Path) -> list[str]:
    """Return a line for every ratio on the wrong side of its floor; a floor whose ratio was not measured is passed over."""
    floors = tomllib.loads(path.read_text(encoding="utf-8"))["floor"]
    measured = {(row.name, row.unit, row.ratio_to): row.ratio for row in rows if row.ratio is not None}
    return [line for floor in floors for line in _judge(floor, measured)]


def _judge(floor: dict[str, Any], measured: dict[tuple[str, str, str], float]) -> Iterator[str]:
    ratio = measured.get((floor["name"], floor["unit"], floor["ratio_to"]))
    if ratio is None:
        return
    name = f"{floor['name']} ({floor['unit']}) to {floor['ratio_to']}"
    if "at_least" in floor and ratio < floor["at_least"]:
        yield f"{name}: expected a ratio of at least {floor['at_least']}, measured {ratio:.3g}"
    if "at_most" in floor and ratio > floor["at_most"]:
        yield f"{name}: expected a ratio of at most {floor['at_most']}, measured {ratio:.3g}"
