"""The shell around partition deciders: read a batch, decide, publish, acknowledge, now and then write the state down.

    batch --> decide (pure) --> results acknowledged by the brokers --> batch acked
                     |                    |
                     +-- snapshot taken --+--> written beside the stream

Deciding goes on while the results of the batches before are on their way; acks come in the order of the batches. A snapshot
is taken between two batches and written when the results of all that it holds are acknowledged. A crash between any two of
these leaves either nothing done, or results that the next worker computes again, to the byte.
Partitions begin at their newest snapshot; what lies between it and the committed offset is decided again for the state
alone, its results are already in the log and are not written again. A snapshot may also be ahead of the committed
offset, after a crash between the two: then what it holds is read once more and passed over, so that it is acknowledged.
Otherwise nobody would ever commit it, and the clock, which waits for intake's commits, would stand still.
"""

import asyncio
from collections import Counter
from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from collections.abc import Set as AbstractSet
from operator import attrgetter

from faust.types import TP

from streams.batching import Batch
from streams.broker.offsets import OffsetReader
from streams.broker.outputs import Output
from streams.broker.publisher import Publisher
from streams.broker.state_log import LoadedState, Snapshot, SnapshotChain
from streams.broker.state_store import StateStore
from streams.core.snapshot import SnapshotError
from streams.logs import get_logger
from streams.owned import Insight, Owned, Progress
from streams.partition import LogRecord, PartitionDecider, SavedState, UndecidableRecordError
from streams.settings import Settings

log = get_logger(__name__)

_TOPIC_OF = attrgetter("topic")

DeciderMaker = Callable[[str, int, SavedState | None], PartitionDecider]


class UndecidableBatchError(RuntimeError):
    """Our fault: deciding a record raised. The worker stops before the ack, so the record is not lost."""


