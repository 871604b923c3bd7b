"""State in a compacted topic: the newest whole state is found again, whoever wrote it and wherever they died."""

from collections.abc import Iterable, Mapping
from random import Random

import msgspec
import pytest

from streams.broker import state_log
from streams.broker.outputs import Output
from streams.broker.state_log import SHARES, Mark, Seal, SnapshotChain, StateRecord, record_key
from streams.broker.state_reader import StateReader
from tests.support.fakes import BrokerDown, MemoryLog, MemoryPublisher, MemorySnapshots
from tests.support.tables import Table

SCOPE = "timeline/3"


def topic_of(records: Iterable[StateRecord]) -> dict[bytes, bytes]:
    """Return what a topic holds once it is compacted to the utmost."""
    return {record.key: record.value for record in records}


def reader_of(records: Iterable[StateRecord] | Mapping[bytes, bytes]) -> StateReader:
    """Return a reader that has met the records in this order."""
    reader = StateReader()
    for key, value in records.items() if isinstance(records, Mapping) else records:
        reader.add(key, value or None)
    return reader


def snapshots(chain: SnapshotChain, table: Table, count: int, first: int = 1) -> list[list[StateRecord]]:
    """Take and write snapshots, one change before each."""
    taken = []
    for number in range(first, first + count):
        table.set(**{f"key-{number % 7}": b"%d" % number})
        taken.append(list(chain.records(chain.collect(table.at, table))))
    return taken


def found(records: Iterable[StateRecord] | Mapping[bytes, bytes]) -> tuple[int, dict[str, bytes]] | None:
    """Return offset and entries of the newest whole state."""
    loaded = reader_of(records).newest(SCOPE)
    if loaded is None:
        return None
    assert loaded.state.head == {"at": loaded.next_offset, "word": "观察"}
    return loaded.next_offset, loaded.state.entries


class TestChain:
    """What snapshots hold and what is found in them."""

    def test_there_and_back(self) -> None:
        """Head and entries come back equal, with the offset at which they were."""
        table = Table()
        (records,) = snapshots(SnapshotChain(SCOPE, "a"), table, 1)

        assert found(records) == (1, table.entries)

    def test_nothing_is_no_state(self) -> None:
        """A scope of which the topic knows nothing has none; an empty state is one."""
        chain = SnapshotChain(SCOPE, "a")
        records = list(chain.records(chain.collect(5, Table(at=5))))

        assert found([]) is None
        assert reader_of(records).newest("timeline/33") is None
        assert found(records) == (5, {})

    def test_large_states_have_chunks_of_bounded_size(self, monkeypatch: pytest.MonkeyPatch) -> None:
        """No record is larger than a chunk, but for an entry that is so alone."""
        monkeypatch.setattr(state_log, "CHUNK_BYTES", 100)
        table = Table()
        table.set(**{f"key-{number}": b"x" * 30 for number in range(20)}, large=b"y" * 300)
        chain = SnapshotChain(SCOPE, "a")

        records = list(chain.records(chain.collect(table.at, table)))

        assert sorted(len(record.value) > 110 for record in records[:-1])[-2:] == [False, True]
        assert len(records) > 7
        assert found(records) == (1, table.entries)

    def test_a_snapshot_costs_what_changed_and_a_share_of_the_rest(self) -> None:
        """Of 3,200 entries about a hundred are written again each time, and all of them in a cycle."""
        table = Table()
        table.set(**{f"key-{number}": b"v" for number in range(3200)})
        chain = SnapshotChain(SCOPE, "a")
        chain.collect(table.at, table)
        written: list[set[str]] = []
        for _ in range(SHARES):
            table.set()
            written.append(set(chain.collect(table.at, table).entries))

        assert all(50 < len(keys) < 200 for keys in written)
        assert set.union(*written) == set(table.entries)

    def test_a_share_remembers_only_what_is_there(self) -> None:
        """Keys that change again and again, or go, do not gather in the shares."""
        table = Table()
        chain = SnapshotChain(SCOPE, "a")
        for number in range(5 * SHARES):
            table.set(**{f"key-{key}": b"%d" % number for key in range(20)}, **{f"gone-{number}": b"v"})
            table.set(**{f"gone-{number}": None})
            chain.collect(table.at, table)

        held = [key for share in chain._shares for key in share]
        assert set(table.entries) <= set(held)
        assert len(held) <= 21 * SHARES

    def test_what_is_taken_is_what_was(self) -> None:
        """Deciding goes on while a snapshot is written; it holds the moment at which it was taken."""
        table = Table()
        table.set(a=b"1", b=b"2")
        chain = SnapshotChain(SCOPE, "a")
        snapshot = chain.collect(table.at, table)
        table.set(a=b"changed", b=None, c=b"new")

        assert found(chain.records(snapshot)) == (1, {"a": b"1", "b": b"2"})

    @pytest.mark.parametrize("seed", range(3))
    def test_whole_after_any_number_of_snapshots_and_owners(self, seed: int) -> None:
        """Entries that come, change and go over several cycles and owners: every state is found again, from the topic
        compacted as far as it may be, and from every snapshot before.
        """
        random = Random(seed)
        table, topic, loaded = Table(), dict[bytes, bytes](), None
        chain = SnapshotChain(SCOPE, "w0")
        for number in range(150):
            for _ in range(random.randint(0, 5)):
                key = f"key-{random.randint(0, 40)}"
                goes = key in table.entries and random.random() < 0.4
                value = None if goes else b"%d" % table.at
                part_key = f"{key}//part"
                has_part = part_key in table.entries
                if has_part and (goes or random.random() < 0.2):
                    table.set(**{key: value, part_key: None})
                elif not goes and random.random() < 0.5:
                    table.set(**{key: value, part_key: b"part %d" % table.at})
                else:
                    table.set(**{key: value})
            table.set()
            snapshot = chain.collect(table.at, table)
            topic |= topic_of(chain.records(snapshot))
            for gone in chain.superfluous(snapshot):
                del topic[gone]
            assert found(topic) == (table.at, table.entries)
            if random.random() < 0.1:
                reader = reader_of(topic)
                records, loaded = reader.records(SCOPE), reader.newest(SCOPE)
                chain = SnapshotChain(SCOPE, f"w{number}", loaded)
                chain.note(records)
                assert loaded is not None
                table = Table(loaded.state.entries, table.at)
        assert loaded is not None
        assert len({key.rsplit(b"/", 1)[0] for key in topic}) <= SHARES + 1


