"""Snapshots in a compacted topic: a whole one is found again, a half one never taken for one."""

from random import Random
from typing import Any

import pytest

from streams.broker import snapshots
from streams.broker.snapshots import Snapshot, SnapshotReader, SnapshotRecord, seal_snapshot
from tests.support.fakes import BrokerDown, MemoryLog, MemoryPublisher, MemorySnapshots

SCOPE = "timeline/3"


def document(seed: int, size: int = 50) -> dict[str, Any]:
    """Return a document that does not compress well."""
    random = Random(seed)
    return {"people": [{"person_id": f"P{random.getrandbits(64):x}"} for _ in range(size)], "word": "观察"}


def reader_of(*records: SnapshotRecord) -> SnapshotReader:
    """Return a reader that has met the records in this order."""
    reader = SnapshotReader()
    for record in records:
        reader.add(record.key, record.value)
    return reader


@pytest.fixture
def in_chunks(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let chunks be small, so that a small document has many."""
    monkeypatch.setattr(snapshots, "CHUNK_BYTES", 100)


@pytest.mark.usefixtures("in_chunks")
class TestReader:
    """What a reader finds in the records of the topic."""

    def test_there_and_back(self) -> None:
        """The document comes back equal, with the offset at which it was."""
        snapshot = Snapshot(42, document(1))

        records = list(seal_snapshot(SCOPE, snapshot))

        assert len(records) > 3
        assert all(len(record.value) <= 100 for record in records[:-1])
        assert reader_of(*records).newest(SCOPE) == snapshot

    def test_the_same_state_is_the_same_bytes(self) -> None:
        """Two workers that write one scope and offset write the same records."""
        assert list(seal_snapshot(SCOPE, Snapshot(7, document(1)))) == list(
            seal_snapshot(SCOPE, Snapshot(7, document(1)))
        )

    def test_nothing_is_no_snapshot(self) -> None:
        """A scope of which the topic knows nothing has none."""
        reader = reader_of(*seal_snapshot(SCOPE, Snapshot(42, document(1))))

        assert reader.newest("timeline/33") is None
        assert SnapshotReader().newest(SCOPE) is None

    @pytest.mark.parametrize("missing", [0, 1, -1])
    def test_one_that_was_not_written_to_its_end(self, missing: int) -> None:
        """Without a chunk or without its seal, the one before counts."""
        older, newer = Snapshot(10, document(1)), Snapshot(20, document(2))
        records = list(seal_snapshot(SCOPE, newer))
        del records[missing]

        assert reader_of(*records).newest(SCOPE) is None
        assert reader_of(*seal_snapshot(SCOPE, older), *records).newest(SCOPE) == older

    def test_a_chunk_that_is_not_the_one_that_was_sealed(self) -> None:
        """A wrong hash is no snapshot."""
        records = list(seal_snapshot(SCOPE, Snapshot(20, document(2))))
        records[1] = SnapshotRecord(records[1].key, records[1].value[::-1])

        assert reader_of(*records).newest(SCOPE) is None

    def test_offsets_are_compared_as_numbers(self) -> None:
        """The newest is the one of the highest offset, not the one met last."""
        older, newer = Snapshot(9, document(1)), Snapshot(100, document(2))

        assert reader_of(*seal_snapshot(SCOPE, newer), *seal_snapshot(SCOPE, older)).newest(SCOPE) == newer

    def test_a_deleted_one(self) -> None:
        """Tombstones take a snapshot away; half of them are enough."""
        snapshot = Snapshot(20, document(2))
        records = list(seal_snapshot(SCOPE, snapshot))
        reader = reader_of(*records)

        reader.add(records[0].key, None)

        assert reader.newest(SCOPE) is None

    def test_scopes_with_slashes(self) -> None:
        """The scope may hold the sign that parts a key."""
        reader = reader_of(*seal_snapshot("a/b/1", Snapshot(1, {"n": 1})), *seal_snapshot("a/b", Snapshot(1, {"n": 2})))

        assert reader.newest("a/b/1") == Snapshot(1, {"n": 1})
        assert reader.newest("a/b") == Snapshot(1, {"n": 2})

    @pytest.mark.parametrize("key", [None, b"", b"x", b"timeline/3/12x/seal", b"\xff/\xff/\xff"])
    def test_a_record_that_is_none_of_ours(self, key: bytes | None) -> None:
        """Whatever else stands in the topic is passed over, and ours is found."""
        reader = reader_of(*seal_snapshot(SCOPE, Snapshot(5, {"n": 1})))

        reader.add(key, b"anything")

        assert reader.newest(SCOPE) == Snapshot(5, {"n": 1})


class TestStore:
    """What the store writes, keeps and deletes."""

    async def test_older_ones_go_but_for_one(self) -> None:
        """Two stay: the newest, and the one before in case the newest cannot be read."""
        log = MemoryLog()
        store = MemorySnapshots(MemoryPublisher(log))
        for next_offset in (10, 20, 30, 40):
            await store.save(SCOPE, 3, Snapshot(next_offset, {"n": next_offset}))

        kept = {output.key: output.value for output in log.written}
        alive = {key.split(b"/")[2] for key, value in kept.items() if key is not None and value}

        assert alive == {b"%020d" % 30, b"%020d" % 40}
        assert await store.load([(SCOPE, 3)]) == {SCOPE: Snapshot(40, {"n": 40})}

    async def test_a_new_worker_deletes_what_the_last_one_wrote(self) -> None:
        """What is loaded counts as written: nothing is left behind by restarts."""
        log = MemoryLog()
        for next_offset in (10, 20, 30, 40, 50):
            store = MemorySnapshots(MemoryPublisher(log))
            await store.load([(SCOPE, 3)])
            await store.save(SCOPE, 3, Snapshot(next_offset, {"n": next_offset}))

        kept = {output.key: output.value for output in log.written}

        assert {key.split(b"/")[2] for key, value in kept.items() if key and value} == {b"%020d" % 40, b"%020d" % 50}

    async def test_a_store_that_dies_while_it_writes(self) -> None:
        """The snapshot before stays whole until the new one is sealed."""
        log = MemoryLog()
        store = MemorySnapshots(MemoryPublisher(log))
        await store.save(SCOPE, 3, Snapshot(10, {"n": 10}))
        log.writes_left = 1

        with pytest.raises(BrokerDown):
            await store.save(SCOPE, 3, Snapshot(20, {"n": 20}))

        log.writes_left = None
        assert await MemorySnapshots(MemoryPublisher(log)).load([(SCOPE, 3)]) == {SCOPE: Snapshot(10, {"n": 10})}

    async def test_scopes_do_not_meet(self) -> None:
        """Each scope has its own, and one without has none."""
        log = MemoryLog()
        store = MemorySnapshots(MemoryPublisher(log))
        await store.save("timeline/1", 1, Snapshot(1, {"n": 1}))
        await store.save("timeline/2", 2, Snapshot(2, {"n": 2}))

        found = await store.load([("timeline/1", 1), ("timeline/2", 2), ("timeline/3", 3)])

        assert found == {"timeline/1": Snapshot(1, {"n": 1}), "timeline/2": Snapshot(2, {"n": 2})}
