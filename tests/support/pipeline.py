"""The whole pipeline on a broker under test: topics of its own, every part a process, and what the topics hold."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Self

from aiokafka import AIOKafkaConsumer, TopicPartition
from aiokafka.structs import ConsumerRecord
from faust.types import TP

from events.codec import encode
from events.records import RAW_TOPICS, Tick
from events.topics import CATALOGUE
from streams.broker.offsets import OffsetReader, behind
from streams.broker.outputs import Output
from streams.broker.publisher import Publisher
from streams.broker.topics import create_topics, plan_topics
from streams.clock.writer import TickWriter
from streams.feeding import RawLine, read_line
from streams.settings import Settings, load_settings
from tests.support.brokers import BrokerUnderTest
from tests.support.processes import REPOSITORY

SUNK_TOPICS = ("timeline", "checks", "alerts", "dead-letters")
READY = {"worker": "worker ready", "sink": "sink_started"}
PATIENCE_S = 60.0


async def until(is_true: Callable[[], bool | Awaitable[bool]], what: str, *, limit_s: float = PATIENCE_S) -> None:
    """Wait for a condition, and fail saying `what` was waited for."""
    deadline = time.monotonic() + limit_s
    while True:
        answer = is_true()
        if answer if isinstance(answer, bool) else await answer:
            return
        if time.monotonic() > deadline:
            raise AssertionError(f"waited {limit_s} s in vain for: {what}")
        await asyncio.sleep(0.05)


class Part:
    """One process of the pipeline, and what it says on standard error."""

    def __init__(self, name: str, command: list[str], log_path: Path, variables: Mapping[str, str]) -> None:
        self.name, self.log_path = name, log_path
        environment = {key: value for key, value in os.environ.items() if not key.startswith("GRIDWATCH_")} | dict(
            variables
        )
        with log_path.open("wb") as log:
            self.process = subprocess.Popen(command, cwd=REPOSITORY, stdout=log, stderr=log, env=environment)

    def log(self) -> str:
        """Return what it has said so far."""
        return self.log_path.read_text("utf-8")

    def entries(self, event: str) -> list[dict[str, Any]]:
        """Return the log's entries of one event; the line a killed process was writing does not count."""
        lines = [line for line in self.log().splitlines(keepends=True) if line.startswith("{") and line.endswith("}\n")]
        return [entry for entry in map(json.loads, lines) if entry.get("event") == event]

    async def ready(self, text: str) -> Self:
        """Wait until it has logged `text`; fails with its log when it ends before."""

        def has_said() -> bool:
            said = self.log()
            assert self.process.poll() is None, f"{self.name} ended with {self.process.returncode}:\n{said}"
            return text in said

        await until(has_said, f"{self.name} to say {text!r}")
        return self

    def kill(self) -> None:
        """End it with SIGKILL, at once."""
        self.process.kill()
        self.process.wait()

    async def stop(self) -> int:
        """End it with SIGTERM and return the exit status."""
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
        return await self.ended()

    async def ended(self, limit_s: float = 40.0) -> int:
        """Wait for its end and return the exit status."""
        return await asyncio.to_thread(self.process.wait, limit_s)