class TestBroken:
    """What is not whole is never taken for whole."""

    @pytest.mark.parametrize("missing", [0, -1])
    def test_one_that_was_not_written_to_its_end(self, missing: int) -> None:
        """Without a chunk or without its seal, the one before counts."""
        table = Table()
        chain = SnapshotChain(SCOPE, "a")
        (first,) = snapshots(chain, table, 1)
        before = dict(table.entries)
        (second,) = snapshots(chain, table, 1, first=2)
        del second[missing]

        assert found(second) is None
        assert found([*first, *second]) == (1, before)

    def test_a_chunk_that_is_not_the_one_that_was_sealed(self) -> None:
        """Another digest is no snapshot, nor is a seal that cannot be read."""
        (records,) = snapshots(SnapshotChain(SCOPE, "a"), Table(), 1)

        assert found([records[0]._replace(value=records[0].value[::-1]), records[1]]) is None
        assert found([records[0], records[1]._replace(value=b"\xc1")]) is None

    @pytest.mark.parametrize("bit", range(8))
    def test_a_seal_that_is_not_the_one_that_was_written(self, bit: int) -> None:
        """Head, share, chain and predecessor are sealed as the chunks are: no byte of them can be another."""
        (records,) = snapshots(SnapshotChain(SCOPE, "a"), Table(), 1)
        chunk, seal = records
        for place in range(len(seal.value)):
            value = bytearray(seal.value)
            value[place] ^= 1 << bit
            assert found([chunk, seal._replace(value=bytes(value))]) is None

    def test_a_seal_of_another_snapshot(self) -> None:
        """A seal holds for its own name alone, though nothing else were to tell them apart."""
        chain = SnapshotChain(SCOPE, "a")
        (one,), (other,) = (list(chain.records(chain.collect(at, Table(at=at)))) for at in (1, 2))

        assert found([one, other]) == (2, {})
        assert found([one, other._replace(value=one.value)]) == (1, {})

    def test_a_chunk_that_changes_behind_its_seal(self) -> None:
        """Whatever is written over what was sealed, unless it is the same, breaks the seal."""
        table = Table()
        (records,) = snapshots(SnapshotChain(SCOPE, "a"), table, 1)
        chunk = records[0]

        assert found([*records, chunk]) == (1, table.entries)
        assert found([*records, chunk._replace(value=chunk.value[::-1])]) is None

    def test_a_seal_of_more_chunks_than_there_can_be(self) -> None:
        """Is no seal, and takes neither time nor memory."""
        (records,) = snapshots(SnapshotChain(SCOPE, "a"), Table(), 1)
        seal = msgspec.msgpack.decode(records[-1].value, type=Seal)
        many = msgspec.msgpack.encode(msgspec.structs.replace(seal, chunks=2**62))

        assert found([records[0], records[-1]._replace(value=many)]) is None

    def test_a_chain_with_a_link_missing(self) -> None:
        """A snapshot whose chain is broken is passed over for the newest whose chain is whole."""
        table = Table()
        taken = snapshots(SnapshotChain(SCOPE, "a"), table, 5)
        at_two = {"key-1": b"1", "key-2": b"2"}

        assert found([record for number, part in enumerate(taken) for record in part if number != 2]) == (2, at_two)
        assert found([record for part in taken[1:] for record in part]) is None

    def test_offsets_are_compared_as_numbers(self) -> None:
        """The newest is the one of the highest offset, not the one met last."""
        table = Table(at=8)
        chain = SnapshotChain(SCOPE, "a")
        (low,) = snapshots(chain, table, 1)
        table.at = 99
        (high,) = snapshots(chain, table, 1)

        state = found([*high, *low])
        assert state is not None
        assert state[0] == 100

    def test_a_deleted_one(self) -> None:
        """A tombstone for any record takes a snapshot away."""
        (records,) = snapshots(SnapshotChain(SCOPE, "a"), Table(), 1)
        for record in records:
            assert found([*records, StateRecord(record.key, b"")]) is None

    @pytest.mark.parametrize("key", [None, b"", b"x", b"timeline/3/12x/a/seal", b"\xff/\xff/\xff/\xff"])
    def test_a_record_that_is_none_of_ours(self, key: bytes | None) -> None:
        """Whatever else stands in the topic is passed over, and ours is found."""
        table = Table()
        (records,) = snapshots(SnapshotChain(SCOPE, "a"), table, 1)
        reader = reader_of(records)

        reader.add(key, b"anything")

        loaded = reader.newest(SCOPE)
        assert loaded is not None
        assert loaded.state.entries == table.entries

    def test_scopes_with_slashes(self) -> None:
        """The scope may hold the sign that parts a key."""
        reader = StateReader()
        for scope, at in (("a/b/1", 1), ("a/b", 2)):
            chain = SnapshotChain(scope, "a")
            for key, value in chain.records(chain.collect(at, Table(at=at))):
                reader.add(key, value)

        found_at = [loaded.next_offset for scope in ("a/b/1", "a/b") if (loaded := reader.newest(scope))]
        assert found_at == [1, 2]


