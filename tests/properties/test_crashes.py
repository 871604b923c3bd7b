"""A worker that dies anywhere, as often as you like, leaves what one that never died would have left."""

import asyncio
from dataclasses import dataclass, field
from random import Random
from typing import Any

import pytest
from faust.types import TP

from streams.intake.decider import new_intake
from streams.partition import PartitionDecider, SavedState
from streams.settings import Settings, WorkerSettings
from streams.watch.decider import new_watch
from tests.properties.logs import Log, final_revisions
from tests.properties.pipeline import RawRecord, raw_log, run_intake
from tests.support.fakes import BrokerDown, MemoryLog, MemoryPartitions, MemoryPublisher, MemorySnapshots, batch_of


@dataclass
class Life:
    """One partition of a topic, and a broker on which workers live one after the other, each until it dies."""

    topic: str
    values: list[Any]
    random: Random
    log: MemoryLog = field(default_factory=MemoryLog)
    committed: int = 0
    deaths: int = 0

    async def live_through(self) -> None:
        """Let workers begin, each where the one before left off, until all is committed."""
        while self.committed < len(self.values):
            # The last worker lives: whoever dies a dozen times has died everywhere.
            self.log.writes_left = self.random.randint(0, 60) if self.deaths < 12 else None
            worker = self._worker()
            try:
                await self._one_worker(worker)
            except BrokerDown:
                self.deaths += 1
            await worker.close()

    async def _one_worker(self, worker: MemoryPartitions) -> None:
        tp = TP(self.topic, 0)
        begins = await worker.on_assigned({tp: self.committed})
        position = begins[tp]
        while position < len(self.values):
            upto = min(position + self.random.choice([1, 3, 10, 40]), len(self.values))
            await (await worker.handle(batch_of(self.topic, 0, position, self.values[position:upto])))
            await asyncio.sleep(0)
            position = upto
            if self.random.random() < 0.6:
                self.committed = max(self.committed, position)  # commits lag behind what is acknowledged
            if self.random.random() < 0.05 and self.deaths < 12:
                self.deaths += 1
                return
        await worker.on_revoked({tp})
        self.committed = len(self.values)

    def _worker(self) -> MemoryPartitions:
        often = WorkerSettings(snapshot_records=self.random.choice([1, 7, 30, 1000]), snapshot_seconds=3600)
        publisher = MemoryPublisher(self.log, partitions=1)
        role = "intake" if self.topic == "visits" else "watch"
        store = MemorySnapshots(publisher, f"{role}-state")
        return MemoryPartitions(role, Settings(worker=often), publisher, store, self._make)

    def _make(self, topic: str, partition: int, saved: SavedState | None) -> PartitionDecider:
        return new_watch(partition, saved) if topic == "timeline" else new_intake(topic, partition, 48, saved)


@pytest.mark.seeds(share=0.15)
async def test_watch_dies_anywhere(log: Log) -> None:
    """Between publish, snapshot and commit, half a batch written: the same highest revision of every check and alert,
    two writings of a revision the same to the byte, and the same dead letters.
    """
    ((values,), _) = run_intake(raw_log(log.lines, 1), 1, None)
    calm, troubled = Life("timeline", values, log.random("calm")), Life("timeline", values, log.random("crashes"))
    calm.deaths = 12

    await calm.live_through()
    await troubled.live_through()

    for topic, identity in (("checks", "check_id"), ("alerts", "alert_id")):
        assert final_revisions(identity, troubled.log.values(topic)) == final_revisions(
            identity, calm.log.values(topic)
        )
        assert set(troubled.log.values(topic)) == set(calm.log.values(topic))
    assert set(troubled.log.values("dead-letters")) == set(calm.log.values("dead-letters"))


@pytest.mark.seeds(share=0.1)
async def test_intake_dies_anywhere(log: Log) -> None:
    """The timeline holds every record that it would have held, the first of each in the same order, and nothing else."""
    raw = [record for place, record in raw_log(log.lines, 1).records if place[0] == "visits"]
    values = [record.value for record in raw if isinstance(record, RawRecord)]
    calm, troubled = Life("visits", values, log.random("calm")), Life("visits", values, log.random("crashes"))
    calm.deaths = 12

    await calm.live_through()
    await troubled.live_through()

    assert list(dict.fromkeys(troubled.log.values("timeline"))) == calm.log.values("timeline")
    assert set(troubled.log.values("dead-letters")) == set(calm.log.values("dead-letters"))
