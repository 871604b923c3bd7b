"""`gridwatch migrate`: bring the tables of ClickHouse to the schema of this version."""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

import click

from streams.cli.failures import EXIT_SURROUNDINGS

if TYPE_CHECKING:
    from sinks.clickhouse.driver import Database
    from sinks.clickhouse.migration import Applied, Migration
    from streams.settings import Settings

PENDING = 3


class SurroundingsError(click.ClickException):
    """What the command needs is not there, or will not do it."""

    exit_code = EXIT_SURROUNDINGS


@contextmanager
def open_database(
    settings: "Settings",
    *,
    create: bool = False,
    seconds: float = 60.0,
    pause: Callable[[float], object] = time.sleep,
) -> Iterator["Database"]:
    """Open the configured database; what is wrong with it ends the command with one sentence.

    What may pass is tried again for so many `seconds`; `pause` waits between attempts.

    Exit status 2 for a DSN that is none, 4 when ClickHouse is out of reach or refuses, or the schema does not fit.
    """
    from sinks.clickhouse.driver import (
        ClickHouseRefusedError,
        ClickHouseUnavailableError,
        Patience,
        connect,
        parse_target,
    )
    from sinks.clickhouse.migration import MigrationError

    try:
        parse_target(settings.clickhouse.dsn, settings.clickhouse.database)
    except ValueError as error:
        raise click.UsageError(f"clickhouse.dsn: {error}") from None
    try:
        database = connect(
            settings.clickhouse.dsn,
            settings.clickhouse.database,
            create=create,
            patience=Patience(total_seconds=seconds),
            pause=pause,
        )
        try:
            yield database
        finally:
            database.close()
    except (ClickHouseRefusedError, ClickHouseUnavailableError, MigrationError) as error:
        raise SurroundingsError(str(error)) from error


@click.command("migrate")
@click.option("--dry-run", is_flag=True, help="Show the statements that would run, and change nothing.")
@click.option("--status", is_flag=True, help="List applied and pending migrations; exit status 3 when any is pending.")
@click.pass_context
def command(context: click.Context, *, dry_run: bool, status: bool) -> None:
    """Bring the ClickHouse tables to the schema of this version.

    Safe to run twice, and by several at once. Refuses, before anything is changed, a migration that was edited after it
    was applied, one that is missing, and a database that is newer than this program.

    \b
    Example:
      gridwatch migrate --dry-run
      gridwatch migrate
    """
    if dry_run and status:
        raise click.UsageError("--dry-run and --status exclude each other")
    from sinks.clickhouse.migration import migrate

    if dry_run or status:
        _show(context, with_statements=dry_run)
        return
    with open_database(context.obj, create=True) as database:
        done = migrate(database)
        for migration in done:
            click.echo(f"applied {migration.label}")
        if not done:
            click.echo(f"{database.target} is up to date")


def _show(context: click.Context, *, with_statements: bool) -> None:
    applied, pending = _state(context.obj)
    if with_statements:
        for migration in pending:
            click.echo(f"-- {migration.label}\n" + ";\n\n".join(migration.statements) + ";\n")
        return
    for done in applied:
        click.echo(f"applied {done.version:04d}_{done.name}")
    for migration in pending:
        click.echo(f"pending {migration.label}")
    if pending:
        context.exit(PENDING)


def _state(settings: "Settings") -> "tuple[list[Applied], list[Migration]]":
    from sinks.clickhouse.driver import NoSuchDatabaseError
    from sinks.clickhouse.migration import applied_migrations, packaged_migrations, plan

    try:
        with open_database(settings, seconds=5) as database:
            applied = applied_migrations(database)
            return applied, plan(packaged_migrations(), applied)
    except click.ClickException as error:
        if isinstance(error.__cause__, NoSuchDatabaseError):
            return [], packaged_migrations()
        raise
