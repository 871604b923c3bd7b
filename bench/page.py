"""`docs/PERFORMANCE.md`: what was aimed at, what was measured, and every figure, written from one run of the whole bench.

Whether a target is met is worked out from the figures, not written by hand.
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from bench import gateway, watching
from bench.intake import INTAKE, TOGETHER
from bench.replay import FLOOR, REPLAY, SEVERAL
from bench.results import CPU, RATE, Row, shown
from bench.sizes import PERSON, name_of

_Figures = Mapping[tuple[str, str, str], Row]
_AT_HALF, _CHECKS_DUE = "reading to alert at 50 of 100, p99", "reading to alert at half, 100,000 checks due, p99"


@dataclass(frozen=True, slots=True)
class Target:
    """What is aimed at: a ratio where `ratio_to` names something, else a figure; `is_least` says which side is right."""

    says: str
    name: str
    unit: str
    ratio_to: str
    bound: float
    is_least: bool

    def judge(self, figures: _Figures) -> tuple[str, str]:
        """Return what was measured, and whether that is enough; neither where it was not measured."""
        row = figures.get((self.name, self.unit, self.ratio_to)) or _alone(figures, self)
        value = None if row is None else row.ratio if self.ratio_to else row.value
        if value is None:
            return "not measured", ""
        is_met = value >= self.bound if self.is_least else value <= self.bound
        unit = "times" if self.ratio_to else self.unit
        return f"{shown(value)} {unit}", "yes" if is_met else "**no**"


def _alone(figures: _Figures, target: Target) -> Row | None:
    """Return a figure that is shown beside others, where the figure itself is asked for."""
    if target.ratio_to:
        return None
    return next((row for (name, unit, _), row in figures.items() if (name, unit) == (target.name, target.unit)), None)


def _at_least(says: str, name: str, ratio_to: str, bound: float, unit: str = RATE) -> Target:
    return Target(says, name, unit, ratio_to, bound, is_least=True)


def _at_most(says: str, name: str, unit: str, ratio_to: str, bound: float) -> Target:
    return Target(says, name, unit, ratio_to, bound, is_least=False)


_TARGETS = (
    _at_least("watch: 30 times plain Faust", watching.WATCH, watching.FAUST, 30),
    _at_least("watch: 3 times Quix Streams' lesser job", watching.WATCH, watching.QUIX, 3),
    _at_least("watch: level with Kafka Streams' lesser job", watching.WATCH, watching.STREAMS, 1),
    _at_least("watch: and with its state in memory", watching.WATCH, watching.STREAMS_IN_MEMORY, 1),
    _at_most("watch: 2.5 times the CPU of fetching and decoding", watching.WATCH, CPU, watching.FLOOR, 2.5),
    _at_least("intake: two thirds of watch", INTAKE, watching.WATCH, 0.667),
    _at_least("intake, watch and sink on one core: 8 times plain Faust's watch", TOGETHER, watching.FAUST, 8),
    _at_most(
        "cost of a record from 10 thousand to a million observed: 1.3 times",
        "watch, 1,000,000 observed",
        CPU,
        "watch, 10,000 observed",
        1.3,
    ),
    _at_most("memory of a person on day 7: 1,024 bytes", name_of(1_000_000), PERSON, "", 1024),
    _at_most("reading to alert at half load, p99: 250 ms", _AT_HALF, "ms", "", 250),
    _at_most("the same while 100,000 checks fall due: 2 s", _CHECKS_DUE, "ms", "", 2000),
    _at_most("replay of a file: 2 times the CPU of decoding and checking it", REPLAY, CPU, FLOOR, 2),
    _at_least("replay on two cores: 1.8 times one", SEVERAL.format(2), SEVERAL.format(1), 1.8),
    _at_least(
        "gateway: single posts at half the rate of a bare route", gateway.SINGLE, gateway.HELLO, 0.5, "requests/s"
    ),
    _at_least("gateway: 20,000 records a second in batches of 100", gateway.BATCHES, "", 20_000),
    _at_most("gateway: single posts at half their highest rate, p99: 100 ms", gateway.SINGLE_AT_HALF, "ms", "", 100),
    _at_most("gateway: batches at half their highest rate, p99: 100 ms", gateway.BATCHES_AT_HALF, "ms", "", 100),
    _at_least(
        "gateway: 10,000 sources in turn at 0.8 of one", f"{gateway.BATCHES}, {gateway.SOURCES}", gateway.BATCHES, 0.8
    ),
    _at_most(
        "ready after kill -9 with a million people's state: 30 s", "restart with 1,000,000 observed: ready", "s", "", 30
    ),
)


def page(rows: Iterable[Row], machine: Mapping[str, Any], versions: Mapping[str, str], command: str) -> str:
    """Return the page as Markdown."""
    held = list(rows)
    return "\n".join([*_head(machine, versions, command), "", *_targets(held), "", *_table(held), ""])


def _head(machine: Mapping[str, Any], versions: Mapping[str, str], command: str) -> Iterator[str]:
    said = ", ".join(f"{name} {number}" for name, number in versions.items())
    yield from (
        "# Performance",
        "",
        f"Written by `{command}`; the method is in [bench/README.md](../bench/README.md). Ratios count more than figures:",
        "both sides were measured in turn on the same machine, one core for the process, the other for Apache Kafka.",
        "",
        f"Machine: {machine['processor']}, {machine['cores']} cores, {machine['memory_gib']} GiB. Versions: {said}.",
        "",
        "![Records a second on one core](figures/bench.svg)",
    )


def _targets(rows: list[Row]) -> Iterator[str]:
    figures = {(row.name, row.unit, row.ratio_to): row for row in rows}
    yield from ("## What was aimed at", "", "| target | measured | met |", "|---|---|---|")
    for target in _TARGETS:
        measured, is_met = target.judge(figures)
        yield f"| {target.says} | {measured} | {is_met} |"


def _table(rows: list[Row]) -> Iterator[str]:
    yield from ("## Every figure", "", "| | | | |", "|---|---|---|---|")
    for row in rows:
        ratio = "" if row.ratio is None else f"{shown(row.ratio)} times {row.ratio_to}"
        yield f"| {row.name} | {shown(row.value)} | {row.unit} | {ratio} |"
