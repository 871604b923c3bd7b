"""`gridwatch doctor`: is everything reachable, compatible, caught up; what to do if not."""

import asyncio
import json
import logging
import sys
from dataclasses import asdict
from typing import TYPE_CHECKING

import click

from streams.settings import Settings

if TYPE_CHECKING:
    from streams.checkup import Finding

EXIT_BROKEN = 1
_COLOURS = {"good": "green", "slow": "yellow", "broken": "red"}


@click.command(epilog="Example: gridwatch doctor --json")
@click.option("--json", "as_json", is_flag=True, help="Write the findings as JSON.")
@click.option("--clickhouse/--no-clickhouse", default=True, help="Look at ClickHouse too.")
@click.pass_obj
def command(settings: Settings, as_json: bool, clickhouse: bool) -> None:
    """Check brokers, topics, intake, watch, sink, the clock of the log and ClickHouse, and say what to do.

    `slow` is something that passes by itself or can wait, `broken` something that does not. Exit status: 0 nothing is
    broken, 1 something is.
    """
    from streams.checkup import examine

    logging.disable(logging.WARNING)  # what fails is a finding, said once
    findings = asyncio.run(examine(settings))
    if clickhouse:
        findings.append(_clickhouse(settings))
    if as_json:
        click.echo(json.dumps([asdict(finding) for finding in findings], indent=2))
    else:
        for finding in findings:
            _show(finding)
    sys.exit(EXIT_BROKEN if any(finding.health == "broken" for finding in findings) else 0)


def _show(finding: "Finding") -> None:
    health = click.style(f"{finding.health.value:<7}", fg=_COLOURS[finding.health.value])
    click.echo(f"{health} {finding.what:<12} {finding.found}")
    if finding.advice:
        click.echo(f"{'':<21}-> {finding.advice}")


def _clickhouse(settings: Settings) -> "Finding":
    from sinks.clickhouse.driver import (
        ClickHouseRefusedError,
        ClickHouseUnavailableError,
        NoSuchDatabaseError,
        Patience,
        connect,
    )
    from sinks.clickhouse.migration import MigrationError, pending_migrations
    from streams.checkup import Finding, Health

    advice = "check clickhouse.dsn; an engine in a directory belongs to one process at a time"
    try:
        database = connect(settings.clickhouse.dsn, settings.clickhouse.database, patience=Patience(total_seconds=5))
    except NoSuchDatabaseError as error:
        return Finding("clickhouse", Health.BROKEN, str(error), "`gridwatch migrate` makes it")
    except (ClickHouseRefusedError, ClickHouseUnavailableError, ValueError) as error:
        return Finding("clickhouse", Health.BROKEN, str(error), advice)
    try:
        pending = pending_migrations(database)
    except (MigrationError, ClickHouseRefusedError, ClickHouseUnavailableError) as error:
        return Finding("clickhouse", Health.BROKEN, str(error), "see `gridwatch migrate --status`")
    finally:
        database.close()
    if pending:
        return Finding("clickhouse", Health.BROKEN, f"{len(pending)} migrations are to come", "`gridwatch migrate`")
    return Finding("clickhouse", Health.GOOD, f"{database.target} is up to date")
