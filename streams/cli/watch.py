"""`gridwatch watch`: the alerts as they come."""

import asyncio
import json
import sys
from collections.abc import Callable
from typing import TYPE_CHECKING

import click

from events.vocabulary import AlertState, RuleName, Severity
from streams.cli.failures import surroundings_failed
from streams.settings import Settings

if TYPE_CHECKING:
    from streams.following import AlertDocument, AlertFilter

_COLOURS = {"critical": "red", "warning": "yellow", "info": "cyan"}


@click.command(epilog="Example: gridwatch watch --area jintang/huaikou --severity warning")
@click.option("--area", default="", help="Only this area and all below it, like jintang/huaikou.")
@click.option(
    "--rule",
    "rules",
    multiple=True,
    type=click.Choice([rule.value for rule in RuleName]),
    help="Only this rule; repeatable.",
)
@click.option(
    "--severity",
    type=click.Choice([each.value for each in Severity]),
    default="info",
    help="This one and the more severe.",
)
@click.option(
    "--state",
    "states",
    multiple=True,
    type=click.Choice([each.value for each in AlertState]),
    help="Only in this state; repeatable.",
)
@click.option("--from-start", is_flag=True, help="Begin with the oldest alert there is, not with the next one.")
@click.option("--until-end", is_flag=True, help="Stop at the alert that is the last one now.")
@click.option("--json", "as_json", is_flag=True, help="Write each revision as one line of JSON.")
@click.pass_obj
def command(
    settings: Settings,
    area: str,
    rules: tuple[str, ...],
    severity: str,
    states: tuple[str, ...],
    from_start: bool,
    until_end: bool,
    as_json: bool,
) -> None:
    """Follow the alerts: one line for every revision, each once. End with Ctrl-C.

    A line says when (UTC), how severe, in which state and why, which rule, whom or what it is about, and where. Exit
    status: 0 stopped, 4 brokers or topics are not there.
    """
    from streams.following import AlertFilter

    wanted = AlertFilter(area.strip("/"), frozenset(rules), Severity(severity), frozenset(states))
    show = _show_json if as_json else _show_line
    try:
        asyncio.run(_follow(settings, wanted, show, from_start=from_start, until_end=until_end))
    except KeyboardInterrupt:
        pass
    except BrokenPipeError:
        raise  # whoever read the lines has enough
    except (OSError, LookupError, RuntimeError) as error:
        surroundings_failed(f"cannot follow alerts at {settings.kafka.brokers}", error)


async def _follow(
    settings: Settings,
    wanted: "AlertFilter",
    show: "Callable[[AlertDocument], None]",
    *,
    from_start: bool,
    until_end: bool,
) -> None:
    from streams.following import Revisions, follow

    revisions = Revisions("alert_id")
    async for alert in follow(settings, "alerts", from_start=from_start, until_end=until_end):
        if revisions.is_new(alert) and wanted.lets_through(alert):
            show(alert)


def _show_json(alert: "AlertDocument") -> None:
    click.echo(json.dumps(alert, ensure_ascii=False, separators=(",", ":")))


def _show_line(alert: "AlertDocument") -> None:
    click.echo(alert_line(alert, in_colour=sys.stdout.isatty()))


def alert_line(alert: "AlertDocument", *, in_colour: bool) -> str:
    """Return one line for a person to read about a revision of an alert."""
    severity = f"{alert['severity']:<8}"
    if in_colour:
        severity = click.style(severity, fg=_COLOURS[alert["severity"]], bold=alert["state"] == "open")
    parts = (
        alert["updated_at"],
        severity,
        f"{alert['state']:<12}",
        f"{alert['rule']:<19}",
        f"{alert['subject']:<20}",
        f"{alert['area']:<30}",
        f"{alert['occurrence']}  {alert['reason']}",
    )
    return "  ".join(parts)
