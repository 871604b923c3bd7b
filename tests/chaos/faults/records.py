"""Records: a flood of bad ones, and one on which a worker with a planted bug fails."""

from __future__ import annotations

import asyncio
import re
import time
from random import Random

from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, TopicPartition

from streams.broker.publisher import Publisher
from tests.chaos.faults.kinds import Fault, Injection
from tests.chaos.noise import bad_record, marked_record
from tests.chaos.scene import SOUND, Scene
from tests.support.faulty_worker import MARKER

FLOOD_RECORDS = 100_000
_GROUP = 5000
_FAULTY = "tests.support.faulty_worker"
_FAILURES = 3
_LIMIT_S = 120.0


async def _flood(scene: Scene, chance: Random) -> float:
    seed = chance.randrange(1 << 30)
    async with Publisher(scene.settings) as publisher:
        for begin in range(0, FLOOD_RECORDS, _GROUP):
            await publisher.publish(bad_record(seed, number) for number in range(begin, begin + _GROUP))
    return time.monotonic()


def _poison(role: str) -> Injection:
    async def inject(scene: Scene, chance: Random) -> float:
        """Put a version with a bug in place, send what it cannot bear, see it fail in the same place, put it right."""
        parts = scene.of_role(role)
        for part in parts:
            part.module = _FAULTY
        await asyncio.gather(*(part.restart() for part in parts))
        heard = {part.name: part.log_size() for part in parts}
        sent_to = await _send_marked(scene, chance.randrange(1 << 30))
        places: list[str] = []
        async with asyncio.timeout(_LIMIT_S):
            while len(places) < _FAILURES:
                await asyncio.sleep(0.2)
                places = [place for part in parts for place in _named(part.said(heard[part.name]), role)]
        await _judge(scene, role, places, sent_to)
        for part in parts:
            part.module = SOUND
        return max(await asyncio.gather(*(part.kill() for part in parts)))

    return inject


async def _send_marked(scene: Scene, number: int) -> str:
    """Send the record and return its place as a worker would name it."""
    output = marked_record(MARKER.decode(), number)
    async with AIOKafkaProducer(bootstrap_servers=scene.settings.kafka.brokers, acks="all") as producer:
        sent = await producer.send_and_wait(scene.settings.topic(output.topic), output.value, key=output.key)
    return f"{sent.topic}:{sent.partition} offset {sent.offset}"


def _named(said: str, role: str) -> list[str]:
    """Return the places that a worker has named when it failed."""
    return re.findall(rf"{role} cannot decide (\S+:\d+ offset \d+)", said)


async def _judge(scene: Scene, role: str, places: list[str], sent_to: str) -> None:
    if len(set(places)) != 1:
        scene.findings.append(f"one bad record, but {role} fails at {sorted(set(places))}")
    if role == "intake" and places[0] != sent_to:
        scene.findings.append(f"intake fails at {places[0]}, the record stands at {sent_to}")
    if role == "watch" and MARKER not in await _read(scene, places[0]):
        scene.findings.append(f"watch fails at {places[0]}, where another record stands")


async def _read(scene: Scene, place: str) -> bytes:
    """Return the record at a place."""
    topic, partition, offset = re.split(r":| offset ", place)
    tp = TopicPartition(topic, int(partition))
    async with AIOKafkaConsumer(bootstrap_servers=scene.settings.kafka.brokers) as consumer:
        consumer.assign([tp])
        consumer.seek(tp, int(offset))
        record = await consumer.getone(tp)
    assert record.offset == int(offset)
    return record.value or b""


FAULTS = (
    Fault("flood", f"{FLOOD_RECORDS:,} bad records at once", _flood),
    *(
        Fault(
            f"poison-{role}",
            f"{role} with a planted bug stops at a record, says where, goes on when mended",
            _poison(role),
        )
        for role in ("intake", "watch")
    ),
)
