"""Sources on real brokers: what a command writes reaches every gateway, and a key that is revoked is shut within seconds."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from structlog.testing import capture_logs

from streams.broker.compacted import CompactedFollower, read_compacted
from streams.broker.outputs import Output
from streams.broker.publisher import Publisher
from streams.embedded.broker import EmbeddedBroker
from streams.gateway.registrar import Change, change_source, remove_source, revoke_keys, rotate_key
from streams.gateway.registry import Registry
from streams.gateway.source_log import read_standing, write_changes
from streams.settings import KafkaSettings, Settings
from tests.support.brokers import BrokerUnderTest
from tests.unit.gateway.sources import DAY, added, presented, random_from, source_of

pytestmark = pytest.mark.timeout(120)

PARTITIONS = 3
WITHIN_S = 5.0
COMPACTED = {"cleanup_policy": "compact", "segment_ms": "100", "min_cleanable_dirty_ratio": "0.01"}
COMPACTED |= {"min_compaction_lag_ms": "0", "max_compaction_lag_ms": "200", "delete_retention_ms": "100"}


@dataclass
class Town:
    """A cluster with the topics of sources, and their changes."""

    settings: Settings

    async def write(self, *changes: Change) -> list[str]:
        return await write_changes(self.settings, changes, await read_standing(self.settings))


@dataclass
class Gateway:
    """A registry and its follower; `taken` is what it was told."""

    follower: CompactedFollower
    registry: Registry
    taken: list[tuple[str, bytes | None]] = field(default_factory=list)

    def lets_in(self, change: Change) -> bool:
        return self.registry.admit(presented(change), datetime.now(UTC)) is not None


@pytest.fixture
async def town(broker: BrokerUnderTest, fresh_name: Callable[[str], str]) -> Town:
    """Give topics of their own."""
    prefix = fresh_name("sources") + "."
    await asyncio.to_thread(broker.create_topic, f"{prefix}sources", PARTITIONS, **COMPACTED)
    for topic in ("audit", "commands"):
        await asyncio.to_thread(broker.create_topic, f"{prefix}{topic}", PARTITIONS)
    kafka = KafkaSettings(brokers=broker.bootstrap, idempotence=broker.is_kafka)
    return Town(Settings(kafka=kafka, topic_prefix=prefix))


@asynccontextmanager
async def following(settings: Settings, **options: Any) -> AsyncIterator[Gateway]:
    """Run a follower until the end."""
    registry, taken = Registry(), list[tuple[str, bytes | None]]()

    def take(key: str, value: bytes | None) -> None:
        taken.append((key, value))
        registry.take(key, value)

    follower = CompactedFollower(settings, "sources", take, **options)
    running = asyncio.create_task(follower.run())
    try:
        yield Gateway(follower, registry, taken)
    finally:
        running.cancel()
        with suppress(asyncio.CancelledError):
            await running


async def until(is_true: Callable[[], bool], what: str, limit_s: float = 30.0) -> float:
    """Wait for a condition and return the seconds that it took."""
    began = time.monotonic()
    while not is_true():
        assert time.monotonic() - began < limit_s, f"waited {limit_s} s in vain for: {what}"
        await asyncio.sleep(0.02)
    return time.monotonic() - began


async def test_a_revoked_key_is_shut_within_seconds(town: Town) -> None:
    """Added, rotated, revoked, removed: a gateway that follows knows each a moment after it was written."""
    async with following(town.settings) as gateway:
        await until(lambda: gateway.follower.is_ready, "the empty topic read")
        first = added("gate-3")
        assert await town.write(first) == []
        await until(lambda: gateway.lets_in(first), "the key let in", WITHIN_S)

        second = rotate_key(
            source_of(first), actor_id="a", now=datetime.now(UTC), random_bytes=random_from(5), overlap=DAY
        )
        assert await town.write(second) == []
        await until(lambda: gateway.lets_in(second), "the second key let in", WITHIN_S)
        assert gateway.lets_in(first)

        assert first.key is not None
        revoked = revoke_keys(source_of(second), first.key.key_id, actor_id="a", now=datetime.now(UTC))
        assert await town.write(revoked) == []
        await until(lambda: not gateway.lets_in(first), "the first key shut", WITHIN_S)
        assert gateway.lets_in(second)

        assert await town.write(remove_source("gate-3", revoked.source, actor_id="a", now=datetime.now(UTC))) == []
        await until(lambda: not gateway.lets_in(second), "the source gone", WITHIN_S)
        assert len(gateway.registry) == 0

    assert [key for key, _ in gateway.taken] == ["gate-3"] * 4
    assert (await read_compacted(town.settings, "sources")).values == {}


async def test_who_comes_later_is_told_the_last_value_alone(town: Town) -> None:
    """A key that was revoked before the gateway started is valid at no moment of its start, compacted away or not."""
    first, other = added("gate-3"), added("gate-4", seed=3)
    await town.write(first, other)
    revoked = revoke_keys(source_of(first), None, actor_id="a", now=datetime.now(UTC))
    await town.write(revoked)

    async with following(town.settings) as gateway:
        await until(lambda: gateway.follower.is_ready, "the topic read")
        assert sorted(gateway.taken, key=lambda each: each[0]) == [("gate-3", revoked.value), ("gate-4", other.value)]
        assert gateway.lets_in(other)
        assert not gateway.lets_in(first)


async def test_all_is_read_anew_now_and_then(town: Town) -> None:
    """A tombstone that was compacted away before it was seen does not leave its source open."""
    first, other = added("gate-3"), added("gate-4", seed=3)
    await town.write(first, other)
    async with following(town.settings, refresh_s=0.2) as gateway:
        await until(lambda: len(gateway.registry) == 2, "both sources")
        gateway.follower._known.add("gate-5")  # as if it had been there before
        gateway.registry.take("gate-5", first.value)
        await until(lambda: ("gate-5", None) in gateway.taken, "the one that is not there any more taken away")
        assert len(gateway.registry) == 2


async def test_two_at_once(town: Town) -> None:
    """Whoever wrote last is told, on real brokers too; the last one holds, and what the other one shut stays shut."""
    change = added("gate-3")
    await town.write(change)
    standing = await read_standing(town.settings)
    mine = change_source(source_of(change), {"burst": 7}, actor_id="a", now=datetime.now(UTC))
    theirs = change_source(source_of(change), {"burst": 9}, actor_id="b", now=datetime.now(UTC))
    assert await write_changes(town.settings, [theirs], standing) == []
    assert await write_changes(town.settings, [mine], standing) == ["gate-3"]
    held = (await read_standing(town.settings)).sources["gate-3"]
    assert held is not None
    assert held.burst == 7

    standing = await read_standing(town.settings)
    shut = revoke_keys(held, None, actor_id="b", now=datetime.now(UTC))
    rotated = rotate_key(held, actor_id="a", now=datetime.now(UTC), random_bytes=random_from(5), overlap=DAY)
    assert await write_changes(town.settings, [shut], standing) == []
    assert await write_changes(town.settings, [rotated], standing) == ["gate-3"]
    held = (await read_standing(town.settings)).sources["gate-3"]
    assert held is not None
    assert held.valid_keys(datetime.now(UTC)) == (rotated.key,)


async def test_a_key_in_two_partitions(town: Town) -> None:
    """As after partitions were added: the younger record counts, whichever partition it stands in."""
    async with Publisher(town.settings) as publisher:
        for partition, value in ((2, b"oldest"), (0, b"older"), (1, b"young")):
            await publisher.publish([Output("sources", b"gate-3", value, partition)])
            await asyncio.sleep(0.005)  # the brokers' stamps are of milliseconds
    assert (await read_compacted(town.settings, "sources")).values == {"gate-3": b"young"}


async def test_what_has_no_text_as_its_key(town: Town) -> None:
    """Is nobody's, and passed over."""
    async with Publisher(town.settings) as publisher:
        await publisher.publish([Output("sources", b"\xff", b"v", 0)])
        async with following(town.settings) as gateway:
            await until(lambda: gateway.follower.is_ready, "the topic read")
            await publisher.publish([Output("sources", b"\xff", b"v", 0), Output("sources", b"k", b"v", 0)])
            await until(lambda: gateway.taken == [("k", b"v")], "the record with a key")


