"""Writing to topics: everything of a batch is acknowledged by all replicas in sync, or the caller hears why not."""

import asyncio
from collections.abc import Iterable
from typing import Any, Self

from aiokafka import AIOKafkaProducer

from streams.broker.outputs import Output
from streams.settings import Settings

LARGEST_REQUEST_BYTES = 4 << 20
_IN_FLIGHT_MAX = 10_000


class Publisher:
    """Writes outputs and waits for their acknowledgement; order is kept within a partition."""

    def __init__(self, settings: Settings, *, linger_ms: int = 2) -> None:
        """Prepare for the brokers of the settings; `linger_ms` gathers records into larger requests."""
        self._settings = settings
        self._linger_ms = linger_ms
        self._producer: Any = None

    async def start(self) -> None:
        """Connect; raises aiokafka's KafkaConnectionError when no broker answers."""
        kafka = self._settings.kafka
        producer = AIOKafkaProducer(
            **kafka.async_client_options(),
            acks="all",
            enable_idempotence=kafka.idempotence,
            linger_ms=self._linger_ms,
            max_request_size=LARGEST_REQUEST_BYTES,
            max_batch_size=256 * 1024,
        )
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

    async def publish(self, outputs: Iterable[Output]) -> int:
        """Write outputs in their order and return how many records were acknowledged; raises KafkaError."""
        sent: list[Any] = []
        count = 0
        for output in outputs:
            for partition in await self._partitions(output):
                topic = self._settings.topic(output.topic)
                sent.append(await self._producer.send(topic, output.value, output.key, partition))
                count += 1
            if len(sent) >= _IN_FLIGHT_MAX:
                await asyncio.gather(*sent)
                sent.clear()
        await asyncio.gather(*sent)
        return count

    async def _partitions(self, output: Output) -> list[int | None]:
        if not output.to_all_partitions:
            return [output.partition]
        return list(await self.partitions(output.topic))

    async def partitions(self, topic: str) -> list[int]:
        """Return the partitions of a topic of the catalogue; raises KafkaError where there is no such topic."""
        return sorted(await self._producer.partitions_for(self._settings.topic(topic)))

    async def delete(self, topic: str, keys: Iterable[bytes], partition: int) -> None:
        """Write a tombstone for each key of a compacted topic."""
        name = self._settings.topic(topic)
        await asyncio.gather(*[await self._producer.send(name, None, key, partition) for key in keys])
