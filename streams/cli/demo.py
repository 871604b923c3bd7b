"""`gridwatch demo`: a whole town watched for its 14 days, and compared with what must come."""

import asyncio
import shutil
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from streams.cli.watch import alert_line

if TYPE_CHECKING:
    from sinks.clickhouse.driver import Database
    from streams.following import AlertDocument
    from streams.trying.demo import DemoProgress
    from streams.trying.truth import Comparison

EXIT_DIFFERENT = 1
_SCAN_SHARE = {"full": 0.1, "small": 0.25}
_DIRECTORY = Path(".gridwatch/demo")
_AREA = "jintang"
_LINES_A_DAY_MAX = 3


@click.command(epilog="Example: gridwatch demo --town small")
@click.option(
    "--town",
    type=click.Choice(["full", "small"]),
    default="full",
    help="351 compounds and 125,587 people, or a dozen compounds.",
)
@click.option("--seed", type=int, default=1, help="Another seed is another story.")
@click.option(
    "--directory",
    type=click.Path(file_okay=False, path_type=Path),
    default=_DIRECTORY,
    help="Where town, tables and logs go.",
)
def command(town: str, seed: int, directory: Path) -> None:
    """Watch a simulated town for its 14 days through the real agents, on this machine.

    Starts an embedded broker and the embedded ClickHouse engine (for trying only), sends the town's events hour by hour,
    shows the alerts as they come, and compares every verdict, alert and dead letter with the town's ground truth. Exit
    status: 0 all of it came and nothing more, 1 it did not.
    """
    from streams.logs import configure_logs

    configure_logs("auto", "warning")
    began = time.monotonic()
    shutil.rmtree(directory, ignore_errors=True)
    _make_town(town, seed, directory / "town")
    comparisons = _run(directory)
    seconds = time.monotonic() - began
    _show_comparisons(comparisons, seconds)
    _show_next(directory, directory / "town")
    sys.exit(0 if all(each.is_equal for each in comparisons) else EXIT_DIFFERENT)


def _make_town(town: str, seed: int, directory: Path) -> None:
    from streams.town.settings import SIZES, TownSettings
    from streams.town.write import write_town

    sizes: dict[str, Any] = {**SIZES[town], "scan_share": _SCAN_SHARE[town]}
    summary = write_town(TownSettings(seed=seed, **sizes), directory)
    settings = summary.settings
    click.echo(
        f"town: {settings.compounds:,} compounds, {settings.households:,} households, {settings.residents:,} people, "
        f"{settings.returnees:,} under observation"
    )
    click.echo(
        f"      {summary.lines - summary.ticks:,} records in {settings.days} days; everyday scans thinned to "
        f"{settings.scan_share:.0%}, people under observation never"
    )


def _run(directory: Path) -> "list[Comparison]":
    from sinks.clickhouse.driver import connect
    from sinks.clickhouse.migration import migrate
    from streams.trying.demo import DemoShow, compare_with_truth, run_town, running_sink, wait_for_sink
    from streams.trying.machine import machine

    display = _Display()
    with machine(directory, commit_seconds=0.02) as (settings, processes):
        click.echo("      broker, topics, tables, gateway, intake and watch are starting ...")
        processes.start("worker", "intake")
        processes.start("worker", "watch")
        database = connect(settings.clickhouse.dsn, settings.clickhouse.database, create=True)
        try:
            migrate(database)
            for name in ("worker-intake", "worker-watch"):
                processes.wait_for_log(name, "worker ready", 60)
            with running_sink(settings, database) as sink:
                show = DemoShow(display.tick, display.alert)
                progress = asyncio.run(run_town(settings, directory / "town" / "events.ndjson", _AREA, processes, show))
                wait_for_sink(settings, sink)
            display.end()
            click.echo(f"      {progress.posted:,} of the records are scans that gates posted to the gateway")
            _show_figures(database)
            return compare_with_truth(database, directory / "town")
        finally:
            database.close()


class _Display:
    """A line a day, and below it the critical alerts of that day; on a terminal also where the clock stands."""

    def __init__(self) -> None:
        self._day = ""
        self._shown = self._held_back = 0
        self._is_terminal = sys.stdout.isatty()

    def tick(self, progress: "DemoProgress") -> None:
        assert progress.clock is not None
        day = progress.clock.date().isoformat()
        alerts = progress.alerts.total()
        line = f"{day}  {progress.records:>8,} records  {progress.ticks:>4} ticks  {alerts:>4} alerts so far"
        if day != self._day:
            self._end_day()
            self._day = day
            click.echo(("\r\033[K" if self._is_terminal else "") + line)
        elif self._is_terminal:
            click.echo(f"\r\033[K{progress.clock:%Y-%m-%d %H:%M}Z {line[10:]}", nl=False)

    def alert(self, alert: "AlertDocument") -> None:
        if alert["severity"] != "critical" or alert["revision"] > 1:
            return
        if self._shown >= _LINES_A_DAY_MAX:
            self._held_back += 1
            return
        self._shown += 1
        click.echo(("\r\033[K" if self._is_terminal else "") + "  " + alert_line(alert, in_colour=self._is_terminal))

    def _end_day(self) -> None:
        if self._held_back:
            click.echo(("\r\033[K" if self._is_terminal else "") + f"  and {self._held_back} more critical alerts")
        self._shown = self._held_back = 0

    def end(self) -> None:
        self._end_day()
        if self._is_terminal:
            click.echo("\r\033[K", nl=False)


def _show_figures(database: "Database") -> None:
    from streams.trying.demo import figures_by_day

    columns = ("date", "decided", "done", "late", "missed", "waived", "unknown")
    click.echo(f"\nchecks of {_AREA} by day, from ClickHouse")
    click.echo("  ".join(f"{column:>10}" for column in columns))
    rows = figures_by_day(database, _AREA)
    total: dict[str, Any] = {"date": "all"} | {name: sum(int(row[name]) for row in rows) for name in columns[1:]}
    for row in [*rows, total]:
        click.echo("  ".join(f"{row[column]:>10}" for column in columns))


def _show_comparisons(comparisons: "list[Comparison]", seconds: float) -> None:
    click.echo("\nwhat came against what the town planned")
    for each in comparisons:
        click.echo(
            f"  {each.name:<13}{each.expected:>7,} expected  {len(each.missing):>4} missing  {len(each.extra):>4} extra  "
            f"{len(each.different):>4} different"
        )
    if all(each.is_equal for each in comparisons):
        click.echo(f"  all of it, and nothing more, in {seconds:.0f} s")
    else:
        click.echo("  the town and the pipeline do not agree")


def _show_next(directory: Path, town: Path) -> None:
    command = Path(sys.argv[0]).name if shutil.which("gridwatch") else ".venv/bin/gridwatch"
    click.echo("\nnext")
    click.echo(f"  {command} --config {directory}/gridwatch.toml report --date 2020-02-05 --area {_AREA} --level 2")
    click.echo(f"  {command} replay --events {town}/events.ndjson --alerts alerts.ndjson --checks checks.ndjson")
    click.echo(f"  {command} up    (then send records of your own, as the README shows)")