class Pipeline:
    """Topics, groups and parts of one test; made by `pipeline_on`."""

    def __init__(self, directory: Path, settings: Settings, offsets: OffsetReader, publisher: Publisher) -> None:
        self.directory, self.settings, self.offsets, self.publisher = directory, settings, offsets, publisher
        self.clock = TickWriter(settings, offsets, publisher)
        self.parts: list[Part] = []
        self._partitions: dict[str, list[TP]] = {}

    # -- parts

    def launch(self, *arguments: str, module: str = "streams.cli", **variables: str) -> Part:
        """Start `gridwatch ARGUMENTS`, or another module that takes the same, without waiting."""
        config = self.directory / "gridwatch.toml"
        command = [sys.executable, "-m", module, "--config", str(config), "--log-format", "json", *arguments]
        name = f"{len(self.parts):02d}-{'-'.join(Path(argument).name for argument in arguments[:2])}"
        part = Part(name, command, self.directory / f"{name}.log", variables)
        self.parts.append(part)
        return part

    async def start(self, *commands: str) -> list[Part]:
        """Start parts such as "worker intake" side by side and wait until each is ready."""
        parts = [self.launch(*command.split()) for command in commands]
        for command, part in zip(commands, parts, strict=True):
            await part.ready(READY[command.split()[0]])
        return parts

    def kill_all(self) -> None:
        """End whatever still runs."""
        for part in self.parts:
            part.kill()

    # -- feeding

    async def send(self, *records: bytes | None, topic: str | None = None, key: bytes | None = None) -> None:
        """Put raw records into their topics, or all into one, and wait for the acknowledgement."""
        outputs = []
        for raw in records:
            line = read_line(raw or b"")
            assert isinstance(line, RawLine) or topic is not None, "a tick goes through the clock"
            output = line.output if isinstance(line, RawLine) else None
            name = topic or (output.topic if output else "visits")
            outputs.append(Output(name, key or (output.key if output else None), raw))  # type: ignore[arg-type]  # None: a tombstone
        await self.publisher.publish(outputs)

    async def tick(self, at: str) -> None:
        """Raise the clock of the log, once intake has read everything."""
        await self.clock.advance_to(datetime.fromisoformat(at))

    async def feed(self, lines: Iterable[bytes], *, in_order: bool = False) -> None:
        """Feed lines with their ticks; `in_order` lets no record overtake one of another topic.

        A tick behind a tick has nothing to wait for.
        """
        group: list[Output] = []
        has_sent = True

        async def flush() -> None:
            nonlocal has_sent
            if not group:
                return
            await self.publisher.publish(group)
            if in_order:
                await self.clock.wait_for_intake()
            group.clear()
            has_sent = True

        for raw in lines:
            line = read_line(raw)
            if isinstance(line, datetime):
                await flush()
                if has_sent:
                    await self.clock.advance_to(line)
                else:
                    await self.publisher.publish(
                        [Output("timeline", None, encode(Tick(at=line)), to_all_partitions=True)]
                    )
                has_sent = False
                continue
            if in_order and group and group[-1].topic != line.output.topic:
                await flush()
            group.append(line.output)
            if line.is_policy:
                await flush()
                await self.clock.wait_for_intake()
        await flush()

    # -- how far it is

    async def partitions(self, topic: str) -> list[TP]:
        """Return the partitions of a topic of the catalogue."""
        if topic not in self._partitions:
            self._partitions[topic] = await self.offsets.partitions([topic])
        return self._partitions[topic]

    async def ends(self, *topics: str) -> dict[TP, int]:
        """Return the offset after the last record of each partition of the topics."""
        return await self.offsets.ends([tp for topic in topics for tp in await self.partitions(topic)])

    async def size(self, topic: str) -> int:
        """Return how many records were ever appended to a topic."""
        return sum((await self.ends(topic)).values())

    async def timeline_records(self) -> int:
        """Count what stands in the timeline, without what intake tells of sources."""
        return sum(b'"kind":"source_heard"' not in (record.value or b"") for record in await self.read("timeline"))

    async def wait_for_timeline(self, records: int) -> None:
        """Wait until so many records stand in the timeline, without what intake tells of sources."""

        async def is_there() -> bool:
            return await self.timeline_records() >= records

        await until(is_there, f"{records} records in the timeline")

    async def wait_for_size(self, topic: str, records: int) -> None:
        """Wait until so many records were appended to a topic."""

        async def is_there() -> bool:
            return await self.size(topic) >= records

        await until(is_there, f"{records} records in {topic}")

    async def is_done(self, role: str, *topics: str) -> bool:
        """Tell whether the group of a role has committed the present ends."""
        return not behind(await self.ends(*topics), await self.offsets.committed(role))

    async def decided(self) -> None:
        """Wait until intake and watch have committed all there is."""
        await until(lambda: self.is_done("intake", *RAW_TOPICS), "intake to commit the ends of the raw topics")
        await until(lambda: self.is_done("watch", "timeline"), "watch to commit the ends of the timeline")

    async def sunk(self) -> None:
        """Wait until the sink has committed all there is."""
        await until(lambda: self.is_done("sink", *SUNK_TOPICS), "the sink to commit the ends of its topics")

    async def assert_reconciled(self) -> None:
        """Run `gridwatch reconcile` over all that there is, ClickHouse included, and demand that everything agrees."""
        until = datetime.now(UTC).replace(minute=0, second=0, microsecond=0) + timedelta(hours=1)
        part = self.launch("reconcile", "--json", "--hours", "3", "--until", until.isoformat())
        status = await part.ended(PATIENCE_S)
        assert status == 0, part.log()
        relations = json.loads(part.log())["relations"]
        assert {each["relation"]: each["set_aside"] for each in relations if each["set_aside"]} == {}

    async def read(self, topic: str) -> list[ConsumerRecord[bytes, bytes]]:
        """Return every record of a topic, partition after partition, in offset order."""
        found: list[Any] = []
        ends = {tp: end for tp, end in (await self.ends(topic)).items() if end > 0}
        if not ends:
            return found
        async with AIOKafkaConsumer(bootstrap_servers=self.settings.kafka.brokers) as consumer:
            for tp, end in ends.items():
                partition = TopicPartition(*tp)
                consumer.assign([partition])
                await consumer.seek_to_beginning(partition)
                while await consumer.position(partition) < end:
                    found += (await consumer.getmany(partition, timeout_ms=200)).get(partition, [])
        return found

    async def read_json(self, topic: str) -> list[dict[str, Any]]:
        """Return every record of a topic as an object."""
        return [json.loads(record.value) for record in await self.read(topic)]


