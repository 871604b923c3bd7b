"""The shell around deciders: what is published, when the state is written down, and what a restart repeats."""

import asyncio
from collections.abc import Iterable, Mapping
from typing import Any, NoReturn

import pytest
from faust.types import TP

from streams.broker.outputs import Output
from streams.core.snapshot import SnapshotError
from streams.partition import LogRecord, SavedState, UndecidableRecordError
from streams.settings import Settings, WorkerSettings
from streams.stateful import UndecidableBatchError
from tests.support.fakes import BrokerDown, MemoryLog, MemoryPartitions, MemoryPublisher, MemorySnapshots, batch_of

TIMELINE = TP("timeline", 0)


class Counting:
    """A decider that answers each record with its number among all it has taken; every record changes an entry."""

    def __init__(self, count: int = 0, entries: dict[str, bytes] | None = None) -> None:
        self.count = count
        self.entries = {} if entries is None else entries
        self.changed: dict[str, bytes | None] = {}

    def take(self, records: Iterable[LogRecord], publish_from: int) -> list[Output]:
        outputs = []
        for record in records:
            if record.value == b"cannot be decided":
                raise UndecidableRecordError(record.offset, KeyError("P-secret"))
            if record.value == b"breaks the decider":
                raise ValueError("P-secret")
            self.count += 1
            self.changed[f"entry-{self.count % 3}"] = self.entries[f"entry-{self.count % 3}"] = b"%d" % self.count
            if record.offset >= publish_from:
                outputs.append(Output("alerts", None, b"%d@%d" % (self.count, record.offset)))
        return outputs

    @property
    def clock(self) -> None:
        return None

    @property
    def parts(self) -> tuple[str, ...]:
        return ()

    def head(self) -> dict[str, Any]:
        return {"count": self.count}

    def changes(self) -> Mapping[str, bytes | None]:
        changed, self.changed = self.changed, {}
        return changed

    def keys(self) -> list[str]:
        return list(self.entries)

    def entry(self, key: str) -> bytes | None:
        return self.entries.get(key)


class Shell:
    """A worker on a broker in memory."""

    def __init__(self, log: MemoryLog | None = None, role: str = "watch", **worker: Any) -> None:
        self.log = log or MemoryLog()
        self.publisher = MemoryPublisher(self.log)
        store = MemorySnapshots(self.publisher)
        settings = Settings(worker=WorkerSettings(**({"snapshot_records": 1000, "snapshot_seconds": 3600} | worker)))
        self.partitions = MemoryPartitions(role, settings, self.publisher, store, self._make)
        self.failures: list[BaseException] = []
        self.partitions.on_failure = self.failures.append
        self.decider = Counting()

    def _make(self, topic: str, partition: int, saved: SavedState | None) -> Counting:
        assert (topic, partition) == ("timeline", 0)
        if saved is not None:
            self.decider = Counting(saved.head["count"], saved.entries)
        return self.decider

    async def begin(self, committed: int = 0) -> int:
        return (await self.partitions.on_assigned({TIMELINE: committed}))[TIMELINE]

    async def take(self, start: int, count: int) -> None:
        """Take a batch, wait for its results, and for the snapshot that it may have brought."""
        await (await self.partitions.handle(batch_of("timeline", 0, start, [b"x"] * count)))
        writing = self.partitions._owned[TIMELINE].writing
        if writing is not None:
            await writing

    @property
    def alerts(self) -> list[bytes]:
        return self.log.values("alerts")


async def with_snapshot(next_offset: int) -> MemoryLog:
    """Return a log in which a snapshot stands that holds everything below an offset."""
    shell = Shell()
    await shell.begin()
    await shell.take(0, next_offset)
    await shell.partitions.on_revoked({TIMELINE})
    log = MemoryLog()
    log.written = [output for output in shell.log.written if output.topic == "watch-state"]
    return log


async def test_a_partition_without_anything() -> None:
    """Begins at the beginning; every record is decided and published once."""
    shell = Shell()

    assert await shell.begin() == 0
    await shell.take(0, 2)
    await shell.take(2, 1)

    assert shell.alerts == [b"1@0", b"2@1", b"3@2"]


async def test_from_a_snapshot() -> None:
    """Begins at the snapshot's offset with its state."""
    shell = Shell(await with_snapshot(10))

    assert await shell.begin(committed=10) == 10
    await shell.take(10, 1)

    assert shell.alerts == [b"11@10"]