class TestTwoWriters:
    """One frozen, declared dead and woken up writes beside its successor."""

    @pytest.mark.parametrize("frozen_after", [1, SHARES - 1, SHARES])
    @pytest.mark.parametrize("woken_for", [2, 2 * SHARES])
    def test_some_chain_is_always_whole(self, frozen_after: int, woken_for: int) -> None:
        """After every record that either writes, deletions included, a state is found, and it is right."""
        table = Table()
        zombie = SnapshotChain(SCOPE, "zombie")
        topic: dict[bytes, bytes] = {}
        truth: dict[int, dict[str, bytes]] = {}

        def write(chain: SnapshotChain, of: Table) -> None:
            of.set(**{f"key-{of.at % 7}": b"%d" % of.at, f"key-{of.at % 5}": b"%d" % of.at})
            truth[of.at] = dict(of.entries)
            snapshot = chain.collect(of.at, of)
            for key, value in chain.records(snapshot):
                topic[key] = value
                check()
            for key in chain.superfluous(snapshot):
                topic.pop(key, None)
                check()

        def check() -> None:
            state = found(topic)
            assert state is None or state[1] == truth[state[0]]
            assert state is not None or len(truth) == 1

        for _ in range(frozen_after):
            write(zombie, table)
        reader = reader_of(topic)
        records, loaded = reader.records(SCOPE), reader.newest(SCOPE)
        assert loaded is not None
        owner, twin = SnapshotChain(SCOPE, "owner", loaded), Table(loaded.state.entries, table.at)
        owner.note(records)
        for number in range(max(woken_for, SHARES + 4)):
            write(owner, twin)
            if 3 <= number < woken_for + 3:
                write(zombie, table)


