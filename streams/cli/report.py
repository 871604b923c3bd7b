"""`gridwatch report`: the figures of a day and an area."""

from datetime import datetime
from typing import TYPE_CHECKING

import click

from streams.cli.migrate import open_database

if TYPE_CHECKING:
    from streams.settings import Settings

UNKNOWN_AREA = 3


@click.command("report")
@click.option("--date", "day", type=click.DateTime(["%Y-%m-%d"]), required=True, help="Local day, YYYY-MM-DD.")
@click.option("--area", required=True, help="Area path, like jintang/huaikou.")
@click.option("--level", type=click.IntRange(2, 8), help="List the areas of this depth; by default those right below.")
@click.option("--format", "form", type=click.Choice(["table", "csv", "json"]), default="table", show_default=True)
@click.pass_context
def command(context: click.Context, *, day: datetime, area: str, level: int | None, form: str) -> None:
    """Print the figures of a day: the area first, then each area below it.

    Checks expected, done, late, missed, waived and unknown; readings and fevers; scans; alerts that are open now.
    What is expected is known once the day is closed, until then it is empty (`?` in the table, null in JSON).
    Exit status 3 when nothing is known of the area.

    \b
    Example:
      gridwatch report --date 2020-02-03 --area jintang/huaikou
      gridwatch report --date 2020-02-03 --area jintang --level 3 --format csv > 2020-02-03.csv
    """
    from sinks.clickhouse.report import UnknownAreaError, daily_report, normalised_area
    from sinks.clickhouse.report_text import as_csv, as_json, as_table

    settings: Settings = context.obj
    try:
        asked = normalised_area(area)
    except ValueError as error:
        raise click.BadParameter(str(error), context, param_hint="--area") from None
    with open_database(settings, seconds=5) as database:
        try:
            report = daily_report(database, day.date(), asked, level)
        except ValueError as error:
            raise click.BadParameter(str(error), context, param_hint="--level") from None
        except UnknownAreaError as error:
            click.echo(f"Error: {error}", err=True)
            context.exit(UNKNOWN_AREA)
    write = {"table": as_table, "csv": as_csv, "json": as_json}[form]
    click.echo(write(report), nl=False)
