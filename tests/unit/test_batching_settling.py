"""Batches whose results are on the way: how many at once, in which order they are acked, and what a failure ends."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable

import pytest

from streams.batching.settling import Settling


class Way:
    """Batches named by numbers, their results on the way until told."""

    def __init__(self, batches_max: int) -> None:
        self.failures: list[BaseException] = []
        self.acked: list[int] = []
        self.results: list[asyncio.Future[None]] = []
        self.settling = Settling(batches_max, self.failures.append)

    async def send(self, number: int, *, is_settled: bool = False) -> None:
        async with asyncio.timeout(5):
            await self.settling.place()
        result: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self.results.append(result)
        self.settling.add(None if is_settled else result, lambda: self.acked.append(number))


async def until(is_true: Callable[[], bool]) -> None:
    """Give the loop its turns until it is so; fails after five seconds."""
    async with asyncio.timeout(5):
        while not is_true():
            await asyncio.sleep(0)


@pytest.fixture
async def way() -> AsyncIterator[Way]:
    """Give a way for three batches at once."""
    way = Way(3)
    yield way
    await way.settling.stop()


async def test_acks_keep_the_order_of_delivery(way: Way) -> None:
    """Whatever is settled first: nothing is acked before what was delivered before it."""
    for number in range(3):
        await way.send(number, is_settled=number == 1)
    way.results[2].set_result(None)
    await asyncio.sleep(0)
    assert way.acked == []

    way.results[0].set_result(None)

    await until(lambda: way.acked == [0, 1, 2])


async def test_so_many_at_once_and_no_more(way: Way) -> None:
    """A fourth waits until one is acked."""
    for number in range(3):
        await way.send(number)
    fourth = asyncio.create_task(way.send(3))
    await asyncio.sleep(0)
    assert len(way.results) == 3

    way.results[0].set_result(None)

    await fourth
    assert way.acked == [0]


async def test_nothing_is_acked_after_a_failure(way: Way) -> None:
    """What came before is acked, the failure is told once, and nobody gets a place any more."""
    for number in range(3):
        await way.send(number)
    way.results[2].set_result(None)
    way.results[0].set_result(None)
    way.results[1].set_exception(ConnectionError("not written"))

    await until(lambda: bool(way.failures))
    await way.send(3)
    with pytest.raises(TimeoutError):
        async with asyncio.timeout(0.01):
            await way.settling.place()

    assert way.acked == [0]
    assert [str(error) for error in way.failures] == ["not written"]


async def test_an_ack_that_raises_is_a_failure() -> None:
    """Nobody else would hear of it: the worker would take no batch any more, and not end."""
    failures: list[BaseException] = []
    settling = Settling(1, failures.append)

    def ack() -> None:
        raise RuntimeError("no such partition")

    await settling.place()
    settling.add(None, ack)

    await until(lambda: bool(failures))
    assert [str(error) for error in failures] == ["no such partition"]
    await settling.stop()


async def test_results_that_somebody_else_gives_up_are_a_failure(way: Way) -> None:
    """What is cancelled from outside never settles: the worker ends, and nothing after it is acked."""
    for number in range(2):
        await way.send(number)
    way.results[1].set_result(None)
    way.results[0].cancel()

    await until(lambda: bool(way.failures))
    assert way.acked == []
    assert ["given up by somebody else" in str(error) for error in way.failures] == [True]


async def test_a_stop_is_no_failure(way: Way) -> None:
    """It cancels what it waits for itself."""
    await way.send(0)
    await asyncio.sleep(0)

    await way.settling.stop()

    assert way.results[0].cancelled()
    assert way.failures == []


async def test_a_stop_lets_go_without_an_ack(way: Way) -> None:
    """What is under way is cancelled, also what waits behind it, and tells of no error that nobody hears."""
    for number in range(3):
        await way.send(number)
    way.results[1].set_exception(ConnectionError("not written"))

    await way.settling.stop()

    assert way.acked == []
    assert way.results[0].cancelled()
    assert way.results[2].cancelled()


async def test_at_least_one() -> None:
    """None at all would never begin."""
    with pytest.raises(ValueError, match="batches_max=0"):
        Settling(0, lambda error: None)  # noqa: ARG005
