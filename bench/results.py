"""What was measured: medians over rounds, ratios between things measured in the same round, one table, lines of JSON."""

import json
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from statistics import median
from typing import Any, NamedTuple

from bench.processes import Measured

RATE, CPU, MEMORY = "records/s", "us CPU/record", "MB"


class Row(NamedTuple):
    """One figure, and how it stands to another of the same unit; `ratio_to` is empty where it stands alone."""

    name: str
    value: float
    unit: str
    ratio_to: str = ""
    ratio: float | None = None

    def as_json(self) -> dict[str, Any]:
        """Return the row with figures as people read them."""
        ratio = None if self.ratio is None else _rounded(self.ratio)
        return {**self._asdict(), "value": _rounded(self.value), "ratio": ratio}


@dataclass(slots=True)
class Results:
    """Figures by name and unit, one for each round in the order of the rounds."""

    samples: dict[tuple[str, str], list[float]] = field(default_factory=dict)
    comparisons: list[tuple[str, str, str]] = field(default_factory=list)

    def add(self, name: str, unit: str, value: float) -> None:
        """Note what a round measured."""
        self.samples.setdefault((name, unit), []).append(value)

    def add_measured(self, name: str, measured: Measured) -> None:
        """Note rate, CPU and memory of a process."""
        self.add(name, RATE, measured.rate)
        self.add(name, CPU, measured.cpu_us)
        if measured.rss_mb:
            self.add(name, MEMORY, measured.rss_mb)

    def compare(self, name: str, *others: str, units: Iterable[str] = (RATE, CPU)) -> None:
        """Show how a figure stands to others."""
        self.comparisons += [(name, unit, other) for unit in units for other in others]

    def rows(self) -> Iterator[Row]:
        """Yield every figure, once for each comparison or once alone."""
        for (name, unit), values in self.samples.items():
            others = [other for named, of, other in self.comparisons if (named, of) == (name, unit)]
            found = [other for other in others if (other, unit) in self.samples]
            for other in found or [""]:
                yield Row(name, median(values), unit, other, self._ratio(name, other, unit) if other else None)

    def _ratio(self, name: str, other: str, unit: str) -> float:
        """Return the median of the rounds' ratios: what slows a whole round down stands on both sides."""
        values, others = self.samples[name, unit], self.samples[other, unit]
        if len(values) == len(others):
            return median(value / against for value, against in zip(values, others, strict=True))
        return median(values) / median(others)


def as_lines(rows: Iterable[Row]) -> str:
    """Return rows as lines of JSON."""
    return "".join(json.dumps(row.as_json()) + "\n" for row in rows)


def as_table(rows: Iterable[Row]) -> str:
    """Return rows as a table for people; a name and value stand only once."""
    lines: list[tuple[str, str, str, str]] = []
    last: tuple[str, str] | None = None
    for row in rows:
        is_new = (row.name, row.unit) != last
        last = (row.name, row.unit)
        ratio = "" if row.ratio is None else f"{shown(row.ratio)} x {row.ratio_to}"
        lines.append(
            (row.name if is_new else "", shown(row.value) if is_new else "", row.unit if is_new else "", ratio)
        )
    widths = [max((len(line[column]) for line in lines), default=0) for column in range(3)]
    return "".join(
        f"{name:<{widths[0]}}  {value:>{widths[1]}} {unit:<{widths[2]}}  {ratio}".rstrip() + "\n"
        for name, value, unit, ratio in lines
    )


def _rounded(value: float) -> float:
    return float(f"{value:.4g}")


def shown(value: float) -> str:
    """Return a figure as tables show it."""
    return f"{value:,.0f}" if value >= 100 else f"{value:.3g}"
