"""`gridwatch policy`: check a policy file, and let it hold."""

import asyncio
import hashlib
import json
from datetime import UTC, datetime
from pathlib import Path

import click

from events.policy import Policy
from streams.cli.failures import surroundings_failed
from streams.cli.replay import read_policy
from streams.settings import Settings


@click.command(epilog="Example: gridwatch policy deploy/policies/default.toml --apply")
@click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option(
    "--apply",
    "applies",
    is_flag=True,
    help="Send it into the log: it holds from there on. Without it the file is only checked.",
)
@click.option("--source-id", default="gridwatch-policy", show_default=True, help="Who sends it, as the log will say.")
@click.option("--json", "as_json", is_flag=True, help="Write the result as JSON.")
@click.pass_obj
def command(settings: Settings, file: Path, applies: bool, source_id: str, as_json: bool) -> None:
    """Check a policy (TOML), and with --apply send it as a `policy_changed` record.

    A live log begins with a policy. One whose version the log has seen with other content is refused there, in
    `dead-letters`. Windows that have begun keep the policy they began under. Exit status: 0 the policy is sound (and was
    sent), 2 it is not, and the field is named, 4 the brokers or topics are not there.
    """
    policy = read_policy(file)
    assert policy is not None, "the argument is required"
    if applies:
        try:
            asyncio.run(_send(settings, policy, source_id))
        except (OSError, LookupError, RuntimeError) as error:
            surroundings_failed(f"cannot send to {settings.kafka.brokers}", error)
    checks = [f"{check.name} ({', '.join(window.name for window in check.windows)})" for check in policy.checks]
    if as_json:
        click.echo(json.dumps({"policy_version": policy.policy_version, "sent": applies, "checks": checks}))
    else:
        click.echo(
            f"policy {policy.policy_version}, {policy.timezone}: {'; '.join(checks)}; {'sent' if applies else 'sound'}"
        )


async def _send(settings: Settings, policy: Policy, source_id: str) -> None:
    from events.codec import encode
    from events.records import PolicyChanged
    from streams.broker.outputs import Output
    from streams.broker.publisher import Publisher

    now = datetime.now(UTC)
    content = hashlib.sha256(f"{policy.policy_version}{policy.content}".encode()).hexdigest()[:12]
    record = PolicyChanged(
        event_id=f"policy-{content}-{int(now.timestamp() * 1000)}", source_id=source_id, occurred_at=now, policy=policy
    )
    async with Publisher(settings) as publisher:
        await publisher.publish([Output(record.topic, source_id.encode(), encode(record))])