class TestStore:
    """What the store writes, keeps and deletes."""

    @staticmethod
    async def begun(log: MemoryLog) -> tuple[MemorySnapshots, SnapshotChain, Table]:
        """Return a store on the log, and the chain and table to go on with."""
        store = MemorySnapshots(MemoryPublisher(log))
        chain, loaded = (await store.load([(SCOPE, 3)]))[SCOPE]
        table = Table() if loaded is None else Table(loaded.state.entries, loaded.next_offset)
        return store, chain, table

    @staticmethod
    def alive(log: MemoryLog) -> set[bytes | None]:
        """Return the keys that compaction leaves."""
        kept = {output.key: output.value for output in log.written}
        return {key for key, value in kept.items() if value}

    async def test_the_seal_comes_when_all_it_seals_is_acknowledged(self, monkeypatch: pytest.MonkeyPatch) -> None:
        """Chunks go a few at a time, so that others get in between; the seal goes alone."""
        monkeypatch.setattr(state_log, "CHUNK_BYTES", 20)
        log = MemoryLog()
        store, chain, table = await self.begun(log)
        table.set(**{f"key-{number}": b"x" * 10 for number in range(9)})

        await store.write(chain, chain.collect(table.at, table), 3)

        published = [entry for entry in log.journal if entry.startswith("publish")]
        assert published == ["publish 4", "publish 4", "publish 1", "publish 1"]
        assert log.written[-1].key == record_key(SCOPE, Mark(1, chain._writer), "seal")

    async def test_restarts_leave_nothing_behind(self) -> None:
        """What is loaded is deleted in its time, also what a dead worker did not seal."""
        log = MemoryLog()
        log.write(Output("watch-state", record_key(SCOPE, Mark(1, "dead"), "000000"), b"never sealed", 3))
        for _ in range(3 * SHARES):
            store, chain, table = await self.begun(log)
            table.set(key=b"%d" % table.at)
            await store.write(chain, chain.collect(table.at, table), 3)

        assert len(self.alive(log)) <= 2 * (SHARES + 1)
        assert record_key(SCOPE, Mark(1, "dead"), "000000") not in self.alive(log)
        _, _, table = await self.begun(log)
        assert (table.at, table.entries) == (3 * SHARES, {"key": b"%d" % (3 * SHARES - 1)})

    async def test_a_store_that_dies_between_any_two_writes(self) -> None:
        """The state before stays whole until the new one is sealed."""
        log = MemoryLog()
        expected: tuple[int, dict[str, bytes]] = (0, {})
        random = Random(1)
        for _ in range(60):
            store, chain, table = await self.begun(log)
            assert (table.at, table.entries) == expected
            log.writes_left = random.randint(0, 12)
            try:
                while True:
                    table.set(key=b"%d" % table.at)
                    snapshot = chain.collect(table.at, table)
                    at, entries = table.at, dict(table.entries)
                    await store.write(chain, snapshot, 3)
                    expected = (at, entries)
            except BrokerDown:
                log.writes_left = None
                state = found({output.key: output.value for output in log.written if output.key and output.value})
                expected = state or expected

    async def test_scopes_do_not_meet(self) -> None:
        """Each scope has its own, and one without has none."""
        log = MemoryLog()
        store = MemorySnapshots(MemoryPublisher(log))
        scopes = [("timeline/1", 1), ("timeline/2", 2), ("timeline/3", 3)]
        for (scope, partition), (chain, _) in zip(scopes[:2], (await store.load(scopes)).values(), strict=False):
            table = Table(at=partition)
            await store.write(chain, chain.collect(table.at, table), partition)
            assert chain.scope == scope

        loaded = {scope: state for scope, (_, state) in (await store.load(scopes)).items()}

        assert [None if state is None else state.next_offset for state in loaded.values()] == [1, 2, None]
