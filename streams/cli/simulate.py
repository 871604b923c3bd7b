"""`gridwatch simulate`: a seeded town, its events and what must follow from them."""

import dataclasses
import json
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import date, datetime
from pathlib import Path
from typing import Any, TypeVar

import click

from streams.town.settings import SIZES, Rates, SettingsError, TownSettings
from streams.town.write import EVENTS, TRUTH_ALERTS, TRUTH_CHECKS, TRUTH_DEAD_LETTERS, Progress, TownSummary, write_town

_Function = TypeVar("_Function", bound=Callable[..., Any])


def _rate_options(function: _Function) -> _Function:
    """Add an option for every rate, in the order in which they are declared."""
    for rate in reversed(dataclasses.fields(Rates)):
        name = f"--{rate.name.replace('_', '-')}"
        function = click.option(
            name,
            type=float,
            default=rate.default,
            show_default=True,
            metavar="F",
            help=_sentence(rate.metadata["help"]),
        )(function)
    return function


def _sentence(words: str) -> str:
    return f"{words[0].upper()}{words[1:]}."


@click.command(epilog="Example: gridwatch simulate --town small --seed 7 --out town")
@click.option(
    "--out",
    "directory",
    required=True,
    type=click.Path(path_type=Path, file_okay=False),
    help="Directory to write into.",
)
@click.option("--town", type=click.Choice(list(SIZES)), default="full", show_default=True, help="Size of the town.")
@click.option("--seed", type=int, default=1, show_default=True, help="Equal seeds and options give equal files.")
@click.option("--start", type=click.DateTime(["%Y-%m-%d"]), default="2020-02-01", show_default=True, help="First day.")
@click.option(
    "--days", type=int, default=14, show_default=True, help="Days of daily life; two more bring all to an end."
)
@click.option("--returnees", type=int, help="People under observation, instead of the town's own.")
@click.option("--residents", type=int, help="People in all, instead of the town's own.")
@click.option("--households", type=int, help="Households, instead of the town's own.")
@click.option("--compounds", type=int, help="Compounds, each with a gate, instead of the town's own.")
@click.option(
    "--scan-share",
    type=float,
    default=1.0,
    show_default=True,
    metavar="F",
    help="Share of everyday scans that is written; people under observation are never thinned.",
)
@click.option("--tick-minutes", type=int, default=60, show_default=True, help="Minutes between ticks, 5 to 60.")
@_rate_options
@click.option("--force", is_flag=True, help="Write into a directory that is not empty.")
@click.option("--json", "as_json", is_flag=True, help="End with the summary as JSON, as in town.json.")
def command(directory: Path, town: str, start: datetime, force: bool, as_json: bool, **options: Any) -> None:
    """Make a town: a history of events, and the verdicts, alerts and dead letters that must follow from it.

    The history (events.ndjson) is in log order, ticks included: `gridwatch replay` reads it as it stands. The truth beside
    it is computed from what was planned, not by the rules. Exit status: 0 the town is written, 2 an option is wrong.
    """
    settings = _settings(town, start.date(), options)
    if not force and directory.exists() and any(directory.iterdir()):
        raise click.BadParameter(f"{directory} is not empty; choose another or add --force", param_hint="--out")
    try:
        with _progress() as progress:
            summary = write_town(settings, directory, progress)
    except OSError as error:
        raise click.BadParameter(f"{directory} cannot be written: {error.strerror}", param_hint="--out") from None
    click.echo(json.dumps(summary.as_json(), indent=2) if as_json else _describe(summary, directory))


def _settings(town: str, start_on: date, options: dict[str, Any]) -> TownSettings:
    """Build the settings from the options that were given; the rest is the town's own."""
    given = {name: value for name, value in options.items() if value is not None}
    rates = {rate.name: given.pop(rate.name) for rate in dataclasses.fields(Rates)}
    try:
        return TownSettings(start_on=start_on, rates=Rates(**rates), **(SIZES[town] | given))
    except SettingsError as error:
        option = "--start" if error.name == "start_on" else f"--{error.name.replace('_', '-')}"
        raise click.BadParameter(error.message, param_hint=option) from None


@contextmanager
def _progress() -> Iterator[Progress | None]:
    """Yield what shows a bar over the days on standard error, where that is a terminal."""
    if not sys.stderr.isatty():
        yield None
        return
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, TextColumn, TimeElapsedColumn
    from rich.progress import Progress as Bar

    columns = (
        TextColumn("days"),
        BarColumn(),
        MofNCompleteColumn(),
        TextColumn("{task.fields[lines]:,} lines"),
        TimeElapsedColumn(),
    )
    with Bar(*columns, console=Console(stderr=True)) as bar:
        task = bar.add_task("days", total=None, lines=0)
        yield lambda done, total, lines: bar.update(task, completed=done, total=total, lines=lines)


def _describe(summary: TownSummary, directory: Path) -> str:
    settings = summary.settings
    kept = f"{summary.scans_written:,} of {summary.scans_in_full:,} everyday scans"
    rows = (
        (
            "town",
            f"{settings.compounds:,} compounds, {settings.households:,} households, {settings.residents:,} people",
        ),
        ("observed", f"{settings.returnees:,} returnees, {settings.days} days and 2 to end"),
        (EVENTS, f"{summary.lines:,} lines: {summary.ticks:,} ticks, {kept}, stories"),
        (TRUTH_CHECKS, _counts(summary.checks)),
        (TRUTH_ALERTS, _counts(summary.alerts)),
        (TRUTH_DEAD_LETTERS, _counts(summary.dead_letters)),
        ("next", f"gridwatch replay --events {directory / EVENTS} --alerts alerts.ndjson --checks checks.ndjson"),
    )
    width = max(len(name) for name, _ in rows)
    return "\n".join(f"{name:<{width}}  {text}" for name, text in rows)


def _counts(counts: dict[str, int]) -> str:
    return f"{sum(counts.values()):,}: " + ", ".join(f"{word} {count:,}" for word, count in counts.items())