@pytest.mark.parametrize(
    ("error", "says"),
    [
        (
            SnapshotError("expected a state of format 3, found 2"),
            "expected a state of format 3, found 2; see the upgrade",
        ),
        (KeyError("P-secret"), "no state from the snapshot: KeyError"),
    ],
)
async def test_a_state_that_cannot_be_read(error: Exception, says: str) -> None:
    """One of another format says so; what else is wrong may name people, and is named by its kind alone."""
    shell = Shell(await with_snapshot(10))

    def fail(*_: object) -> NoReturn:
        raise error

    shell.partitions._make_decider = fail

    with pytest.raises(RuntimeError, match=f"^timeline:0: {says}"):
        await shell.begin()


async def test_a_commit_before_the_snapshot() -> None:
    """A crash between snapshot and commit: what the snapshot holds is read, and neither decided nor written again."""
    shell = Shell(await with_snapshot(10))

    begin = await shell.begin(committed=8)
    await shell.take(begin, 14 - begin)

    assert begin <= 10
    assert shell.alerts == [b"11@10", b"12@11", b"13@12", b"14@13"]


async def test_a_commit_after_the_snapshot() -> None:
    """What lies between is decided again for the state alone: its results are in the log."""
    shell = Shell(await with_snapshot(10))

    assert await shell.begin(committed=13) == 10
    await shell.take(10, 5)

    assert shell.alerts == [b"14@13", b"15@14"]


async def test_no_snapshot_but_a_commit() -> None:
    """The whole log is decided again for the state; results begin at the commit."""
    shell = Shell()

    assert await shell.begin(committed=3) == 0
    await shell.take(0, 5)

    assert shell.alerts == [b"4@3", b"5@4"]


async def test_a_log_whose_beginning_is_gone() -> None:
    """Watch refuses to decide without what stood before; intake only knows fewer repeats."""
    watch, intake = Shell(), Shell(role="intake")
    watch.partitions.log_starts = intake.partitions.log_starts = {TIMELINE: 50}

    with pytest.raises(RuntimeError, match="begins at offset 50, and there is no snapshot"):
        await watch.begin(committed=60)
    begin = await intake.begin(committed=60)
    await intake.take(max(begin, 50), 11)

    assert intake.alerts == [b"11@60"]


async def test_a_snapshot_that_the_log_has_left_behind() -> None:
    """After a long stop retention has gone past the snapshot: intake goes on where the log begins, watch does not."""
    log = await with_snapshot(10)
    watch, intake = Shell(log), Shell(log, role="intake")
    watch.partitions.log_starts = intake.partitions.log_starts = {TIMELINE: 50}

    with pytest.raises(RuntimeError, match="begins at offset 50, and there is no snapshot"):
        await watch.begin(committed=60)
    assert await intake.begin(committed=60) == 50
    await intake.take(50, 11)

    assert intake.alerts == [b"21@60"]


async def test_results_then_snapshot() -> None:
    """The results of a batch are acknowledged before the state that holds it is written down."""
    shell = Shell(snapshot_records=2)
    await shell.begin()

    await shell.take(0, 2)

    assert shell.log.journal[0] == "publish 2"
    assert shell.log.journal[-1] == "snapshot 2"


async def test_deciding_goes_on_while_results_are_on_their_way() -> None:
    """The next batch is decided before the brokers have acknowledged the last; the snapshot waits for them."""
    shell = Shell(snapshot_records=2)
    await shell.begin()
    shell.publisher.released.clear()

    first = await shell.partitions.handle(batch_of("timeline", 0, 0, [b"x"] * 2))
    second = await shell.partitions.handle(batch_of("timeline", 0, 2, [b"x"] * 2))
    assert shell.decider.count == 4
    assert shell.log.written == []
    shell.publisher.released.set()
    await asyncio.gather(first, second)
    await shell.partitions.on_revoked({TIMELINE})

    assert shell.alerts == [b"1@0", b"2@1", b"3@2", b"4@3"]
    journal = shell.log.journal
    assert journal.index("snapshot 2") > journal.index("publish 2")
    assert journal[-1] == "snapshot 4"
    assert shell.partitions.progress.snapshots == 2


async def test_a_snapshot_holds_the_moment_at_which_it_was_taken() -> None:
    """What was decided while it waited is not in it; a restart from it decides that again."""
    shell = Shell(snapshot_records=2)
    await shell.begin()
    shell.publisher.released.clear()
    for start, count in ((0, 2), (2, 1)):
        settled = await shell.partitions.handle(batch_of("timeline", 0, start, [b"x"] * count))
    shell.publisher.released.set()
    await settled
    writing = shell.partitions._owned[TIMELINE].writing
    assert writing is not None
    await writing

    after = Shell(shell.log)

    assert await after.begin(committed=3) == 2
    assert after.decider.count == 2
    assert after.decider.entries == {"entry-1": b"1", "entry-2": b"2"}


