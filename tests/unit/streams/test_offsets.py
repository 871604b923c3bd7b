"""How far a group is behind."""

from types import SimpleNamespace
from typing import Any

import pytest
from faust.types import TP
from kafka.errors import NotCoordinatorError
from kafka.structs import TopicPartition

import streams.broker.offsets
from streams.broker.offsets import OffsetReader, behind
from streams.settings import Settings

ONE, TWO = TP("visits", 0), TP("visits", 1)


def test_behind() -> None:
    """Only partitions that are behind are named, with the number of records."""
    assert behind({ONE: 5, TWO: 7}, {ONE: 5, TWO: 4}) == {TWO: 3}


def test_nothing_committed() -> None:
    """Everything is still to come, unless there is nothing; brokers say -1 for no commit."""
    assert behind({ONE: 5, TWO: 0}, {}) == {ONE: 5}
    assert behind({ONE: 5}, {ONE: -1}) == {ONE: 5}


def test_committed_beyond_the_end() -> None:
    """Is not behind: the log was made anew, or more was written since the ends were read."""
    assert behind({ONE: 5}, {ONE: 9}) == {}


def test_other_partitions() -> None:
    """What the group has committed elsewhere does not count."""
    assert behind({ONE: 5}, {TP("temperatures", 0): 5, TWO: 5}) == {ONE: 5}


class StubbornAdmin:
    """A client that keeps to the coordinator it has found, as kafka-python's does; the first finds one that then moves."""

    made = 0
    closed = 0

    def __init__(self, **_: Any) -> None:
        type(self).made += 1
        self.is_first = self.made == 1

    def list_group_offsets(self, group: str) -> Any:
        if self.is_first:
            raise NotCoordinatorError
        return {group: {TopicPartition("visits", 0): SimpleNamespace(offset=7)}}

    def close(self) -> None:
        type(self).closed += 1


async def test_a_coordinator_that_has_moved_is_looked_for_anew(monkeypatch: pytest.MonkeyPatch) -> None:
    """The clock waits for what intake has committed: it must not ask in vain until its patience ends."""
    monkeypatch.setattr(streams.broker.offsets, "KafkaAdminClient", StubbornAdmin)
    reader = OffsetReader(Settings())
    await reader._connect_admin()
    try:
        assert await reader.committed("intake") == {ONE: 7}
    finally:
        await reader.__aexit__()
    assert (StubbornAdmin.made, StubbornAdmin.closed) == (2, 2)
