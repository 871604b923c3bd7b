"""The shell around partition deciders: read a batch, decide, publish, now and then write the state down, acknowledge.

    batch --> decide (pure) --> results acknowledged by the brokers --> [snapshot acknowledged] --> batch acked

A crash between any two of these leaves either nothing done, or results that the next worker computes again, to the byte.
Partitions begin at their newest snapshot; what lies between it and the committed offset is decided again for the state
alone, its results are already in the log and are not written again. A snapshot may also be ahead of the committed
offset, after a crash between the two: then what it holds is read once more and passed over, so that it is acknowledged.
Otherwise nobody would ever commit it, and the clock, which waits for intake's commits, would stand still.
"""

import time
from collections.abc import Callable, Iterable, Mapping
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, field
from typing import Any

from faust.types import TP

from streams.batching import Batch
from streams.broker.offsets import OffsetReader
from streams.broker.outputs import Output
from streams.broker.publisher import Publisher
from streams.broker.snapshot_store import SnapshotStore
from streams.broker.snapshots import Snapshot
from streams.logs import get_logger
from streams.partition import PartitionDecider
from streams.settings import Settings

log = get_logger(__name__)

DeciderMaker = Callable[[str, int, dict[str, Any] | None], PartitionDecider]


class UndecidableRecordError(RuntimeError):
    """Our fault: deciding a record raised. The worker stops before the ack, so the record is not lost."""


@dataclass(slots=True)
class _Owned:
    """A partition this worker owns. Results of records below `publish_from` are in the log already."""

    decider: PartitionDecider
    next_offset: int
    publish_from: int
    saved_offset: int
    saved_at: float
    decided_since_snapshot: int = 0


@dataclass(slots=True)
class Progress:
    """What a worker has done since it started; read by whoever shows it."""

    records: int = 0
    results: int = 0
    dead_letters: int = 0
    snapshots: int = 0
    ready: bool = False
    by_topic: dict[str, int] = field(default_factory=dict)


class StatefulPartitions:
    """The partitions of one worker: assignment listener and batch handler of a batch application."""

    def __init__(
        self, role: str, settings: Settings, publisher: Publisher, store: SnapshotStore, make_decider: DeciderMaker
    ) -> None:
        """Serve a role (`intake`, `watch`); `make_decider` gets catalogue topic, partition and a snapshot's document.

        Watch cannot decide without the whole log or a snapshot of what it has left; intake can, it only knows fewer repeats.
        """
        self.progress = Progress()
        self._needs_whole_log = role == "watch"
        self._role = role
        self._settings = settings
        self._publisher = publisher
        self._store = store
        self._make_decider = make_decider
        self._owned: dict[TP, _Owned] = {}

    # -- assignment

    async def on_assigned(self, positions: Mapping[TP, int]) -> Mapping[TP, int]:
        """Load the state of every partition and say where each begins."""
        snapshots = await self._store.load((self._scope(tp), tp.partition) for tp in positions)
        starts = await self._log_starts(positions)
        for tp, committed in positions.items():
            self._owned[tp] = self._take_over(tp, committed, snapshots.get(self._scope(tp)), starts[tp])
        self.progress.ready = True
        log.info("partitions taken over", role=self._role, partitions=len(positions), snapshots=len(snapshots))
        return {tp: min(committed, self._owned[tp].next_offset) for tp, committed in positions.items()}

    async def _log_starts(self, partitions: Iterable[TP]) -> Mapping[TP, int]:
        """Return the first offset that each partition still holds."""
        async with OffsetReader(self._settings) as offsets:
            return await offsets.starts(partitions)

    def _take_over(self, tp: TP, committed: int, snapshot: Snapshot | None, log_start: int) -> _Owned:
        document = None if snapshot is None else snapshot.document
        held = 0 if snapshot is None else snapshot.next_offset
        if held < log_start and self._needs_whole_log:
            raise RuntimeError(
                f"{tp.topic}:{tp.partition} begins at offset {log_start}, and there is no snapshot of what stood before: "
                "it is needed to decide the rest. Bring the snapshot topic back, or the beginning of the log"
            )
        begin = max(held, log_start)
        try:
            decider = self._make_decider(self._catalogue_name(tp.topic), tp.partition, document)
        except Exception as error:  # its text may repeat what stands in the state
            raise RuntimeError(
                f"{tp.topic}:{tp.partition}: no state from the snapshot: {type(error).__name__}"
            ) from None
        return _Owned(
            decider=decider,
            next_offset=begin,
            publish_from=max(committed, begin),
            saved_offset=begin,
            saved_at=time.monotonic(),
        )

    async def on_revoked(self, partitions: AbstractSet[TP]) -> None:
        """Write the state of partitions down that go to another worker, and let go of it."""
        for tp in sorted(partitions & self._owned.keys()):
            owned = self._owned[tp]
            if owned.next_offset > owned.saved_offset:
                await self._save(tp, owned)
            del self._owned[tp]

    # -- batches

    async def handle(self, batch: Batch) -> None:
        """Decide a batch and publish what it brings; returning acknowledges it, raising ends the worker before that."""
        tp = TP(batch.topic, batch.partition)
        owned = self._owned[tp]
        if batch.start_offset > owned.next_offset:
            raise RuntimeError(f"{tp}: expected records from offset {owned.next_offset}, found {batch.start_offset}")
        outputs = self._decide(tp, owned, batch)
        await self._publisher.publish(outputs)
        owned.next_offset = max(owned.next_offset, batch.next_offset)
        self._count(batch, outputs)
        if self._is_snapshot_due(owned):
            await self._save(tp, owned)

    def _decide(self, tp: TP, owned: _Owned, batch: Batch) -> list[Output]:
        outputs: list[Output] = []
        for record in batch:
            if record.offset < owned.next_offset:
                continue  # the snapshot holds it
            try:
                results = owned.decider.take(record.offset, record.timestamp, record.value)
            except Exception as error:
                raise UndecidableRecordError(
                    f"{self._role} cannot decide {tp.topic}:{tp.partition} offset {record.offset}: {type(error).__name__}"
                ) from error
            owned.decided_since_snapshot += 1
            if record.offset >= owned.publish_from:
                outputs += results
        return outputs

    def _count(self, batch: Batch, outputs: list[Output]) -> None:
        self.progress.records += len(batch)
        self.progress.results += len(outputs)
        for output in outputs:
            self.progress.by_topic[output.topic] = self.progress.by_topic.get(output.topic, 0) + 1
        self.progress.dead_letters = self.progress.by_topic.get("dead-letters", 0)

    # -- snapshots

    def _is_snapshot_due(self, owned: _Owned) -> bool:
        worker = self._settings.worker
        is_late = time.monotonic() - owned.saved_at >= worker.snapshot_seconds
        return owned.decided_since_snapshot >= worker.snapshot_records or is_late

    async def _save(self, tp: TP, owned: _Owned) -> None:
        await self._store.save(self._scope(tp), tp.partition, Snapshot(owned.next_offset, owned.decider.dump()))
        owned.saved_offset = owned.next_offset
        owned.saved_at = time.monotonic()
        owned.decided_since_snapshot = 0
        self.progress.snapshots += 1

    def _catalogue_name(self, topic: str) -> str:
        return topic.removeprefix(self._settings.topic_prefix)

    def _scope(self, tp: TP) -> str:
        return f"{self._catalogue_name(tp.topic)}/{tp.partition}"