async def test_a_topic_that_is_not_there_yet(broker: BrokerUnderTest, fresh_name: Callable[[str], str]) -> None:
    """A gateway waits for it; a command says what to do."""
    prefix = fresh_name("later") + "."
    kafka = KafkaSettings(brokers=broker.bootstrap, idempotence=broker.is_kafka)
    settings = Settings(kafka=kafka, topic_prefix=prefix)
    with pytest.raises(LookupError, match="gridwatch topics --apply"):
        await read_compacted(settings, "sources")
    async with following(settings) as gateway:
        await until(lambda: gateway.follower._is_down, "no topic")
        assert not gateway.follower.is_ready
        await asyncio.to_thread(broker.create_topic, f"{prefix}sources", 1)
        await until(lambda: gateway.follower.is_ready, "the topic that came")


@pytest.mark.slow
async def test_brokers_that_go_and_come(tmp_path: Path) -> None:
    """While none answers everything stays as it was, and it is said once; afterwards what holds is what stands there."""
    first, other = added("gate-3"), added("gate-4", seed=3)
    with EmbeddedBroker(tmp_path) as broker, capture_logs() as logs:
        town = Town(Settings(kafka=KafkaSettings(brokers=broker.bootstrap, idempotence=False)))
        await _make_topics(broker.bootstrap)
        await town.write(first)
        async with following(town.settings, refresh_s=0.3) as gateway:
            await until(lambda: gateway.lets_in(first), "the key let in")
            broker.stop()
            await until(lambda: gateway.follower._is_down, "the outage noticed")
            assert gateway.follower.is_ready
            assert gateway.lets_in(first)
            with EmbeddedBroker(tmp_path, port=broker.port) as next_broker:
                await _make_topics(next_broker.bootstrap)
                await town.write(other)
                await until(lambda: gateway.lets_in(other), "the key of the new broker let in")
                assert not gateway.lets_in(first)
    said = [log["log_level"] for log in logs if log.get("topic") == "sources"]
    assert said == ["info", "warning", "info"]


async def _make_topics(bootstrap: str) -> None:
    broker = BrokerUnderTest("embedded", bootstrap)
    for topic in ("sources", "audit", "commands"):
        await asyncio.to_thread(broker.create_topic, topic, PARTITIONS)
