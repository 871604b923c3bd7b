"""An even load of raw records, readings whose alerts are waited for, and the clock and enrolments around them."""

import asyncio
import gc
import time
import zlib
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from itertools import count, islice
from typing import Any, Self

import msgspec
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer

from bench import broker
from bench.town import Line, Town
from events.codec import encode
from events.records import ObservationOpened, Tick
from events.vocabulary import Category
from streams.broker.offsets import OffsetReader
from streams.broker.publisher import Publisher
from streams.clock.writer import TickWriter
from streams.settings import KafkaSettings, Settings

ENROLLED = 50_000
_PARTITIONS = 8
_SLOT_S, _PROBE_EVERY_S = 0.02, 0.01
_PATIENCE_S = 120.0
_MORNING = datetime(2020, 2, 2, 4, 0, tzinfo=UTC)  # noon in Shanghai: the window of the morning ends
_JUDGED = _MORNING + timedelta(minutes=36)


class _Alert(msgspec.Struct):
    occurrence: str


async def policy_and_clock(town: Town, prefix: str) -> None:
    """Begin the log as a live one does: a policy, then a tick."""
    policy = next(line for topic, line in town.raw() if topic == "commands")
    await broker.write([("commands", policy)], prefix, _PARTITIONS)
    await broker.write([("timeline", _tick(_MORNING))], prefix, _PARTITIONS)


async def enrol(town: Town, prefix: str) -> None:
    """Put people under observation straight into the timeline, and the clock at the end of their first morning."""
    start = _MORNING - timedelta(days=1)
    policy = next(line for line in town.timeline() if line.key is None and b"policy_changed" in line.value)
    lines = [policy, _tick(start), *(_opening(number, start) for number in range(ENROLLED)), _tick(_MORNING)]
    await broker.write((("timeline", line) for line in lines), prefix, _PARTITIONS)


async def hard_tick(prefix: str) -> None:
    """Let the checks of the first morning fall due, two for everybody enrolled, by a tick as `gridwatch clock` writes it."""
    settings = Settings(kafka=KafkaSettings(brokers=broker.brokers()), topic_prefix=prefix, group_prefix=prefix)
    async with OffsetReader(settings) as offsets, Publisher(settings) as publisher:
        writer = TickWriter(settings, offsets, publisher)
        await writer.advance_to(_JUDGED, spread_seconds=settings.clock.spread_seconds)


def _tick(at: datetime) -> Line:
    return Line(None, encode(Tick(at=at)))


def _opening(number: int, at: datetime) -> Line:
    person_id = f"e{number:07d}"
    record = ObservationOpened(
        event_id=f"open-{number}",
        source_id="office-bench",
        sequence=number + 1,
        occurred_at=at,
        received_at=at,
        observation_id=f"obs-{number}",
        person_id=person_id,
        area="jintang/huaikou/c012/g03",
        category=Category.HOME,
        last_exposure_on=at.date(),
        household_id=None,
    )
    return Line(person_id.encode(), encode(record))


