"""`gridwatch topics`: create the topics and check those that exist."""

import json
import sys
from dataclasses import asdict

import click
from kafka.errors import KafkaError

from streams.broker.topics import TopicPlan, TopicState, create_topics, plan_topics
from streams.cli.failures import surroundings_failed
from streams.settings import Settings

EXIT_DIFFERENT = 1


@click.command(epilog="Example: gridwatch topics --apply")
@click.option(
    "--apply", "applies", is_flag=True, help="Create what is missing. Without it nothing is changed (dry run)."
)
@click.option("--json", "as_json", is_flag=True, help="Write the plan as JSON.")
@click.pass_obj
def command(settings: Settings, applies: bool, as_json: bool) -> None:
    """Show which topics are missing or different, and create the missing ones with --apply.

    A topic that exists and differs is never changed: how depends on what it holds, and is said. Exit status: 0 all is as
    expected, 1 something is missing or different, 2 the command is wrong, 4 no broker answers.
    """
    try:
        plans = plan_topics(settings)
        if applies:
            created = create_topics(settings, plans)
            plans = plan_topics(settings)
            if not as_json:
                click.echo(f"created {len(created)} topics")
    except KafkaError as error:
        surroundings_failed(f"the brokers at {settings.kafka.brokers} do not answer as expected", error)
    _show(plans, as_json=as_json)
    if any(plan.state is not TopicState.AS_EXPECTED for plan in plans):
        sys.exit(EXIT_DIFFERENT)


def _show(plans: list[TopicPlan], *, as_json: bool) -> None:
    if as_json:
        click.echo(json.dumps([asdict(plan) for plan in plans], indent=2))
        return
    width = max(len(plan.name) for plan in plans)
    for plan in plans:
        click.echo(
            f"{plan.name:<{width}}  {plan.partitions:>3} partitions  {plan.configs['cleanup.policy']:<7}  {plan.state}"
        )
        for difference in plan.differences:
            click.echo(f"{'':<{width}}  {difference}")
    if any(plan.state is TopicState.MISSING for plan in plans):
        click.echo("`gridwatch topics --apply` creates what is missing")
