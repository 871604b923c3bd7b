"""Faults of ours, planted into the pipeline: the simulation is worth what it finds of them."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from concurrent.futures import ThreadPoolExecutor

from faust.types import TP

from sinks.clickhouse.consumer import LogReader
from sinks.clickhouse.loop import SinkLoop
from streams.batching import Batch
from streams.broker.state_log import LoadedState, Snapshot
from streams.broker.state_reader import StateReader, _decode_chunk
from streams.clock.writer import TickWriter
from streams.partition import SavedState
from streams.stateful import Owned
from tests.simulation.clients import SimulatedPartitions, SimulatedStore
from tests.simulation.cluster import Cluster


class AcksAtOnce(SimulatedPartitions):
    """Acknowledges a batch, so that it is committed, while its results are on their way."""

    async def handle(self, batch: Batch) -> Awaitable[None]:
        """Decide, and be done."""
        await super().handle(batch)
        return asyncio.sleep(0)


class WritesStateAtOnce(SimulatedPartitions):
    """Writes a snapshot before the results are acknowledged that it holds."""

    async def _write(self, tp: TP, owned: Owned, snapshot: Snapshot) -> None:
        await self._store.write(owned.chain, snapshot, tp.partition)


class DoesNotWait(TickWriter):
    """Writes ticks wherever intake is."""

    async def wait_for_intake(self) -> None:
        """Do nothing."""


class CommitsFirst(SinkLoop):
    """Commits what was read before it is inserted."""

    async def _write(self, reader: LogReader, thread: ThreadPoolExecutor, *, everything: bool = False) -> bool:
        await reader.commit(await reader.positions())
        return await super()._write(reader, thread, everything=everything)


class ReadsUnsealed(StateReader):
    """Takes the chunks of a snapshot that was broken off for a snapshot."""

    def newest(self, scope: str) -> LoadedState | None:
        """Return the newest state with what was written after it."""
        loose = {
            mark: list(found.chunks.values())
            for mark, found in self._scopes.get(scope, {}).items()
            if found.seal is None and found.chunks
        }
        loaded = super().newest(scope)
        if loaded is None:
            return None
        entries, chain = dict(loaded.state.entries), list(loaded.chain)
        for mark in sorted(mark for mark in loose if mark.next_offset > loaded.next_offset):
            for chunk in loose[mark]:
                entries.update({key: value for key, value in _decode_chunk(chunk).items() if value is not None})
            chain.append(mark)
        return LoadedState(loaded.seal, SavedState(loaded.state.head, entries), chain)


class LoadsUnsealed(SimulatedStore):
    """Loads state by `ReadsUnsealed`."""

    async def _read_partitions(self, partitions: list[int], reader: StateReader) -> None:
        await super()._read_partitions(partitions, reader)
        reader.__class__ = ReadsUnsealed


def _acks_at_once(cluster: Cluster) -> None:
    cluster.parts.partitions_class = AcksAtOnce


def _writes_state_at_once(cluster: Cluster) -> None:
    cluster.parts.partitions_class = WritesStateAtOnce


def _does_not_wait(cluster: Cluster) -> None:
    cluster.parts.writer_class = DoesNotWait


def _commits_first(cluster: Cluster) -> None:
    cluster.parts.sink_class = CommitsFirst


def _fences_nobody(cluster: Cluster) -> None:
    for group in cluster.groups.values():
        group.is_fenced = False


def _reads_unsealed(cluster: Cluster) -> None:
    cluster.parts.state_class = LoadsUnsealed


PLANTED: Mapping[str, Callable[[Cluster], None]] = {
    "commits before results are acknowledged": _acks_at_once,
    "writes state before its results are acknowledged": _writes_state_at_once,
    "writes ticks without waiting for intake": _does_not_wait,
    "commits in the sink before the insert": _commits_first,
    "does not fence a zombie's commits": _fences_nobody,
    "reads a snapshot without its seal": _reads_unsealed,
}
