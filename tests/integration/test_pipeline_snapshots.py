"""State in snapshots: a restart begins where the newest whole one ends, and nobody has to read the whole log again."""

import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import msgspec
import pytest

from events.records import RAW_TOPICS
from streams.broker.outputs import Output
from streams.broker.state_log import Mark, Seal, record_key
from streams.broker.state_reader import StateReader
from tests.support.brokers import BrokerUnderTest
from tests.support.decisions import assert_live_equals_replay
from tests.support.pipeline import Part, Pipeline, pipeline_on, until
from tests.support.raw_records import opening, policy, reading, scan, tick

ONE_PARTITION = {"raw_partitions": 1, "timeline_partitions": 1, "result_partitions": 1}
SCOPE = "timeline/0"


def a_day(day: int, persons: int = 10) -> list[bytes]:
    """Return a day of readings, a breach and ticks, in which every second person misses the evening."""
    lines = [reading(f"{day:02d}-am-{n}", f"p-{n}", occurred_at=f"2020-02-{day:02d}T01:00:00Z") for n in range(persons)]
    lines.append(tick(f"{day:02d} 05:00"))
    lines += [
        reading(f"{day:02d}-pm-{n}", f"p-{n}", occurred_at=f"2020-02-{day:02d}T08:00:00Z") for n in range(0, persons, 2)
    ]
    lines += [scan(f"{day:02d}-scan", "p-1", occurred_at=f"2020-02-{day:02d}T09:00:00Z"), tick(f"{day:02d} 15:00")]
    return lines


BEGINNING = [policy(), *(opening(f"p-{n}") for n in range(10)), tick("01 01:00")]


def records_read(worker: Part) -> int:
    """Return how many records a worker says it has read, once it has stopped."""
    (stopped,) = worker.entries("worker stopped")
    return int(stopped["records"])


def snapshots_found(worker: Part) -> list[int]:
    """Return how many snapshots a worker began with, at each assignment."""
    return [entry["snapshots"] for entry in worker.entries("partitions taken over")]


async def newest_snapshot(pipeline: Pipeline, topic: str = "watch-state", scope: str = SCOPE) -> int:
    """Return the offset before which the newest whole snapshot holds everything, 0 where there is none."""
    reader = StateReader()
    for record in await pipeline.read(topic):
        reader.add(record.key, record.value)
    loaded = reader.newest(scope)
    return 0 if loaded is None else loaded.next_offset


async def test_a_restarted_watch_reads_from_its_snapshot_on(
    broker: BrokerUnderTest, tmp_path: Path, fresh_name: Callable[[str], str]
) -> None:
    """Stopped gracefully it reads nothing twice; killed, what came after the snapshot, and writes none of it twice."""
    worker = {"snapshot_records": 20, "batch_records": 10}  # of 30 records, the snapshot holds 20 to 29
    async with pipeline_on(broker, tmp_path, fresh_name("resume"), topics=ONE_PARTITION, worker=worker) as pipeline:
        first = pipeline.launch("worker", "watch")
        await pipeline.start("worker intake")
        await pipeline.feed([*BEGINNING, *a_day(2)])
        await pipeline.decided()
        first.kill()
        snapshot_at, size = await newest_snapshot(pipeline), await pipeline.size("timeline")
        assert 0 < snapshot_at < size

        (second,) = await pipeline.start("worker watch")
        await pipeline.feed(a_day(3))
        await pipeline.decided()
        assert await second.stop() == 0
        assert snapshots_found(second) == [1]
        assert records_read(second) == await pipeline.size("timeline") - snapshot_at
        size = await pipeline.size("timeline")
        assert await newest_snapshot(pipeline) == size

        (third,) = await pipeline.start("worker watch")
        await pipeline.feed(a_day(4))
        await pipeline.decided()
        assert await third.stop() == 0
        assert records_read(third) == await pipeline.size("timeline") - size
        await assert_live_equals_replay(pipeline)


def broken_parts(next_offset: int) -> Mapping[str, list[tuple[bytes, bytes]]]:
    """Return records of snapshots that are not whole, by what is wrong with them."""
    mark = Mark(next_offset, "broken")

    def key(part: str) -> bytes:
        return record_key(SCOPE, mark, part)

    def seal(chunks: int, previous: Mark | None, chain: int) -> bytes:
        return msgspec.msgpack.encode(Seal(chunks, 0, previous, chain, 0, b"\x80"))

    return {
        "no seal": [(key("000000"), b"first chunk")],
        "a chunk is missing": [(key("000000"), b"first chunk"), (key("seal"), seal(2, None, 1))],
        "another digest": [(key("000000"), b"first"), (key("000001"), b"second"), (key("seal"), seal(2, None, 1))],
        "the one before is missing": [(key("seal"), seal(0, Mark(1, "gone"), 2))],
        "no seal to be read": [(key("000000"), b"first chunk"), (key("seal"), b"{")],
        "no key of ours": [(b"somebody else's", b"value"), (b"a/b/c/d", b"value")],
    }


