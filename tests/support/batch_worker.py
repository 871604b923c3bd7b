"""A small worker on streams.batching, a process of its own in tests; what it does goes to a journal, a line a step.

usage: python -m tests.support.batch_worker SETTINGS   (a JSON object, see Settings)
"""

from __future__ import annotations

import asyncio
import json
import sys
from collections.abc import Awaitable, Mapping
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from faust.types import TP

from streams.batching import Batch, WorkerFailed, batch_app, batch_topic, consume, run_worker


@dataclass(frozen=True)
class Settings:
    """What the worker reads and how it behaves."""

    bootstrap: str
    group: str
    topic: str
    journal: str
    records_max: int = 500
    bytes_max: int = 1 << 20
    fail_at: tuple[int, int] | None = None  # partition, offset
    cancelled_at: tuple[int, int] | None = None
    batch_takes_s: float = 0.0
    settling_takes_s: float = 0.0  # after the handler has returned; the batch is acked then
    settling_fails_at: tuple[int, int] | None = None
    loading_takes_s: float = 0.0  # of the state of partitions that are assigned
    instance_id: str | None = None
    session_timeout: float = 6.0
    request_timeout: float = 90.0
    start_at: dict[str, int] = field(default_factory=dict)  # by partition: where to begin instead
    commit_interval: float = 0.2


class Worker:
    """Note every step in the journal; the line of a batch is written before its ack."""

    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        self.journal = Path(settings.journal).open("a", encoding="utf-8", buffering=1)  # noqa: SIM115  for life

    def note(self, step: str, **what: Any) -> None:
        self.journal.write(json.dumps({"step": step, **what}) + "\n")

    async def on_assigned(self, positions: Mapping[TP, int]) -> Mapping[TP, int]:
        await asyncio.sleep(self.settings.loading_takes_s)
        self.note("assigned", positions={tp.partition: offset for tp, offset in positions.items()})
        return {tp: start for tp in positions if (start := self.settings.start_at.get(str(tp.partition))) is not None}

    async def on_revoked(self, partitions: AbstractSet[TP]) -> None:
        self.note("revoked", partitions=sorted(tp.partition for tp in partitions))

    async def handle(self, batch: Batch) -> Awaitable[None] | None:
        if self.settings.batch_takes_s:
            await asyncio.sleep(self.settings.batch_takes_s)
        if _holds(batch, self.settings.fail_at):
            raise ValueError("the handler fails here")
        if _holds(batch, self.settings.cancelled_at):
            given_up = asyncio.get_running_loop().create_future()
            given_up.cancel()
            await given_up
        offsets = [record.offset for record in batch]
        self.note(
            "batch",
            partition=batch.partition,
            start=batch.start_offset,
            next=batch.next_offset,
            offsets=offsets,
            size_bytes=batch.size_bytes,
        )
        return self._settle(batch) if self.settings.settling_takes_s or self.settings.settling_fails_at else None

    async def _settle(self, batch: Batch) -> None:
        await asyncio.sleep(self.settings.settling_takes_s)
        if _holds(batch, self.settings.settling_fails_at):
            raise ValueError("the results cannot be written")
        self.note("settled", partition=batch.partition, next=batch.next_offset)


def _holds(batch: Batch, place: tuple[int, int] | None) -> bool:
    if place is None:
        return False
    partition, offset = place
    return batch.partition == partition and batch.start_offset <= offset < batch.next_offset


def main() -> int:
    """Run until SIGTERM; exit 1 with the reason on an error."""
    settings = Settings(**json.loads(sys.argv[1]))
    worker = Worker(settings)
    app = batch_app(
        settings.group,
        settings.bootstrap,
        session_timeout=settings.session_timeout,
        heartbeat_interval=1,
        rebalance_timeout=10,
        commit_interval=settings.commit_interval,
        consumer_group_instance_id=settings.instance_id,
        broker_request_timeout=settings.request_timeout,
    )
    app.assignment_listener = worker
    topic = batch_topic(app, settings.topic, records_max=settings.records_max, bytes_max=settings.bytes_max)
    consume(app, topic, worker.handle)
    try:
        run_worker(app, on_ready=lambda: worker.note("ready"))
    except WorkerFailed as error:
        print(error, file=sys.stderr)
        return 1
    worker.note("end")
    return 0


if __name__ == "__main__":
    sys.exit(main())
