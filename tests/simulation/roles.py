"""The processes of the pipeline: the real parts, put together as the commands put them, over simulated clients."""

import asyncio
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

from events.instants import format_instant
from sinks.clickhouse.driver import Database, Patience, Target
from sinks.clickhouse.loop import SinkLoop, SinkSettings
from sinks.clickhouse.writer import DatabaseWriter
from streams import workers
from streams.clock.writer import TickWriter
from streams.settings import Settings
from tests.simulation.broker import Broker
from tests.simulation.clients import SimulatedOffsets, SimulatedPartitions, SimulatedPublisher, SimulatedStore
from tests.simulation.groups import Group
from tests.simulation.hosting import Host
from tests.simulation.loop import Process
from tests.simulation.sink_client import SimulatedReader
from tests.simulation.store import Client, Store

_TARGET = Target("chdb", "/simulated", "gridwatch")


@dataclass
class Parts:
    """What the processes of a run are made of; a planted fault puts another class in its place."""

    settings: Settings
    sink_settings: SinkSettings
    broker: Broker
    groups: Mapping[str, Group]
    store: Store
    start_at: datetime
    request_records: int
    machines_ahead_s: dict[str, float] = field(default_factory=dict)  # by the name of the machine
    intended: dict[str, float] = field(default_factory=dict)  # tick to the second at which it was decided to write it
    partitions_class: type[SimulatedPartitions] = SimulatedPartitions
    state_class: type[SimulatedStore] = SimulatedStore
    writer_class: type[TickWriter] = TickWriter
    sink_class: type[SinkLoop] = SinkLoop

    def now(self, machine: str) -> datetime:
        """Return the time of a machine's clock."""
        seconds = self.broker.world.now + self.machines_ahead_s.get(machine, 0.0)
        return self.start_at + timedelta(seconds=seconds)


class Stop:
    """Tells a process to end in good order."""

    def __init__(self) -> None:
        self._is_set = False
        self._callbacks: list[Callable[[], object]] = []

    def is_set(self) -> bool:
        """Tell whether it was told."""
        return self._is_set

    def set(self) -> None:
        """Tell it."""
        self._is_set = True
        for callback in self._callbacks:
            callback()

    def when_set(self, callback: Callable[[], object]) -> None:
        """Call back when it is told."""
        self._callbacks.append(callback)
        if self._is_set:
            callback()


async def run_worker(parts: Parts, process: Process, role: str, stop: Stop) -> None:
    """Serve intake or watch as `streams.workers` puts them together."""
    settings, broker = parts.settings, parts.broker
    make_decider, _, state_topic = workers._ROLE_PARTS[role](settings)
    results, state = (SimulatedPublisher(settings, process, broker, parts.request_records) for _ in range(2))
    for publisher in (results, state):
        await publisher.start()
    store = parts.state_class(settings, state, state_topic, process, broker)
    partitions = parts.partitions_class(role, settings, results, store, make_decider)
    partitions.world = broker.world
    host = Host(
        process,
        broker,
        parts.groups[role],
        batch_records=settings.worker.batch_records,
        commit_s=settings.kafka.commit_interval_seconds,
    )
    host.listener = partitions
    partitions.on_failure = host.fail
    host.serve(partitions.handle, batches_max=4)
    stop.when_set(host.stop)
    try:
        await host.run()
    finally:
        await partitions.close()
        for publisher in (results, state):
            await publisher.stop()


async def run_clock(parts: Parts, process: Process, machine: str, stop: Stop) -> None:
    """Write ticks by the clock of a machine."""
    offsets = SimulatedOffsets(process, parts.broker, parts.groups)
    publisher = SimulatedPublisher(parts.settings, process, parts.broker, parts.request_records)
    await publisher.start()
    world = parts.broker.world
    writer = parts.writer_class(
        parts.settings,
        offsets,
        publisher,
        now=lambda: parts.now(machine).astimezone(UTC),
        steady_s=lambda: world.now,
    )
    advance_to = writer.advance_to

    async def advance_and_note(at: datetime, **how: Any) -> None:
        parts.intended.setdefault(format_instant(at), world.now)
        await advance_to(at, **how)

    writer.advance_to = advance_and_note  # type: ignore[method-assign, assignment]
    await writer.start()
    is_stopping = asyncio.Event()
    stop.when_set(is_stopping.set)
    try:
        await writer.run(is_stopping)
    finally:
        await publisher.stop()


async def run_sink(parts: Parts, process: Process, stop: Stop) -> None:
    """Carry the topics into the store."""
    client: Any = Client(process, parts.store)
    database = Database(client, _TARGET, Patience(), process.block)
    sink = parts.sink_class(
        lambda: SimulatedReader(process, parts.broker, parts.groups["sink"]),
        DatabaseWriter(database),
        parts.sink_settings,
        process.time,
    )
    is_stopping: Any = stop
    await sink._run(is_stopping)