@asynccontextmanager
async def pipeline_on(
    broker: BrokerUnderTest, directory: Path, prefix: str, **sections: Mapping[str, Any]
) -> AsyncIterator[Pipeline]:
    """Make the topics of one test and yield the pipeline, nothing started; whatever still runs is killed at the end.

    `sections` are settings of `gridwatch.toml` that differ from those below.
    """
    values: dict[str, dict[str, Any]] = {
        "kafka": {
            "brokers": broker.bootstrap,
            "idempotence": broker.is_kafka,
            "session_timeout_seconds": 6.0,
            "rebalance_timeout_seconds": 10.0,
            "commit_interval_seconds": 0.02,
        },
        "topics": {
            "raw_partitions": 2,
            "timeline_partitions": 3,
            "result_partitions": 2,
            "replication_factor": 1,
            "min_insync_replicas": 1,
        },
        "sink": {"flush_seconds": 0.2},
    }
    lines = [f'topic_prefix = "{prefix}."', f'group_prefix = "{prefix}."']
    for name in values | sections:
        merged = {**values.get(name, {}), **sections.get(name, {})}
        lines += [f"[{name}]", *(f"{key} = {json.dumps(value)}" for key, value in merged.items())]
    config = directory / "gridwatch.toml"
    config.write_text("\n".join(lines) + "\n", encoding="utf-8")
    settings = load_settings(config)
    await asyncio.to_thread(lambda: create_topics(settings, plan_topics(settings)))
    async with AsyncExitStack() as stack:
        offsets = await stack.enter_async_context(OffsetReader(settings))
        publisher = await stack.enter_async_context(Publisher(settings))
        pipeline = Pipeline(directory, settings, offsets, publisher)
        stack.callback(pipeline.kill_all)
        await pipeline.clock.start()
        yield pipeline
    if broker.is_kafka:
        await asyncio.to_thread(_remove_topics, broker, settings)


def _remove_topics(broker: BrokerUnderTest, settings: Settings) -> None:
    admin = broker.admin()
    try:
        admin.delete_topics([settings.topic(spec.name) for spec in CATALOGUE])
    finally:
        admin.close()