async def test_broken_snapshots_give_way_to_the_older_one(
    broker: BrokerUnderTest, tmp_path: Path, fresh_name: Callable[[str], str]
) -> None:
    """Written half, or damaged: the newest whole one counts, and the worker starts."""
    async with pipeline_on(broker, tmp_path, fresh_name("broken"), topics=ONE_PARTITION) as pipeline:
        first, _ = await pipeline.start("worker watch", "worker intake")
        await pipeline.feed([*BEGINNING, *a_day(2)])
        await pipeline.decided()
        assert await first.stop() == 0
        whole_at = await newest_snapshot(pipeline)
        assert whole_at == await pipeline.size("timeline")
        await pipeline.feed(a_day(3))
        for number, records in enumerate(broken_parts(0)):
            for key, value in broken_parts(whole_at + number + 1)[records]:
                await pipeline.publisher.publish([Output("watch-state", key, value, 0)])

        (second,) = await pipeline.start("worker watch")
        await pipeline.decided()
        assert await second.stop() == 0, second.log()

        assert snapshots_found(second) == [1]
        assert records_read(second) == await pipeline.size("timeline") - whole_at
        await assert_live_equals_replay(pipeline)


@pytest.mark.parametrize("role", ["intake", "watch"])
async def test_a_snapshot_ahead_of_the_commit_is_acknowledged(
    broker: BrokerUnderTest, tmp_path: Path, fresh_name: Callable[[str], str], role: str
) -> None:
    """Killed between snapshot and commit: nothing is written twice, the commit follows, and the clock does not stand."""
    config: dict[str, Any] = {
        "topics": ONE_PARTITION,
        "worker": {"snapshot_records": 1, "batch_records": 1},
        "kafka": {"commit_interval_seconds": 60.0},
    }
    other = "watch" if role == "intake" else "intake"
    state, scope = ("intake-state", "temperatures/0") if role == "intake" else ("watch-state", SCOPE)
    async with pipeline_on(broker, tmp_path, fresh_name("ahead"), **config) as pipeline:
        killed, _ = await pipeline.start(f"worker {role}", f"worker {other}")
        await pipeline.send(policy())
        await pipeline.wait_for_timeline(1)
        await pipeline.send(*(reading(f"r-{n}", f"p-{n}", 39.0) for n in range(10)))
        await pipeline.wait_for_timeline(11)
        await pipeline.wait_for_size("alerts", 10)
        await pipeline.wait_for_size("timeline", 2 * 11)  # intake tells of the source with each
        wanted = 10 if role == "intake" else 2 * 11

        async def is_saved() -> bool:
            return await newest_snapshot(pipeline, state, scope) >= wanted

        await until(is_saved, "the last snapshot")
        assert not await pipeline.offsets.committed(role)
        killed.kill()

        quick = tmp_path / "gridwatch.toml"
        quick.write_text(quick.read_text("utf-8").replace("= 60.0", "= 0.02"), "utf-8")
        await pipeline.start(f"worker {role}")
        topics = RAW_TOPICS if role == "intake" else ("timeline",)
        await until(lambda: pipeline.is_done(role, *topics), f"{role} to commit what its snapshot holds")
        assert await pipeline.timeline_records() == 11
        assert len(await pipeline.read("alerts")) == 10


async def test_a_second_watch_takes_over_with_the_state(
    broker: BrokerUnderTest, tmp_path: Path, fresh_name: Callable[[str], str]
) -> None:
    """One joins in the middle of the feed, and the first leaves: every revision once, nothing read from the start."""
    async with pipeline_on(broker, tmp_path, fresh_name("handover")) as pipeline:
        first, _ = await pipeline.start("worker watch", "worker intake")
        await pipeline.feed([*BEGINNING, *a_day(2)])
        await pipeline.decided()
        size = await pipeline.size("timeline")
        second = pipeline.launch("worker", "watch")
        await pipeline.feed([*a_day(3), *a_day(4)])
        await second.ready("partitions taken over")
        await pipeline.feed([*a_day(5), *a_day(6)])
        assert await first.stop() == 0, first.log()
        await pipeline.feed(a_day(7))
        await pipeline.decided()
        assert await second.stop() == 0, second.log()

        assert snapshots_found(second)[-1] == 3
        assert records_read(first) + records_read(second) == await pipeline.size("timeline")
        assert records_read(second) <= await pipeline.size("timeline") - size
        await assert_live_equals_replay(pipeline)


@pytest.mark.kafka
async def test_a_killed_watch_started_again_under_its_name_is_ready_at_once(
    kafka_broker: BrokerUnderTest, tmp_path: Path, fresh_name: Callable[[str], str]
) -> None:
    """Long before its session is over: nothing lost, no revision of anything twice, the state from its snapshots."""
    config: dict[str, Any] = {
        "worker": {"instance_id": "first", "snapshot_records": 20, "batch_records": 10},
        "kafka": {"session_timeout_seconds": 120.0},
    }
    async with pipeline_on(kafka_broker, tmp_path, fresh_name("named"), **config) as pipeline:
        killed, _ = await pipeline.start("worker watch", "worker intake")
        await pipeline.feed([*BEGINNING, *a_day(2), *a_day(3)])
        await pipeline.decided()
        killed.kill()
        began_at = time.monotonic()

        await pipeline.start("worker watch")

        assert time.monotonic() - began_at < 30
        await pipeline.feed(a_day(4))
        await pipeline.decided()
        found = await assert_live_equals_replay(pipeline)
        assert len(await pipeline.read("alerts")) == len(found.alerts)
