"""The judgement of `source-states`: the last state of each source is left in the end, and nothing that does not follow."""

from random import Random
from zlib import crc32

from faust.types import TP

from tests.simulation.broker import Broker
from tests.simulation.faults import Faults
from tests.simulation.heard import judge_states
from tests.simulation.loop import World
from tests.simulation.network import Network
from tests.simulation.verdict import Judgement

STATES = {"gate-1": [b"first", b"second", b"third"]}
_PARTITIONS = 3


def judged(*written: tuple[bytes, str], key: bytes = b"gate-1", states: dict[str, list[bytes]] = STATES) -> Judgement:
    """Judge states that processes wrote one after the other under a key."""
    world = World(Random(1))
    broker = Broker(world, Network(world, Faults(Random(2), {})), {"source-states": _PARTITIONS}, 1, 0)
    for value, writer in written:
        broker.append(TP("source-states", crc32(b"gate-1") % _PARTITIONS), [(key, value)], writer)
    judgement = Judgement()
    judge_states(judgement, broker, states)
    return judgement


def found(judgement: Judgement) -> tuple[int, int, int]:
    return judgement.lost, judgement.wrong, judgement.overtaken


def test_states_in_between_may_be_left_out_and_told_again() -> None:
    assert found(judged((b"third", "w1/p1"))) == (0, 0, 0)
    assert found(judged((b"first", "w1/p1"), (b"third", "w1/p1"), (b"second", "w2/p2"), (b"third", "w2/p2"))) == (
        0,
        0,
        0,
    )


def test_the_last_state_that_was_not_told_is_lost() -> None:
    assert found(judged()) == (1, 0, 0)
    assert found(judged((b"first", "w1/p1"), (b"second", "w1/p1"))) == (1, 0, 0)


def test_an_old_state_behind_the_last_is_wrong_but_from_a_frozen_process() -> None:
    assert found(judged((b"third", "w1/p1"), (b"second", "w1/p2"))) == (0, 1, 0)
    assert found(judged((b"third", "w1/p1"), (b"second", "w2/p2"))) == (0, 0, 1)


def test_a_state_that_does_not_follow_is_wrong() -> None:
    assert found(judged((b"other", "w1/p1"), (b"third", "w1/p1"))) == (0, 1, 0)
    assert found(judged((b"first", "w1/p1"), states={})) == (0, 1, 0)


def test_a_wrong_partition_is_wrong() -> None:
    elsewhere = next(
        b"gate-%d" % n for n in range(2, 99) if crc32(b"gate-%d" % n) % _PARTITIONS != crc32(b"gate-1") % _PARTITIONS
    )
    assert found(judged((b"third", "w1/p1"), key=elsewhere, states={elsewhere.decode(): [b"third"]})) == (0, 1, 0)
