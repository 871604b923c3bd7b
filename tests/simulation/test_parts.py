"""What the simulation is made of does what the real things do, as far as the pipeline leans on it."""

import asyncio
from collections.abc import Callable, Coroutine
from random import Random
from typing import Any

import pytest
from aiokafka.errors import IllegalGenerationError, KafkaError, OutOfOrderSequenceNumber
from faust.types import TP

from sinks.clickhouse.batches import Batch, blocks_by_table
from sinks.clickhouse.runs import Run
from tests.simulation.broker import Kept, Numbered, Partition
from tests.simulation.faults import Faults
from tests.simulation.groups import SESSION_S, Group, Joined
from tests.simulation.loop import Process, World
from tests.simulation.native import read_block
from tests.simulation.network import Network
from tests.simulation.store import tables
from tests.support.sink_rows import Message, read_row
from tests.unit.clickhouse.messages import alert, dead_letter, policy_changed, reading, scan, tick, verdict

PLACE = TP("timeline", 0)


class Bench:
    """A world with one process, and nothing that fails."""

    def __init__(self, **rates: float) -> None:
        self.world = World(Random(1))
        faults = Faults(Random(2), {name.replace("_", " "): rate for name, rate in rates.items()})
        self.network = Network(self.world, faults)
        self.process = Process(self.world, "worker-1#1")
        self.ended: list[BaseException | None] = []

    def start(self, main: Coroutine[Any, Any, None]) -> None:
        self.process.start(main, lambda process, error: self.ended.append(error))  # noqa: ARG005

    def run(self, main: Coroutine[Any, Any, None], seconds: float = 1000.0) -> None:
        self.start(main)
        self.world.run(seconds)


def test_callbacks_of_a_process_run_in_the_order_in_which_they_were_asked_for() -> None:
    """As asyncio promises, and the shells lean on: results are handed over in the order of the batches."""
    bench, order = Bench(), list[int]()

    async def note(number: int) -> None:
        order.append(number)

    async def main() -> None:
        await asyncio.gather(*(note(number) for number in range(50)))

    bench.run(main())

    assert order == list(range(50))
    assert bench.ended == [None]


def test_time_passes_only_when_nobody_has_anything_to_do() -> None:
    """Two weeks are over at once."""
    bench, seen = Bench(), list[float]()

    async def main() -> None:
        async with asyncio.timeout(20 * 86_400):
            await asyncio.sleep(14 * 86_400)
        seen.append(asyncio.get_running_loop().time())

    bench.run(main(), 30 * 86_400)

    assert seen == [14 * 86_400]


def test_a_process_that_is_killed_does_nothing_more_and_its_request_arrives() -> None:
    """Whatever it had begun."""
    bench, done = Bench(), list[str]()

    async def main() -> None:
        await bench.network.call(bench.process, "produce", lambda: done.append("arrived"))
        done.append("answered")

    bench.start(main())
    bench.world.at(0.0, bench.process.kill)
    bench.world.run(1000.0)

    assert done == ["arrived"]
    assert not bench.process.is_alive
    assert bench.ended == []


def test_a_process_that_is_frozen_sends_later() -> None:
    """And knows nothing of it."""
    bench, arrived = Bench(), list[float]()

    async def main() -> None:
        await asyncio.sleep(1)
        await bench.network.call(bench.process, "produce", lambda: arrived.append(bench.world.now))

    bench.start(main())
    bench.world.at(0.5, bench.process.freeze, 3600.0)
    bench.world.run(5000.0)

    assert 3600 < arrived[0] < 3602
    assert bench.ended == [None]


def test_an_answer_that_is_lost() -> None:
    """The work is done, and whoever asked does not know."""
    bench, done = Bench(lost_answer=1.0), list[str]()

    async def main() -> None:
        with pytest.raises(KafkaError):
            await bench.network.call(bench.process, "produce", lambda: done.append("done"))

    bench.run(main())

    assert done == ["done"]
    assert bench.ended == [None]


def test_a_batch_of_an_idempotent_producer_stands_once_and_in_its_place() -> None:
    """The same number again is none; a number that leaves one out is refused. One without a number is always new."""
    partition = Partition(PLACE)

    assert partition.is_new(Numbered("p", 0))
    assert not partition.is_new(Numbered("p", 0))
    with pytest.raises(OutOfOrderSequenceNumber):
        partition.is_new(Numbered("p", 2))
    assert partition.is_new(Numbered("p", None))
    assert partition.is_new(Numbered("another", 0))


