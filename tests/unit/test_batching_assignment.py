"""Partitions that are taken away while their state is loaded."""

from __future__ import annotations

from collections.abc import Mapping
from collections.abc import Set as AbstractSet
from typing import Any

from faust.types import TP

from streams.batching.app import BatchSchema
from streams.batching.transport import Consumer

STAYS, GOES = TP("log", 0), TP("log", 1)


class Listener:
    """Has one partition taken away while it loads, and notes what it is told."""

    def __init__(self, consumer: Assigned) -> None:
        self.consumer = consumer
        self.told: list[tuple[str, set[TP]]] = []

    async def on_assigned(self, positions: Mapping[TP, int]) -> Mapping[TP, int]:
        await self.consumer._let_go({GOES})
        self.told.append(("assigned", set(positions)))
        return dict.fromkeys(positions, 3)

    async def on_revoked(self, partitions: AbstractSet[TP]) -> None:
        self.told.append(("revoked", set(partitions)))


class Assigned(Consumer):
    """A consumer without brokers: both partitions are committed at 7."""

    def __init__(self) -> None:
        self.sought: dict[Any, int] = {}
        self._read_offset, self._committed_offset = {}, {}
        self._ledgers, self._thrown_away = {}, set()
        self._schemas = {"log": BatchSchema()}
        self.assignment_listener = Listener(self)

    @property
    def app(self) -> Assigned:  # type: ignore[override]
        return self

    def assignment(self) -> set[TP]:
        return {STAYS, GOES}

    async def seek_to_committed(self) -> Mapping[TP, int]:
        return dict.fromkeys(self.assignment(), 7)

    async def seek_wait(self, partitions: Mapping[TP, int]) -> None:
        self.sought.update(partitions)


async def test_what_is_taken_away_while_it_is_loaded_is_let_go_and_the_rest_goes_on() -> None:
    """The listener hears the end of it after the beginning, and nothing is sought that is no longer there."""
    consumer = Assigned()
    await consumer.perform_seek()
    assert consumer.sought == {STAYS: 3}
    assert consumer._ledgers.keys() == {STAYS}
    told = consumer.assignment_listener.told
    assert told[-2:] == [("assigned", {STAYS, GOES}), ("revoked", {GOES})]
