"""Everything of `gridwatch up`: every part as a process of its own, and a policy in the log to begin with."""

import asyncio
import shutil
import signal
import threading
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from pathlib import Path

from events.codec import encode
from events.policy import Policy, default_policy
from events.records import PolicyChanged
from streams.broker.outputs import Output
from streams.broker.publisher import Publisher
from streams.embedded.broker import free_port
from streams.settings import Settings
from streams.trying.machine import machine

_READY_SECONDS = 60.0
# Each with what it logs once it is ready; the clock is started last.
_PARTS: dict[tuple[str, ...], str] = {
    ("worker", "intake"): "worker ready",
    ("worker", "watch"): "worker ready",
    ("sink",): "sink_started",
    ("gateway",): "gateway listens",
}
_CLOCK: tuple[str, ...] = ("clock",)


def run_everything(directory: Path, port: int, policy: Policy | None, say: Callable[[str], object]) -> None:
    """Run all parts until SIGINT or SIGTERM; raises PartFailedError when one ends by itself.

    The broker begins empty every time, so what an earlier run left in the directory is removed: its figures belong to a
    log that is gone.
    """
    shutil.rmtree(directory, ignore_errors=True)
    stop = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stop.set())
    with machine(directory, port=port) as (settings, processes):
        ports = {arguments: free_port() for arguments in (*_PARTS, _CLOCK)}
        for arguments in _PARTS:
            processes.start(*arguments, health_port=ports[arguments])
        for arguments, text in _PARTS.items():
            processes.wait_for_log("-".join(arguments), text, _READY_SECONDS)
        asyncio.run(_begin_log(settings, policy or default_policy()))
        processes.start(*_CLOCK, health_port=ports[_CLOCK])
        _say_what_runs(settings, directory, ports, say)
        while not stop.wait(0.5):
            processes.check()
        say("stopping ...")


async def _begin_log(settings: Settings, policy: Policy) -> None:
    """Send the policy with which the log begins."""
    record = PolicyChanged(
        event_id="policy-at-start", source_id="gridwatch-up", occurred_at=datetime.now(UTC), policy=policy
    )
    async with Publisher(settings) as publisher:
        await publisher.publish([Output("commands", record.source_id.encode(), encode(record))])


def _say_what_runs(
    settings: Settings, directory: Path, ports: Mapping[tuple[str, ...], int], say: Callable[[str], object]
) -> None:
    config = directory / "gridwatch.toml"
    say(f"gridwatch is up: broker {settings.kafka.brokers}, ClickHouse {settings.clickhouse.dsn}, logs in {directory}")
    say("try in another terminal:")
    say(f"  gridwatch --config {config} watch")
    say(f"  gridwatch --config {config} doctor --no-clickhouse")
    say(f"  gridwatch --config {config} send FILE.ndjson")
    gate = "gate-1 --kind checkpoint_scanned --area jintang --checkpoint gate-1"
    say(f"  gridwatch --config {config} sources add {gate}    # a key for a device")
    say(f"  devices post to http://{settings.gateway.host}:{settings.gateway.port}/v1/events")
    for arguments, port in ports.items():
        say(f"  curl http://127.0.0.1:{port}/readyz    # {' '.join(arguments)}; also /livez and /metrics")
    say("Ctrl-C stops everything")
