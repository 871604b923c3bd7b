"""The real parts of a day: one Kafka node, its topics, the sources, two gateways and an intake, all to be killed."""

from __future__ import annotations

import asyncio
import os
import subprocess
import time
from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager, closing, suppress
from dataclasses import dataclass, field
from http.client import HTTPConnection, HTTPException
from pathlib import Path

from events.records import RAW_TOPICS
from streams.broker.offsets import behind
from streams.broker.outputs import Output
from streams.broker.publisher import Publisher
from streams.broker.topics import create_topics, plan_topics
from streams.gateway.registrar import PARTITION, TOPIC
from streams.gateway.registry import write_source
from streams.settings import KafkaSettings, Settings, TopicSettings
from tests.chaos.cluster import SCRIPT
from tests.chaos.parts import Part
from tests.chaos.progress import GroupProgress
from tests.chaos.scene import SOUND
from tests.day.plan import Plan, device_of, register
from tests.support.processes import REPOSITORY

GATEWAYS = 2
_READY_S = 60.0
_PREFIX = "day."


class StageError(RuntimeError):
    """A part did not do what it was told; the message says which."""


@dataclass(slots=True)
class Stage:
    """The parts of one day; the node takes `port` and the next one, gateways those behind."""

    directory: Path
    port: int
    gateway: str = SOUND  # the module that stands for `gridwatch` where it is the gateway
    settings: Settings = field(init=False)
    parts: dict[str, Part] = field(default_factory=dict)
    ready_s: list[float] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.settings = Settings(
            topic_prefix=_PREFIX,
            group_prefix=_PREFIX,
            kafka=KafkaSettings(brokers=f"127.0.0.1:{self.port}"),
            topics=TopicSettings(
                raw_partitions=4,
                timeline_partitions=4,
                result_partitions=1,
                replication_factor=1,
                min_insync_replicas=1,
            ),
        )

    @property
    def gateway_ports(self) -> tuple[int, ...]:
        """Return where the gateways listen."""
        return tuple(self.port + 2 + number for number in range(GATEWAYS))

    async def kafka(self, command: str) -> None:
        """Have kafka.sh do something with the node."""
        await asyncio.to_thread(self._kafka, command)

    def _kafka(self, command: str) -> None:
        more = ["--port", str(self.port), "--dir", str(self.directory / "kafka")]
        done = subprocess.run([SCRIPT, command, *more], capture_output=True, text=True, check=False)
        if done.returncode != 0:
            raise StageError(done.stdout + done.stderr)

    async def register(self, plan: Plan) -> None:
        """Write all sources into the registry."""
        outputs = []
        for number in range(plan.devices):
            device = device_of(plan.seed, number)
            _, source = register(plan.seed, device, plan.begin)
            outputs.append(Output(TOPIC, device.source_id.encode(), write_source(source), PARTITION))
        async with Publisher(self.settings) as publisher:
            await publisher.publish(outputs)

    def start(self) -> None:
        """Start gateways and intake, and keep them running."""
        for number, port in enumerate(self.gateway_ports, 1):
            self._add(f"gateway-{number}", ("gateway",), {"GRIDWATCH_GATEWAY__PORT": str(port)})
        self._add("intake-1", ("worker", "intake"), {"GRIDWATCH_WORKER__INSTANCE_ID": "intake-1"})

    def _add(self, name: str, command: tuple[str, ...], more: dict[str, str]) -> None:
        bare = {key: value for key, value in os.environ.items() if not key.startswith("GRIDWATCH_")}
        variables = {
            "GRIDWATCH_KAFKA__BROKERS": self.settings.kafka.brokers,
            "GRIDWATCH_TOPIC_PREFIX": _PREFIX,
            "GRIDWATCH_GROUP_PREFIX": _PREFIX,
            "GRIDWATCH_LOG_FORMAT": "json",
            "PYTHONPATH": str(REPOSITORY),
        }
        module = self.gateway if command[0] == "gateway" else SOUND
        part = self.parts[name] = Part(name, module, command, bare | variables | more, self.directory / f"{name}.log")
        part.start()

    async def wait_until_ready(self, ports: Iterable[int] | None = None) -> None:
        """Wait until gateways take records; raises StageError."""
        began = time.monotonic()
        for port in self.gateway_ports if ports is None else ports:
            while not await asyncio.to_thread(_is_ready, port):
                if time.monotonic() - began > _READY_S:
                    raise StageError(f"the gateway on port {port} is not ready after {_READY_S:.0f} s")
                await asyncio.sleep(0.05)

    async def wait_for_intake(self, progress: GroupProgress, limit_s: float) -> None:
        """Wait until intake has read all that stands in the raw topics; raises StageError."""
        try:
            async with asyncio.timeout(limit_s):
                while behind(await progress.ends(*RAW_TOPICS), await progress.committed("intake")):
                    await asyncio.sleep(0.2)
        except TimeoutError:
            raise StageError(f"intake is behind after {limit_s:.0f} s") from None


def _is_ready(port: int) -> bool:
    with closing(HTTPConnection("127.0.0.1", port, timeout=2)) as connection, suppress(OSError, HTTPException):
        connection.request("GET", "/readyz")
        return connection.getresponse().status == 200
    return False


@asynccontextmanager
async def stage(directory: Path, port: int, plan: Plan, gateway: str = SOUND) -> AsyncIterator[Stage]:
    """Start everything in a directory of its own, on `port` and the three after it; Kafka's data is gone afterwards."""
    directory.mkdir(parents=True, exist_ok=True)
    built = Stage(directory, port, gateway)
    try:
        await built.kafka("clean")
        await built.kafka("start")
        await asyncio.to_thread(lambda: create_topics(built.settings, plan_topics(built.settings)))
        await built.register(plan)
        built.start()
        await built.wait_until_ready()
        yield built
    finally:
        await asyncio.gather(*(part.end() for part in built.parts.values()))
        await built.kafka("clean")
