"""Writing to topics: everything of a batch is acknowledged by all replicas in sync, or the caller hears why not."""

import asyncio
from collections.abc import Callable, Iterable, Iterator
from datetime import UTC, datetime, timedelta
from typing import Any, NamedTuple, Self

from aiokafka import AIOKafkaProducer
from aiokafka.errors import KafkaError, MessageSizeTooLargeError

from streams.broker.outputs import Output, partition_of
from streams.settings import Settings

LARGEST_REQUEST_BYTES = 4 << 20
ANSWER_MS = 15_000
# Below what a topic takes in one piece unless told otherwise, with room for several partitions in one request.
BATCH_BYTES = 512 * 1024

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_APPEND_TIME = 1

_Record = tuple[bytes | None, bytes | None]
OnHandedOver = Callable[[], object]


def _nothing() -> None:
    pass


class _Place(NamedTuple):
    topic: str
    partition: int


class Publisher:
    """Writes outputs and waits for their acknowledgement.

    Order is kept within a partition, also between calls that run at the same time: whoever came first is first in the log.
    So nothing is written any more once a write has failed: it would stand where what failed is missing.
    """

    def __init__(self, settings: Settings) -> None:
        """Prepare for the brokers of the settings."""
        self._settings = settings
        self._producer: Any = None
        self._turn = asyncio.Lock()
        self._has_failed = False
        self._last: dict[_Place, Any] = {}  # of each partition, where the producer itself does not keep the order
        self.appended_at: datetime | None = None  # the brokers' time of the last acknowledgement, where they have one

    async def start(self) -> None:
        """Connect; raises aiokafka's KafkaConnectionError when no broker answers."""
        kafka = self._settings.kafka
        producer = AIOKafkaProducer(
            **kafka.async_client_options(),
            acks="all",
            enable_idempotence=kafka.idempotence,
            max_request_size=LARGEST_REQUEST_BYTES,
            max_batch_size=BATCH_BYTES,
        )
        # No answer for so long: the connection died without a word, and the request goes out on another one. A batch as a
        # whole has aiokafka's 40 s to be written.
        producer.client._request_timeout_ms = ANSWER_MS
        self._producer = producer
        try:
            await producer.start()
        except BaseException:
            await self.stop()
            raise

    async def stop(self) -> None:
        """Write what is left and disconnect."""
        if self._producer is not None:
            await self._producer.stop()
            self._producer = None

    async def __aenter__(self) -> Self:
        await self.start()
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.stop()

    async def publish(self, outputs: Iterable[Output], on_handed_over: OnHandedOver = _nothing) -> int:
        """Write outputs in their order and return how many records were acknowledged.

        `on_handed_over` is called each time the producer has taken some of them. Raises KafkaError, also where a write
        before this one failed.
        """
        async with self._turn:  # fair: tasks get it in the order in which they asked
            sent = await self._hand_over(await self._by_place(outputs), on_handed_over)
        self._note_append_time(await asyncio.gather(*(future for future, _ in sent)))
        return sum(count for _, count in sent)

    async def delete(self, topic: str, keys: Iterable[bytes], partition: int) -> None:
        """Write a tombstone for each key of a compacted topic."""
        tombstones: list[_Record] = [(key, None) for key in keys]
        async with self._turn:
            sent = await self._hand_over({_Place(self._settings.topic(topic), partition): tombstones}, _nothing)
        self._note_append_time(await asyncio.gather(*(future for future, _ in sent)))

    def _note_append_time(self, acknowledged: list[Any]) -> None:
        # Brokers that let a record keep its producer's time (timestamp type 0) say nothing about their own.
        stamps = [each.timestamp for each in acknowledged if each.timestamp_type == _APPEND_TIME and each.timestamp]
        if stamps:
            self.appended_at = _EPOCH + timedelta(milliseconds=max(stamps))

    async def partitions(self, topic: str) -> list[int]:
        """Return the partitions of a topic of the catalogue; raises KafkaError where there is no such topic."""
        return sorted(await self._producer.partitions_for(self._settings.topic(topic)))

    async def _by_place(self, outputs: Iterable[Output]) -> dict[_Place, list[_Record]]:
        places: dict[str, list[list[_Record]]] = {}  # by catalogue name, then by partition
        for topic, key, value, partition, to_all_partitions in outputs:
            parts = places.get(topic)
            if parts is None:
                parts = places[topic] = [[] for _ in await self.partitions(topic)]
            if to_all_partitions:
                for part in parts:
                    part.append((key, value))
            else:
                number = partition_of(key or b"", len(parts)) if partition is None else partition
                parts[number].append((key, value))
        return {
            _Place(self._settings.topic(topic), number): part
            for topic, parts in places.items()
            for number, part in enumerate(parts)
            if part
        }

    async def _hand_over(
        self, places: dict[_Place, list[_Record]], on_handed_over: OnHandedOver
    ) -> list[tuple[Any, int]]:
        # The producer takes a partition's next batch when the one before is on its way: all partitions in turn.
        sent: list[tuple[Any, int]] = []
        open_places = {place: self._batches(records) for place, records in places.items()}
        while open_places:
            for place in list(open_places):
                batch = next(open_places[place], None)
                if batch is None:
                    del open_places[place]
                    continue
                sent.append((await self._send(place, batch), batch.record_count()))
                on_handed_over()
        return sent

    async def _send(self, place: _Place, batch: Any) -> Any:
        if place in self._last:
            await asyncio.wait([self._last[place]])
        if self._has_failed:
            raise KafkaError("not written, because a write before it failed")
        try:
            future = await self._producer.send_batch(batch, place.topic, partition=place.partition)
        except BaseException:
            self._has_failed = True  # cancelled, or no place in the queue for too long: the rest of the call is missing
            raise
        future.add_done_callback(self._note_failure)
        if not self._settings.kafka.idempotence:
            # This producer gives a batch up in the end and goes on with the next; an idempotent one is refused that.
            self._last[place] = future
        return future

    def _note_failure(self, future: Any) -> None:
        if future.cancelled() or future.exception() is not None:
            self._has_failed = True

    def _batches(self, records: list[_Record]) -> Iterator[Any]:
        batch = self._producer.create_batch()
        for key, value in records:
            if batch.append(timestamp=None, key=key, value=value) is None:
                yield _closed(batch)
                batch = self._producer.create_batch()
                batch.append(timestamp=None, key=key, value=value)  # an empty batch takes a record of any size
        if records:
            yield _closed(batch)


def _closed(batch: Any) -> Any:
    if batch.size() > LARGEST_REQUEST_BYTES:
        raise MessageSizeTooLargeError(f"a record of {batch.size()} bytes, at most {LARGEST_REQUEST_BYTES} can be sent")
    batch.close()
    return batch
