"""A partition that a worker owns, what it has done so far, and what can be seen of both from outside."""

import asyncio
from dataclasses import dataclass, field
from datetime import datetime
from typing import NamedTuple

from streams.broker.state_log import SnapshotChain
from streams.partition import PartitionDecider


class Insight(NamedTuple):
    """A partition of a worker as seen from outside; `written_at` by the steady clock (`time.monotonic`).

    `unsaved_records` were decided since the last snapshot was taken. `handed_over` rises while results are being written.
    """

    clock: datetime | None
    handed_over: int
    unsaved_records: int
    written_at: float
    is_writing: bool


@dataclass(slots=True)
class Owned:
    """A partition this worker owns. Results of records below `publish_from` are in the log already."""

    decider: PartitionDecider
    chain: SnapshotChain
    next_offset: int
    publish_from: int
    saved_offset: int  # of the last snapshot taken
    saved_at: float
    written_at: float  # of the last snapshot written
    decided_since_snapshot: int = 0
    handed_over: int = 0  # pieces of results that the producer took
    settled: asyncio.Task[None] | None = None  # done when the results of all batches so far are acknowledged
    writing: asyncio.Task[None] | None = None

    def note_handed_over(self) -> None:
        """Count a piece of results that the producer took."""
        self.handed_over += 1

    def insight(self) -> Insight:
        """Return what can be seen of it."""
        is_writing = self.writing is not None and not self.writing.done()
        unsaved = self.decided_since_snapshot
        return Insight(self.decider.clock, self.handed_over, unsaved, self.written_at, is_writing)


@dataclass(slots=True)
class Progress:
    """What a worker has done since it started; read by whoever shows it."""

    batches: int = 0
    records: int = 0
    results: int = 0
    dead_letters: int = 0
    snapshots: int = 0
    ready: bool = False
    by_topic: dict[str, int] = field(default_factory=dict)
