"""What was read and is not written yet, one buffer a partition, and when it becomes a batch. Pure: time is an argument."""

from collections.abc import Mapping
from dataclasses import dataclass

from sinks.clickhouse.batches import Batch, cut
from sinks.clickhouse.runs import Place, Run

# While a partition is being caught up with, its rest waits for its batch to fill, but not for ever.
_PATIENCE_FACTOR = 10


@dataclass(slots=True)
class _Buffer:
    topic: str
    since: float
    run: Run
    end_seen: int | None = None

    def is_ripe(self, now: float, flush_seconds: float) -> bool:
        """Tell whether the rest should be written though its batch is not full."""
        waited = now - self.since
        caught_up = self.end_seen is None or self.run.offsets[-1] + 1 >= self.end_seen
        return waited >= flush_seconds * (1 if caught_up else _PATIENCE_FACTOR)


class Assembler:
    """Gathers messages and hands out batches; knows how much is waiting."""

    def __init__(self, catalogue: Mapping[str, str], batch_records: int, flush_seconds: float) -> None:
        self._catalogue = catalogue
        self._batch_records = batch_records
        self._flush_seconds = flush_seconds
        self._buffers: dict[Place, _Buffer] = {}
        self.waiting_records = 0
        self.waiting_bytes = 0

    def add(self, run: Run, now: float, end_seen: int | None = None) -> None:
        """Add messages of a partition; `end_seen` is the end of the partition as far as it is known.

        A partition may start again at an earlier offset (a rebalance): from there on the new messages hold. The run is
        the assembler's from now on.
        """
        if not run:
            return
        self._count(run, 1)
        buffer = self._buffers.get(run.place)
        if buffer is None:
            self._buffers[run.place] = _Buffer(self._catalogue[run.topic], now, run, end_seen)
            return
        if buffer.run.offsets[-1] >= run.offsets[0]:
            self._count(buffer.run, -1)
            buffer.run = buffer.run.before(run.offsets[0])
            self._count(buffer.run, 1)
        buffer.run.extend(run)
        buffer.end_seen = end_seen

    def take(self, now: float, *, everything: bool = False) -> list[Batch]:
        """Take out full batches, then what has waited long enough: one batch a topic, whatever its partitions."""
        batches: list[Batch] = []
        rests: dict[str, list[Run]] = {}
        for place, buffer in sorted(self._buffers.items()):
            full, rest = cut(buffer.run, self._batch_records)
            batches += [Batch(buffer.topic, (run,)) for run in full]
            if full:
                buffer.run, buffer.since = rest, now
            if rest and (everything or buffer.is_ripe(now, self._flush_seconds)):
                rests.setdefault(buffer.topic, []).append(rest)
            elif rest:
                continue
            del self._buffers[place]
        batches += [Batch(topic, tuple(runs)) for topic, runs in rests.items()]
        for batch in batches:
            for run in batch.runs:
                self._count(run, -1)
        return batches

    def first_waiting(self, place: Place) -> int | None:
        """Return the lowest offset of a partition that was read and not handed out; None where there is none."""
        buffer = self._buffers.get(place)
        return buffer.run.offsets[0] if buffer else None

    def _count(self, run: Run, sign: int) -> None:
        self.waiting_records += sign * len(run)
        self.waiting_bytes += sign * run.size_bytes