def test_compaction_leaves_the_last_of_each_key() -> None:
    """Below the segment that is written to; a tombstone goes when it is old."""
    partition = Partition(PLACE)
    partition.append([(b"a", b"1"), (b"b", b"1"), (b"a", b"2"), (b"b", None), (b"a", b"3")], 0, 0.0)

    partition.compact(4, lambda record: False)  # noqa: ARG005
    assert [(record.offset, record.value) for record in partition.records] == [(2, b"2"), (3, None), (4, b"3")]
    partition.compact(4, lambda record: True)  # noqa: ARG005
    assert [record.offset for record in partition.records] == [2, 4]
    assert partition.read(0, 1) == ([Kept(2, 0, b"a", b"2")], 3)
    assert partition.read(3, 9) == ([Kept(4, 0, b"a", b"3")], 5)


def joined_group(bench: Bench, on_notice: Callable[[Any], object]) -> tuple[Group, Joined]:
    """Return a group with one member, and what it heard."""
    group = Group("watch", [PLACE], bench.world, bench.network)
    heard: list[Joined] = []

    async def main() -> None:
        heard.append(await group.join(bench.process, "", on_notice))
        await asyncio.sleep(1e9)

    bench.run(main(), 10.0)
    return group, heard[0]


def test_a_member_whose_session_has_timed_out_is_told_and_its_commits_are_refused() -> None:
    """It was frozen, and another has its partitions."""
    bench, notices = Bench(), list[Any]()
    group, joined = joined_group(bench, notices.append)
    group._demand_member(joined.member_id, joined.generation)
    other = Process(bench.world, "worker-2#1")
    bench.process.freeze(100.0)
    group.expire(bench.process, is_over=lambda: bench.process.is_frozen)
    bench.world.run(20.0 + SESSION_S)

    group.join(other, "", lambda notice: None)  # noqa: ARG005
    bench.world.run(150.0)

    assert [notice.is_out for notice in notices] == [True]
    assert [member.process for member in group.members.values()] == [other]
    with pytest.raises(KafkaError):
        group._demand_member(joined.member_id, joined.generation)
    with pytest.raises(IllegalGenerationError):
        group._demand_member(next(iter(group.members)), joined.generation)


@pytest.mark.parametrize(
    ("topic", "values"),
    [
        (
            "timeline",
            [tick("03 13:00"), scan("s", "03 01:00"), reading("r", "03 02:00", person_id="p"), policy_changed()],
        ),
        ("checks", [verdict("c", "03", "missed"), verdict("c", "03", "late", 2)]),
        ("alerts", [alert("a", severity="critical")]),
        ("dead-letters", [dead_letter(5), dead_letter(6)]),
    ],
)
def test_inserts_are_read_back(topic: str, values: list[bytes]) -> None:
    """As the rows that the plain and slow way makes of the messages, into the tables of the migration."""
    offsets, appended_ms = list(range(len(values))), [1_580_000_000_000] * len(values)
    batch = Batch(topic, (Run(topic, 1, offsets, appended_ms, list(values)),))

    ((table, block),) = blocks_by_table(batch).items()
    names, rows = read_block(b"".join(block.chunks()))

    assert names == list(table.columns) == tables()[table.name].columns
    assert rows == [read_row(topic, Message(topic, 1, n, appended_ms[0], value))[1] for n, value in enumerate(values)]


def test_rows_of_one_key_fall_on_each_other_when_they_are_merged() -> None:
    """The highest version stays; a token that is known brings nothing."""
    table = tables()["dead_letters"]

    def row(offset: int) -> tuple[Any, ...]:
        values = {"offset": offset, "source_topic": "visits", "source_partition": 0, "source_offset": 7}
        return tuple(values.get(name, "") for name in table.columns)

    assert table.insert("", [row(5)], "first")
    assert table.insert("", [row(3)], "second")
    assert not table.insert("", [row(9)], "first")
    assert sorted(table.rows()) == sorted([row(5), row(3)])
    table.merge(Random(0))
    assert table.rows() == table.final() == [row(5)]
