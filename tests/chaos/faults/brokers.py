"""Kafka's nodes: killed while they lead, stopped one after the other, two lost at once, frozen."""

from __future__ import annotations

import asyncio
import signal
import time
from random import Random

from tests.chaos.cluster import NODES
from tests.chaos.faults.kinds import Fault
from tests.chaos.scene import Scene

_FROZEN_S = (7.0, 14.0)  # nodes are declared dead after 6 s


async def _leader(scene: Scene, chance: Random) -> int:
    """Return the node that leads some partition in use, or coordinates some groups."""
    topic = chance.choice([*scene.topics, "__consumer_offsets"])
    while True:
        if leader := await scene.stage.cluster.leader(topic, 0):
            return leader
        await asyncio.sleep(0.2)


async def _kill_leader(scene: Scene, chance: Random) -> float:
    cluster, node = scene.stage.cluster, await _leader(scene, chance)
    cluster.kill_node(node)
    scene.killed["broker"] += 1
    await asyncio.sleep(chance.uniform(0.0, 10.0))
    await cluster.start_node(node)
    return time.monotonic()


async def _kill_two(scene: Scene, chance: Random) -> float:
    """Leave one of three: no majority, nothing is taken; then both come back."""
    cluster, nodes = scene.stage.cluster, chance.sample(NODES, 2)
    for node in nodes:
        cluster.kill_node(node)
    scene.killed["broker"] += 2
    await asyncio.sleep(chance.uniform(0.0, 15.0))
    await cluster.start_nodes(nodes)
    return time.monotonic()


async def _rolling(scene: Scene, chance: Random) -> float:
    """Stop and start one after the other, each when the one before is whole again."""
    cluster = scene.stage.cluster
    for node in chance.sample(NODES, len(NODES)):
        await cluster.stop_node(node)
        await cluster.start_node(node)
        mended_at = time.monotonic()
        await cluster.wait_until_whole(scene.topics)
    return mended_at


async def _freeze(scene: Scene, chance: Random) -> float:
    cluster, node = scene.stage.cluster, await _leader(scene, chance)
    cluster.signal_node(node, signal.SIGSTOP)
    await asyncio.sleep(chance.uniform(*_FROZEN_S))
    cluster.signal_node(node, signal.SIGCONT)
    return time.monotonic()


async def _whole(scene: Scene) -> None:
    await scene.stage.cluster.wait_until_whole(scene.topics)


FAULTS = (
    Fault("broker-kill", "kill -9 of a node that leads partitions in use, and its return", _kill_leader, _whole),
    Fault("broker-two", "kill -9 of two nodes at once, and their return", _kill_two, _whole),
    Fault("broker-rolling", "all three nodes stopped and started, one after the other", _rolling, _whole),
    Fault("broker-freeze", "SIGSTOP of a node until the others declare it dead, then SIGCONT", _freeze, _whole),
)