@pytest.mark.parametrize("writes_left", [0, 1, 2, 3])
async def test_what_cannot_be_written_ends_the_worker(writes_left: int) -> None:
    """Results or state: the worker ends; the next begins where the commit is and writes the same again."""
    shell = Shell(snapshot_records=2)
    await shell.begin()
    shell.log.writes_left = writes_left

    with pytest.raises(BrokerDown):
        await shell.take(0, 2)
    await shell.partitions.close()

    assert [type(error) for error in shell.failures] == [BrokerDown]
    shell.log.writes_left = None
    after = Shell(shell.log)
    begin = await after.begin(committed=0)
    await after.take(begin, 3 - begin)
    assert set(after.alerts) == {b"1@0", b"2@1", b"3@2"}


async def test_what_falls_due_while_a_snapshot_is_written() -> None:
    """Is written right after it, also when no batch comes any more."""
    shell = Shell(snapshot_records=2)
    await shell.begin()
    shell.publisher.released.clear()
    for start in (0, 2, 4):
        await shell.partitions.handle(batch_of("timeline", 0, start, [b"x"] * 2))
    writing = shell.partitions._owned[TIMELINE].writing
    assert writing is not None
    shell.publisher.released.set()
    await writing

    assert [entry for entry in shell.log.journal if entry.startswith("snapshot")] == ["snapshot 2", "snapshot 6"]


async def test_a_failure_settles_nothing_after_it() -> None:
    """A batch whose results are written is not settled while one before it is not."""
    shell = Shell()
    await shell.begin()
    shell.publisher.released.clear()
    first = await shell.partitions.handle(batch_of("timeline", 0, 0, [b"x"] * 2))
    second = await shell.partitions.handle(batch_of("timeline", 0, 2, []))
    shell.log.writes_left = 0
    shell.publisher.released.set()

    results = await asyncio.gather(first, second, return_exceptions=True)

    assert [type(result) for result in results] == [BrokerDown, BrokerDown]


@pytest.mark.parametrize(
    ("value", "where"),
    [(b"cannot be decided", "offset 1: KeyError"), (b"breaks the decider", "offsets 0 to 1: ValueError")],
)
async def test_a_record_that_cannot_be_decided(value: bytes, where: str) -> None:
    """Our fault: raises with the place and the kind of error, without a word of what was in it, and writes nothing."""
    shell = Shell()
    await shell.begin()

    with pytest.raises(UndecidableBatchError, match=f"watch cannot decide timeline:0 {where}") as caught:
        await shell.partitions.handle(batch_of("timeline", 0, 0, [b"x", value]))

    assert "P-secret" not in str(caught.value)
    assert shell.alerts == []


async def test_a_hole_in_the_log() -> None:
    """Records that are not where they should be stop the worker; compacted offsets are no hole."""
    shell = Shell()
    await shell.begin()
    await shell.take(0, 2)

    with pytest.raises(RuntimeError, match="expected records from offset 2, found 3"):
        await shell.take(3, 1)


async def test_the_state_is_written_after_so_many_records() -> None:
    """Counted over batches, and begun anew after each snapshot."""
    shell = Shell(snapshot_records=3)
    await shell.begin()

    for start in range(0, 12, 2):
        await shell.take(start, 2)

    assert [entry for entry in shell.log.journal if entry.startswith("snapshot")] == [
        "snapshot 4",
        "snapshot 8",
        "snapshot 12",
    ]
    assert shell.partitions.progress.snapshots == 3


async def test_the_state_is_written_after_some_time() -> None:
    """However few the records."""
    shell = Shell(snapshot_seconds=1e-9)
    await shell.begin()

    await shell.take(0, 1)

    assert shell.log.journal[-1] == "snapshot 1"


async def test_a_partition_that_goes_to_another_worker() -> None:
    """Its state is written down where it holds something new, and let go of."""
    shell = Shell()
    await shell.begin()
    await shell.take(0, 3)

    await shell.partitions.on_revoked({TIMELINE, TP("timeline", 5)})

    assert shell.log.journal[-1] == "snapshot 3"
    after = Shell(shell.log)
    assert await after.begin(committed=3) == 3
    assert after.decider.entries == shell.decider.entries
    with pytest.raises(KeyError):
        await shell.take(3, 1)


async def test_a_partition_with_nothing_new() -> None:
    """Writes no snapshot when it goes."""
    shell = Shell(await with_snapshot(10))
    await shell.begin(committed=10)

    await shell.partitions.on_revoked({TIMELINE})

    assert shell.log.journal == []


async def test_progress() -> None:
    """Counts what was read and what came of it."""
    shell = Shell()
    assert not shell.partitions.progress.ready
    await shell.begin()

    await shell.take(0, 3)

    progress = shell.partitions.progress
    assert progress.ready
    assert (progress.records, progress.results, progress.dead_letters) == (3, 3, 0)
    assert progress.by_topic == {"alerts": 3}
