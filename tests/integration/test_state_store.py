"""State in its topic on real brokers: written beside the stream, compacted, found again by another worker."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from typing import Any

import pytest

from streams.broker import state_log
from streams.broker.publisher import Publisher
from streams.broker.state_log import SHARES, SnapshotChain
from streams.broker.state_store import StateStore
from streams.settings import KafkaSettings, Settings
from tests.support.brokers import BrokerUnderTest
from tests.support.tables import Table

pytestmark = pytest.mark.timeout(120)

SCOPES = [("timeline/0", 0), ("timeline/1", 1), ("timeline/2", 2)]
# The cleaner at work all the time, as after months.
COMPACTED = {"cleanup_policy": "compact", "segment_ms": "100", "min_cleanable_dirty_ratio": "0.01"}
COMPACTED |= {"min_compaction_lag_ms": "0", "max_compaction_lag_ms": "200", "delete_retention_ms": "100"}


@pytest.fixture
async def store(broker: BrokerUnderTest, fresh_name: Callable[[str], str]) -> AsyncIterator[StateStore]:
    """Give a store on a topic of its own."""
    prefix = fresh_name("state") + "."
    await asyncio.to_thread(broker.create_topic, f"{prefix}watch-state", 4, **COMPACTED)
    settings = Settings(kafka=KafkaSettings(brokers=broker.bootstrap, idempotence=broker.is_kafka), topic_prefix=prefix)
    async with Publisher(settings) as publisher:
        yield StateStore(settings, publisher, "watch-state")


async def save(store: StateStore, chain: SnapshotChain, table: Table, partition: int) -> None:
    await store.write(chain, chain.collect(table.at, table), partition)


async def test_many_snapshots_of_several_scopes(store: StateStore, monkeypatch: pytest.MonkeyPatch) -> None:
    """Written side by side, more than a chain of them, while the broker compacts: the newest state of each is found."""
    monkeypatch.setattr(state_log, "CHUNK_BYTES", 1000)
    chains = [chain for chain, _ in (await store.load(SCOPES)).values()]
    tables = [Table({}, at=number) for number in range(len(SCOPES))]
    for number in range(2 * SHARES + 5):
        for table in tables:
            table.set(**{f"key-{number * 7 % 100}": b"x" * 50, f"key-{number * 3 % 11}": b"%d" % number})
        await asyncio.gather(*(save(store, *each) for each in zip(chains, tables, range(3), strict=True)))

    found = await store.load(SCOPES)

    for (scope, _), table in zip(SCOPES, tables, strict=True):
        _, loaded = found[scope]
        assert loaded is not None
        assert (loaded.next_offset, loaded.state.head) == (table.at, table.head())
        assert loaded.state.entries == table.entries
        assert len(loaded.chain) == SHARES


async def test_an_empty_topic(store: StateStore) -> None:
    """Has no state, and a chain to begin with."""
    found = await store.load([*SCOPES, ("visits/1", 1)])

    assert {scope: loaded for scope, (_, loaded) in found.items()} == dict.fromkeys(
        ["timeline/0", "timeline/1", "timeline/2", "visits/1"]
    )


async def test_a_large_entry(store: StateStore) -> None:
    """Larger than a chunk and as large as a topic takes by default."""
    ((chain, _),) = (await store.load(SCOPES[:1])).values()
    table = Table({}, at=0)
    table.set(large=b"x" * 900_000, small=b"y")
    await save(store, chain, table, 0)

    _, loaded = (await store.load(SCOPES[:1]))["timeline/0"]

    state: Any = loaded
    assert state.state.entries == table.entries
