"""`gridwatch reconcile`: is anything lost between the parts."""

import asyncio
import json
import sys
from contextlib import nullcontext
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import click

from streams.cli.failures import surroundings_failed
from streams.cli.progress import count_progress
from streams.settings import Settings

if TYPE_CHECKING:
    from sinks.clickhouse.driver import Database
    from streams.reconciling.findings import Reconciliation

EXIT_DIFFERENT = 1
_HOUR = timedelta(hours=1)


class _Hour(click.ParamType):
    """An instant at which an hour begins; without an offset it is in UTC."""

    name = "HOUR"

    def convert(self, value: object, param: click.Parameter | None, ctx: click.Context | None) -> datetime:
        if isinstance(value, datetime):
            return value
        try:
            instant = datetime.fromisoformat(str(value))
        except ValueError:
            self.fail("expected an hour like 2020-02-03T07", param, ctx)
        instant = instant.astimezone(UTC) if instant.tzinfo else instant.replace(tzinfo=UTC)
        if instant != instant.replace(minute=0, second=0, microsecond=0):
            self.fail("expected a full hour (UTC), like 2020-02-03T07", param, ctx)
        return instant


@click.command("reconcile")
@click.option("--since", type=_Hour(), help="First hour, like 2020-02-03T07 (UTC).")
@click.option("--until", type=_Hour(), help="Hour before which to stop; by default the present one.")
@click.option(
    "--hours", type=click.IntRange(1, 24 * 90), default=24, show_default=True, help="How many, without --since."
)
@click.option(
    "--examples", type=click.IntRange(0, 1000), default=5, show_default=True, help="Offsets named a difference."
)
@click.option(
    "--wait",
    "sink_seconds",
    type=click.FloatRange(0),
    default=20.0,
    show_default=True,
    help="Seconds to wait for a sink that is behind; then the ledger is left out.",
)
@click.option("--clickhouse/--no-clickhouse", default=True, help="Look at ClickHouse too.")
@click.option(
    "--mend", "mends", is_flag=True, help="Write what was overtaken by a frozen process once more; needs ClickHouse."
)
@click.option("--json", "as_json", is_flag=True, help="Write one document of JSON.")
@click.pass_context
def command(
    context: click.Context,
    *,
    since: datetime | None,
    until: datetime | None,
    hours: int,
    examples: int,
    sink_seconds: float,
    clickhouse: bool,
    mends: bool,
    as_json: bool,
) -> None:
    """Compare what the parts hold of some hours: raw topics, timeline, dead letters, verdicts, alerts and ClickHouse.

    Counts and checksums by partition and hour, and the ledger by area and day: expected = done + late + missed + waived +
    unknown + pending. The hours are those of the brokers' stamps. Compared is what intake and the sink have committed; the
    rest is under way. Joins no group, and names topics, partitions, offsets, hours and areas alone.

    Reads only, unless --mend is given: where an old revision, written by a process that was frozen, stands behind the
    highest one, compaction would keep the old one. The highest is written once more then, to the byte; readers know it.

    Exit status: 0 all agrees, 1 something differs, 2 the command is wrong, 4 brokers, topics or ClickHouse are not there.

    \b
    Example:
      gridwatch reconcile --hours 3 --mend
      gridwatch reconcile --since 2020-02-03T07 --until 2020-02-03T09 --json
    """
    from aiokafka.errors import KafkaError as AsyncKafkaError
    from kafka.errors import KafkaError

    from streams.cli.migrate import open_database

    settings: Settings = context.obj
    if mends and not clickhouse:
        raise click.UsageError("--mend needs ClickHouse, which knows all revisions")
    asked = _range(since, until, hours)
    with open_database(settings, seconds=5) if clickhouse else nullcontext() as database:
        try:
            found = _reconcile(settings, database, asked, examples, sink_seconds, mends=mends)
        except (AsyncKafkaError, KafkaError, OSError) as error:
            surroundings_failed(f"cannot read the topics at {settings.kafka.brokers}", error)
    _show(found, as_json=as_json)
    sys.exit(0 if found.agrees else EXIT_DIFFERENT)


def _range(since: datetime | None, until: datetime | None, hours: int) -> tuple[datetime, datetime]:
    until = until or datetime.now(UTC).replace(minute=0, second=0, microsecond=0)
    since = since or until - hours * _HOUR
    if since >= until:
        raise click.BadParameter("expected an hour after --since", param_hint="--until")
    return since, until


def _reconcile(
    settings: Settings,
    database: "Database | None",
    asked: tuple[datetime, datetime],
    examples: int,
    sink_seconds: float,
    *,
    mends: bool,
) -> "Reconciliation":
    from streams.cli.reconcile_tables import TableComparison, expected_rows
    from streams.reconcile import read_results, take_standing
    from streams.reconcile_records import read_records
    from streams.reconciling.findings import LedgerDay, Reconciliation, hour_of

    since, until = asked
    hours = range(hour_of(since), hour_of(until))
    try:
        standing = asyncio.run(take_standing(settings, sink_seconds=sink_seconds if database else 0.0))
    except LookupError as error:  # a topic is not there
        surroundings_failed("cannot compare", error)
    expected = expected_rows(settings, standing) if database else None
    with count_progress("hours", len(hours) * (2 if expected else 1)) as advance:
        records = asyncio.run(read_records(settings, standing, hours, expected, advance, examples=examples))
        findings, ledger = records.findings, list[LedgerDay]()
        if database is not None and expected is not None:
            asyncio.run(read_results(settings, standing, hours, expected, advance))
            tables = TableComparison(settings, standing, database, hours, examples)
            rows, revisions = tables.rows(expected), tables.revisions(expected)
            last = tables.last_revisions(expected, mends=mends)
            figures, ledger = tables.ledger(records.ticks)
            findings = [*findings, *rows, revisions, last, *figures]
    return Reconciliation(since, until, findings, ledger)


def _show(found: "Reconciliation", *, as_json: bool) -> None:
    from streams.reconciling.shown import document, show

    if as_json:
        click.echo(json.dumps(document(found), ensure_ascii=False, indent=2))
    else:
        show(found)
