"""A compacted topic as a table: the last value of each key, read as a whole, and followed from then on.

Nobody is told of a value that was replaced while the whole was read: a key that was given and revoked long ago must not be
valid for the moment between the two records.
"""

import asyncio
import math
from collections.abc import AsyncIterator, Callable, Iterable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from itertools import chain
from typing import Any, NamedTuple, NoReturn

from aiokafka import AIOKafkaConsumer, TopicPartition
from aiokafka.errors import KafkaError
from faust.types import TP
from kafka.errors import KafkaError as AdminError

from streams.batching.settling import is_cancelled_itself
from streams.broker.offsets import OffsetReader
from streams.logs import get_logger
from streams.settings import Settings

log = get_logger(__name__)

# Called with a key and its value, None where it was taken away.
Take = Callable[[str, bytes | None], object]

# A leader that moved is found again by then, and a connection that died without a word is given up.
_CLIENT = {"metadata_max_age_ms": 10_000, "request_timeout_ms": 15_000, "auto_offset_reset": "none"}
_READ_S = 60.0
_PAUSE_S = 1.0
# Brokers keep tombstones for a day: whoever was away for longer would miss them, so all is read anew well before.
_REFRESH_S = 6 * 3600.0


class _Last(NamedTuple):
    partition: int
    stamp_ms: int
    value: bytes | None


@dataclass(frozen=True, slots=True)
class Contents:
    """What a topic held: the values by key, and where it ended."""

    values: dict[str, bytes]
    ends: Mapping[TP, int]


@dataclass(slots=True)
class _Gathering:
    last: dict[str, _Last] = field(default_factory=dict)

    def add(self, record: Any) -> None:
        """Take a record; of a key in two partitions (there are more of them now) the younger record counts."""
        key = _key_of(record)
        known = None if key is None else self.last.get(key)
        if key is None or (known and known.partition != record.partition and known.stamp_ms > record.timestamp):
            return
        self.last[key] = _Last(record.partition, record.timestamp, record.value)

    def values(self) -> dict[str, bytes]:
        return {key: last.value for key, last in self.last.items() if last.value is not None}


async def read_compacted(settings: Settings, topic: str) -> Contents:
    """Return what a topic of the catalogue holds now; raises KafkaError, LookupError without such a topic, TimeoutError."""
    ends = await _ends(settings, topic)
    async with _consuming(settings, ends) as consumer:
        return await _read_all(consumer, ends)


async def read_since(settings: Settings, topic: str, since: Contents) -> list[tuple[str, bytes | None]]:
    """Return keys and values that came after `since`, in the order of each partition; raises as `read_compacted`."""
    ends = await _ends(settings, topic)
    found: list[tuple[str, bytes | None]] = []

    def add(record: Any) -> None:
        if (key := _key_of(record)) is not None:
            found.append((key, record.value))

    async with _consuming(settings, ends) as consumer:
        for tp, start in since.ends.items():
            consumer.seek(TopicPartition(*tp), start)
        await _read_to(consumer, ends, add)
    return found


class CompactedFollower:
    """Keeps somebody informed of a compacted topic: at first of all there is, then of each record as it comes.

    While no broker answers nothing is taken back, and when one does all is read anew. Run one for each topic.
    """

    def __init__(self, settings: Settings, topic: str, take: Take, *, refresh_s: float = _REFRESH_S) -> None:
        """Tell `take` of the catalogue topic `topic`; all of it is read anew every `refresh_s`."""
        self._settings, self._topic, self._take = settings, topic, take
        self._refresh_s = refresh_s
        self._known: set[str] = set()
        self._is_down = False
        self.is_ready = False

    async def run(self) -> NoReturn:
        """Follow until cancelled."""
        while True:
            try:
                await self._follow()
            except (KafkaError, AdminError, LookupError, OSError) as error:
                self._note_down(error)
                await asyncio.sleep(_PAUSE_S)

    async def _follow(self) -> None:
        ends = await _ends(self._settings, self._topic)
        async with _consuming(self._settings, ends) as consumer:
            self._take_all((await _read_all(consumer, ends)).values)
            self._note_ready()
            clock = asyncio.get_running_loop().time
            refresh_at = clock() + self._refresh_s
            while (left_s := refresh_at - clock()) > 0:
                fetched = await consumer.getmany(timeout_ms=math.ceil(1000 * min(left_s, 1.0)))
                for record in chain.from_iterable(fetched.values()):
                    if (key := _key_of(record)) is not None:
                        self._tell(key, record.value)

    def _take_all(self, values: Mapping[str, bytes]) -> None:
        for key in self._known - values.keys():
            self._tell(key, None)
        for key, value in values.items():
            self._tell(key, value)

    def _tell(self, key: str, value: bytes | None) -> None:
        self._take(key, value)
        if value is None:
            self._known.discard(key)
        else:
            self._known.add(key)

    def _note_ready(self) -> None:
        if self._is_down or not self.is_ready:
            log.info("topic read", topic=self._topic, keys=len(self._known))
        self.is_ready, self._is_down = True, False

    def _note_down(self, error: Exception) -> None:
        if not self._is_down:
            log.warning(
                "topic cannot be read; what is known of it holds", topic=self._topic, error=type(error).__name__
            )
        self._is_down = True


async def _ends(settings: Settings, topic: str) -> dict[TP, int]:
    async with asyncio.timeout(_READ_S), OffsetReader(settings) as offsets:
        return await offsets.ends(await offsets.partitions([topic]))


@asynccontextmanager
async def _consuming(settings: Settings, partitions: Iterable[TP]) -> AsyncIterator[AIOKafkaConsumer]:
    """Give a consumer of partitions, of no group, and leave nothing of it open."""
    consumer = AIOKafkaConsumer(**settings.kafka.async_client_options(), **_CLIENT, enable_auto_commit=False)
    try:
        await consumer.start()
        await asyncio.sleep(0)  # a consumer stopped before its tasks have begun raises CancelledError (aiokafka 0.14)
        consumer.assign([TopicPartition(*tp) for tp in partitions])
        yield consumer
    finally:
        try:
            await consumer.stop()
        except asyncio.CancelledError:
            if is_cancelled_itself():  # else it is that of a fetch which aiokafka has cancelled, and lets out
                raise


async def _read_all(consumer: AIOKafkaConsumer, ends: Mapping[TP, int]) -> Contents:
    gathering = _Gathering()
    await consumer.seek_to_beginning()
    await _read_to(consumer, ends, gathering.add)
    # The last fetch may have brought more than was asked for.
    return Contents(gathering.values(), {tp: await consumer.position(TopicPartition(*tp)) for tp in ends})


async def _read_to(consumer: AIOKafkaConsumer, ends: Mapping[TP, int], add: Callable[[Any], object]) -> None:
    async with asyncio.timeout(_READ_S):
        behind = {TopicPartition(*tp) for tp, end in ends.items() if end > 0}
        while behind := {tp for tp in behind if await consumer.position(tp) < ends[TP(tp.topic, tp.partition)]}:
            for record in chain.from_iterable((await consumer.getmany(*behind, timeout_ms=200)).values()):
                add(record)


def _key_of(record: Any) -> str | None:
    """Return the key of a record; None for bytes that are no text, which is nobody's."""
    try:
        return None if record.key is None else str(record.key, "utf-8")
    except UnicodeDecodeError:
        return None