class StatefulPartitions:
    """The partitions of one worker: assignment listener and batch handler of a batch application."""

    def __init__(
        self, role: str, settings: Settings, publisher: Publisher, store: StateStore, make_decider: DeciderMaker
    ) -> None:
        """Serve a role (`intake`, `watch`); `make_decider` gets catalogue topic, partition and the state as it was saved.

        `on_failure` is told when a snapshot cannot be written while no batch waits for it: the worker has to end.
        Watch cannot decide without the whole log or a snapshot of what it has left; intake can, it only knows fewer repeats.
        """
        self.progress = Progress()
        self.on_failure: Callable[[BaseException], None] = lambda error: None  # noqa: ARG005
        self._needs_whole_log = role == "watch"
        self._role = role
        self._settings = settings
        self._publisher = publisher
        self._store = store
        self._make_decider = make_decider
        self._owned: dict[TP, Owned] = {}

    def insights(self) -> dict[TP, Insight]:
        """Return what can be seen of each partition; may be asked by any thread."""
        return {tp: owned.insight() for tp, owned in tuple(self._owned.items())}

    def state_progress(self) -> tuple[int, int]:
        """Return how many records of state were read and written; rises while either goes on."""
        return self._store.records_read, self._store.records_written

    @property
    def state_bytes_written(self) -> int:
        """Return how many bytes of snapshots were written."""
        return self._store.bytes_written

    # -- assignment

    async def on_assigned(self, positions: Mapping[TP, int]) -> Mapping[TP, int]:
        """Load the state of every partition and say where each begins."""
        states = await self._store.load((self._scope(tp), tp.partition) for tp in positions)
        starts = await self._log_starts(positions)
        for tp, committed in positions.items():
            self._owned[tp] = self._take_over(tp, committed, *states[self._scope(tp)], starts[tp])
        self.progress.ready = True
        found = sum(loaded is not None for _, loaded in states.values())
        log.info("partitions taken over", role=self._role, partitions=len(positions), snapshots=found)
        return {tp: min(committed, self._owned[tp].next_offset) for tp, committed in positions.items()}

    async def _log_starts(self, partitions: Iterable[TP]) -> Mapping[TP, int]:
        """Return the first offset that each partition still holds."""
        async with OffsetReader(self._settings) as offsets:
            return await offsets.starts(partitions)

    def _take_over(
        self, tp: TP, committed: int, chain: SnapshotChain, loaded: LoadedState | None, log_start: int
    ) -> Owned:
        held = 0 if loaded is None else loaded.next_offset
        if held < log_start and self._needs_whole_log:
            raise RuntimeError(
                f"{tp.topic}:{tp.partition} begins at offset {log_start}, and there is no snapshot of what stood before: "
                "it is needed to decide the rest. Bring the snapshot topic back, or the beginning of the log"
            )
        begin = max(held, log_start)
        try:
            saved = None if loaded is None else loaded.state
            decider = self._make_decider(self._catalogue_name(tp.topic), tp.partition, saved)
        except SnapshotError as error:
            raise RuntimeError(
                f"{tp.topic}:{tp.partition}: {error}; see the upgrade section of docs/OPERATIONS.md"
            ) from None
        except Exception as error:  # its text may repeat what stands in the state
            raise RuntimeError(
                f"{tp.topic}:{tp.partition}: no state from the snapshot: {type(error).__name__}"
            ) from None
        return Owned(
            decider=decider,
            chain=chain,
            next_offset=begin,
            publish_from=max(committed, begin),
            saved_offset=begin,
            saved_at=_now(),
            written_at=_now(),
        )

    async def on_revoked(self, partitions: AbstractSet[TP]) -> None:
        """Write the state of partitions down that go to another worker, and let go of it."""
        going = sorted(partitions & self._owned.keys())
        await asyncio.gather(*(self._finish(tp, self._owned[tp]) for tp in going))
        for tp in going:
            del self._owned[tp]

    async def _finish(self, tp: TP, owned: Owned) -> None:
        if owned.writing is not None:
            await owned.writing
        if owned.next_offset > owned.saved_offset:
            await self._write(tp, owned, self._take_snapshot(owned))

    async def close(self) -> None:
        """Give up what is on its way, after a failure; what is acknowledged stands."""
        tasks = [task for owned in self._owned.values() for task in (owned.writing, owned.settled) if task is not None]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        self._owned.clear()

    # -- batches

    async def handle(self, batch: Batch) -> Awaitable[None]:
        """Decide a batch and return what is done when the brokers have its results, and those of the batches before.

        Then the batch may be acknowledged; an exception here or there ends the worker before that.
        """
        tp = TP(batch.topic, batch.partition)
        owned = self._owned[tp]
        if batch.start_offset > owned.next_offset:
            raise RuntimeError(f"{tp}: expected records from offset {owned.next_offset}, found {batch.start_offset}")
        outputs = self._decide(tp, owned, batch)
        owned.next_offset = max(owned.next_offset, batch.next_offset)
        owned.settled = settled = asyncio.create_task(self._publish(owned, batch, outputs, owned.settled))
        is_writing = owned.writing is not None and not owned.writing.done()
        if not is_writing and self._is_snapshot_due(owned):
            owned.writing = asyncio.create_task(self._write_while_due(tp, owned, self._take_snapshot(owned)))
            owned.writing.add_done_callback(self._end_if_failed)
        return settled

    def _decide(self, tp: TP, owned: Owned, batch: Batch) -> list[Output]:
        records: Sequence[LogRecord] = batch.records
        if batch.start_offset < owned.next_offset:  # the snapshot holds some
            records = [record for record in records if record.offset >= owned.next_offset]
        where = f"{self._role} cannot decide {tp.topic}:{tp.partition}"
        try:
            outputs = owned.decider.take(records, owned.publish_from)
        except UndecidableRecordError as error:
            raise UndecidableBatchError(f"{where} {error}") from error
        except Exception as error:  # its text may repeat what stands in the records
            kind = type(error).__name__
            raise UndecidableBatchError(
                f"{where} offsets {batch.first_offset} to {batch.last_offset}: {kind}"
            ) from error
        owned.decided_since_snapshot += len(records)
        return outputs

    async def _publish(
        self, owned: Owned, batch: Batch, outputs: list[Output], before: asyncio.Task[None] | None
    ) -> None:
        await self._publisher.publish(outputs, on_handed_over=owned.note_handed_over)
        if before is not None:
            await before
        self._count(batch, outputs)

    def _count(self, batch: Batch, outputs: list[Output]) -> None:
        self.progress.batches += 1
        self.progress.records += len(batch)
        self.progress.results += len(outputs)
        for topic, count in Counter(map(_TOPIC_OF, outputs)).items():
            self.progress.by_topic[topic] = self.progress.by_topic.get(topic, 0) + count
        self.progress.dead_letters = self.progress.by_topic.get("dead-letters", 0)

    # -- snapshots

    def _is_snapshot_due(self, owned: Owned) -> bool:
        if owned.next_offset <= owned.saved_offset:
            return False
        worker = self._settings.worker
        is_late = _now() - owned.saved_at >= worker.snapshot_seconds
        return owned.decided_since_snapshot >= worker.snapshot_records or is_late

    def _take_snapshot(self, owned: Owned) -> Snapshot:
        snapshot = owned.chain.collect(owned.next_offset, owned.decider)
        owned.saved_offset = owned.next_offset
        owned.saved_at = _now()
        owned.decided_since_snapshot = 0
        return snapshot

    async def _write_while_due(self, tp: TP, owned: Owned, snapshot: Snapshot) -> None:
        await self._write(tp, owned, snapshot)
        while self._is_snapshot_due(owned):  # since it was taken, much may have been decided
            await self._write(tp, owned, self._take_snapshot(owned))

    async def _write(self, tp: TP, owned: Owned, snapshot: Snapshot) -> None:
        # State must never be ahead of its results: whoever begins at a snapshot does not write those again.
        if owned.settled is not None:
            await owned.settled
        await self._store.write(owned.chain, snapshot, tp.partition)
        owned.written_at = _now()
        self.progress.snapshots += 1

    def _end_if_failed(self, writing: asyncio.Task[None]) -> None:
        if not writing.cancelled() and (error := writing.exception()) is not None:
            self.on_failure(error)

    def _catalogue_name(self, topic: str) -> str:
        return topic.removeprefix(self._settings.topic_prefix)

    def _scope(self, tp: TP) -> str:
        return f"{self._catalogue_name(tp.topic)}/{tp.partition}"


def _now() -> float:
    """Return seconds by the event loop's clock, which only ever goes on."""
    return asyncio.get_running_loop().time()