class Readings:
    """Sends an even load and, a hundred times a second, a reading that raises an alert; notes when each can be read."""

    def __init__(self, town: Town, prefix: str, rate: float) -> None:
        """Prepare to send `rate` records a second."""
        self._prefix = prefix
        self._rate = rate
        self._load = _endless(_scans(town))
        self._due_at: dict[str, float] = {}
        self._read_at: dict[str, float] = {}
        self._numbers = count()
        self._producer: Any = None
        self._reader: asyncio.Task[None] | None = None

    async def __aenter__(self) -> Self:
        self._producer = AIOKafkaProducer(bootstrap_servers=broker.brokers(), acks=1, max_batch_size=900_000)
        self._consumer = AIOKafkaConsumer(
            f"{self._prefix}alerts", bootstrap_servers=broker.brokers(), fetch_max_wait_ms=5
        )
        await self._producer.start()
        await self._consumer.start()
        self._reader = asyncio.create_task(self._read())
        return self

    async def __aexit__(self, *_: object) -> None:
        if self._reader is not None:
            self._reader.cancel()
            await asyncio.gather(self._reader, return_exceptions=True)
        await self._consumer.stop()
        await self._producer.stop()

    async def warm_up(self) -> None:
        """Wait until the workers answer quickly: they are up, and through what was in the log before."""
        give_up_at = time.monotonic() + _PATIENCE_S
        while time.monotonic() < give_up_at:
            name = await self._probe(time.monotonic())
            for _ in range(50):
                await asyncio.sleep(0.01)
                if name in self._read_at:
                    return
        raise RuntimeError("expected an alert within half a second of its reading, found none in two minutes")

    async def send(self, seconds: float) -> list[float]:
        """Send for so long and return, once all are there, how long each alert took."""
        self._due_at.clear()
        began = time.monotonic()
        loading = asyncio.create_task(self._send_load(began, seconds))
        for number in range(int(seconds / _PROBE_EVERY_S)):
            due_at = began + number * _PROBE_EVERY_S
            await asyncio.sleep(max(0.0, due_at - time.monotonic()))
            await self._probe(due_at)
        await loading
        give_up_at = time.monotonic() + _PATIENCE_S
        while missing := self._due_at.keys() - self._read_at.keys():
            if time.monotonic() > give_up_at:
                raise RuntimeError(f"{len(missing)} alerts did not come")
            await asyncio.sleep(0.05)
        return [self._read_at[name] - due_at for name, due_at in self._due_at.items()]

    async def _probe(self, due_at: float) -> str:
        name = f"probe-{next(self._numbers)}"
        self._due_at[name] = due_at
        person_id = name.replace("probe", "q")
        value = (
            f'{{"kind":"temperature_taken","event_id":"{name}","source_id":"terminal-{person_id}","sequence":1,'
            f'"occurred_at":"2020-02-02T11:59:00+08:00","person_id":"{person_id}","area":"jintang/huaikou/c012/g03",'
            '"temperature_c":38.6,"site":"axillary"}'
        ).encode()
        await self._producer.send(f"{self._prefix}temperatures", value, key=f"terminal-{person_id}".encode())
        return name

    async def _send_load(self, began: float, seconds: float) -> None:
        sent = 0
        while (elapsed := time.monotonic() - began) < seconds:
            due = int(elapsed * self._rate) - sent
            await self._send_batches(list(islice(self._load, due)))
            sent += due
            await asyncio.sleep(max(0.0, _SLOT_S - (time.monotonic() - began - elapsed)))

    async def _send_batches(self, lines: list[Line]) -> None:
        batches: dict[int, Any] = {}
        for key, value in lines:
            partition = zlib.crc32(key or b"") % _PARTITIONS
            batch = batches.get(partition)
            if batch is None:
                batch = batches[partition] = self._producer.create_batch()
            batch.append(key=key, value=value, timestamp=None)
        for partition, batch in batches.items():
            batch.close()
            await self._producer.send_batch(batch, f"{self._prefix}checkpoints", partition=partition)

    async def _read(self) -> None:
        decode = msgspec.json.Decoder(_Alert).decode
        async for message in self._consumer:
            occurrence = decode(message.value).occurrence
            if occurrence.startswith("probe-"):
                self._read_at.setdefault(occurrence, time.monotonic())


def _scans(town: Town) -> list[Line]:
    """Return the scans of a town; Python's collector is not to look at them while latencies are measured."""
    scans = [
        line for topic, line in town.raw() if topic == "checkpoints" and b'"kind":"checkpoint_scanned"' in line.value
    ]
    gc.collect()
    gc.freeze()
    return scans


def _endless(scans: list[Line]) -> Iterator[Line]:
    """Yield scans again and again, every time from sources of their own, so that none is a repeat."""
    for turn in count():
        mark = b'_id":"t%d-' % turn
        for key, value in scans:
            event_id = value.replace(b'"event_id":"', b'"event' + mark, 1)
            yield Line(b"t%d-%s" % (turn, key), event_id.replace(b'"source_id":"', b'"source' + mark, 1))
