"""Many requests, few writes; every request hears of its own."""

import asyncio
from collections.abc import Iterable

import pytest
from aiokafka.errors import KafkaConnectionError, KafkaTimeoutError

from streams.broker.outputs import Output
from streams.gateway.problems import Problem
from streams.gateway.writing import Writer
from tests.support.gateway_rig import ToldBrokers, ToldPublisher

pytestmark = pytest.mark.asyncio


def outputs(count: int) -> list[Output]:
    return [Output("checkpoints", b"s", b"%d" % number) for number in range(count)]


def writer_of(brokers: ToldBrokers, **bounds: int) -> Writer:
    given = {"most_records": 1000, "write_records": 100, "at_once": 1} | bounds
    return Writer(lambda: ToldPublisher(brokers), **given)  # type: ignore[arg-type, return-value]


async def settle() -> None:
    for _ in range(10):
        await asyncio.sleep(0)


async def test_what_waits_is_written_together() -> None:
    brokers = ToldBrokers()
    async with writer_of(brokers) as writer:
        await settle()
        brokers.gate.clear()
        asked = [asyncio.create_task(writer.write(outputs(10))) for _ in range(25)]
        await settle()
        brokers.gate.set()
        await asyncio.gather(*asked)
    assert brokers.writes == [100, 100, 50] or brokers.writes == [10, 100, 100, 40]
    assert len(brokers.outputs) == 250


async def test_a_request_larger_than_a_write_is_written_whole() -> None:
    brokers = ToldBrokers()
    async with writer_of(brokers, write_records=10) as writer:
        await settle()
        await writer.write(outputs(500))
    assert brokers.writes == [500]


async def test_nothing_is_held_beyond_the_bound() -> None:
    brokers = ToldBrokers()
    async with writer_of(brokers, most_records=30) as writer:
        await settle()
        brokers.gate.clear()
        asked = [asyncio.create_task(writer.write(outputs(10))) for _ in range(3)]
        await settle()
        with pytest.raises(Problem) as raised:
            await writer.write(outputs(1))
        assert raised.value.status == 429
        brokers.gate.set()
        await asyncio.gather(*asked)
        await writer.write(outputs(30))
        assert writer.held_records == 0


async def test_all_under_way_hear_of_a_failed_write_and_the_next_are_written() -> None:
    brokers = ToldBrokers()
    async with writer_of(brokers, at_once=2, write_records=10) as writer:
        await settle()
        brokers.gate.clear()
        asked = [asyncio.create_task(writer.write(outputs(10))) for _ in range(5)]
        await settle()
        brokers.are_away = True
        brokers.gate.set()
        found = await asyncio.gather(*asked, return_exceptions=True)
        assert [isinstance(each, Problem) and each.status == 503 for each in found] == [True] * 5
        assert not writer.is_connected
        assert writer.held_records == 0
        brokers.are_away = False
        for _ in range(30):
            await asyncio.sleep(0.1)
            if writer.is_connected:
                break
        await writer.write(outputs(3))
    assert len(brokers.outputs) == 3


class _HangingPublisher:
    def __init__(self, starts: list[int]) -> None:
        self._starts = starts

    async def start(self) -> None:
        self._starts.append(1)
        if len(self._starts) < 3:
            raise KafkaConnectionError("away")

    async def stop(self) -> None:
        pass

    async def publish(self, outputs: Iterable[Output]) -> int:  # noqa: ARG002
        raise KafkaTimeoutError("away")


async def test_it_connects_again_until_it_can(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("streams.gateway.writing._RECONNECT_S", 0.01)
    starts: list[int] = []
    async with Writer(lambda: _HangingPublisher(starts), most_records=10, write_records=10) as writer:  # type: ignore[arg-type, return-value]
        await settle()
        with pytest.raises(Problem):
            await writer.write(outputs(1))
        await asyncio.sleep(0.1)
        assert len(starts) == 3
        assert writer.is_connected


async def test_few_records_wait_for_the_write_that_is_under_way_and_many_do_not() -> None:
    """A write costs much, so small ones are gathered, however many there may be at once."""
    brokers = ToldBrokers()
    async with writer_of(brokers, at_once=3) as writer:
        await settle()
        brokers.gate.clear()
        asked, begun = [], []
        for count in (1, 4, 5, 1, 9, 90, 50):
            asked.append(asyncio.create_task(writer.write(outputs(count))))
            await settle()
            begun.append(list(brokers.writes))
        brokers.gate.set()
        await asyncio.gather(*asked)
    assert begun == [[1], [1], [1], [1, 10], [1, 10], [1, 10, 99], [1, 10, 99]]
    assert brokers.writes == [1, 10, 99, 50]
    assert writer.written_records == len(brokers.outputs) == 160


async def test_a_request_whose_answer_fails_is_no_concern_of_others() -> None:
    brokers = ToldBrokers()
    async with writer_of(brokers) as writer:
        await settle()

        def fail(_: object) -> None:
            raise RuntimeError

        heard: list[object] = []
        writer.put(outputs(1), fail)
        writer.put(outputs(1), heard.append)
        await settle()
        assert heard == [None]
        assert (writer.held_records, writer.written_records) == (0, 2)
        assert writer.is_connected


async def test_whoever_hangs_up_has_written() -> None:
    brokers = ToldBrokers()
    async with writer_of(brokers) as writer:
        await settle()
        brokers.gate.clear()
        asking = asyncio.create_task(writer.write(outputs(3)))
        await settle()
        asking.cancel()
        await asyncio.gather(asking, return_exceptions=True)
        assert asking.cancelled()
        brokers.gate.set()
        await settle()
        assert (len(brokers.outputs), writer.written_records, writer.held_records) == (3, 3, 0)


async def test_its_end_waits_for_what_is_under_way_and_refuses_the_rest() -> None:
    brokers = ToldBrokers()
    writer = writer_of(brokers, write_records=10)
    await writer.__aenter__()
    await settle()
    brokers.gate.clear()
    asked = [asyncio.create_task(writer.write(outputs(10))) for _ in range(3)]
    await settle()
    ending = asyncio.create_task(writer.__aexit__())
    await settle()
    assert not ending.done()
    brokers.gate.set()
    await ending
    found = await asyncio.gather(*asked, return_exceptions=True)
    assert found[0] is None
    assert len(brokers.outputs) == 10
    assert [isinstance(each, Problem) for each in found] == [False, True, True]
