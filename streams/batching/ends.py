"""Where partitions end, as a fetch sees it: right on every broker, also where ListOffsets is not."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator
from types import TracebackType
from typing import Any, Self

from aiokafka import AIOKafkaConsumer, TopicPartition
from aiokafka.errors import KafkaError, for_code
from aiokafka.protocol.fetch import FetchRequest
from faust.types import TP

WAITS_MS = (5, 50, 1000)


class LogEnds:
    """Ask for the end offsets of partitions over one standing connection.

    The broker is asked anew every time, so an answer counts every record acknowledged before the question. It is the high
    watermark of an empty fetch: the embedded broker answers ListOffsets with the last batch's first offset plus
    one, which `end_offsets` and `seek_to_end` of the Kafka clients believe.
    """

    def __init__(self, bootstrap: str, *, request_timeout: float = 10.0, **client_options: Any) -> None:
        """Connect to `bootstrap` ("host:port", several separated by commas) on `start`; options are aiokafka's own."""
        options: dict[str, Any] = {"request_timeout_ms": int(request_timeout * 1000), **client_options}
        self._consumer: Any = AIOKafkaConsumer(**(options | {"bootstrap_servers": bootstrap.split(",")}))

    async def start(self) -> None:
        """Connect; raises aiokafka's KafkaConnectionError when no broker answers."""
        try:
            await self._consumer.start()
        except BaseException:
            await self._consumer.stop()
            raise

    async def stop(self) -> None:
        """Disconnect."""
        await self._consumer.stop()

    async def __aenter__(self) -> Self:
        await self.start()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.stop()

    async def read(self, partitions: Iterable[TP]) -> dict[TP, int]:
        """Return the offset after the last record of each partition; raises KafkaError for one that does not answer."""
        asked = [TopicPartition(*tp) for tp in partitions]
        listed = await self._consumer.end_offsets(asked) if asked else {}
        by_node: dict[int, dict[str, list[tuple[int, int, int]]]] = defaultdict(lambda: defaultdict(list))
        for tp, offset in listed.items():
            node = self._consumer._client.cluster.leader_for_partition(tp)
            by_node[node][tp.topic].append((tp.partition, offset, 1))
        ends: dict[TP, int] = {}
        for node, topics in by_node.items():
            ends.update(await self._high_watermarks(node, topics))
        return ends

    async def _high_watermarks(self, node: int, topics: dict[str, list[tuple[int, int, int]]]) -> dict[TP, int]:
        asked = {TP(topic, part[0]) for topic, parts in topics.items() for part in parts}
        found: dict[TP, int] = {}
        for wait_ms in WAITS_MS:
            # No bytes are asked for. Kafka answers at once; the embedded broker looks through the partitions for as long
            # as the wait lasts, and leaves out those it did not come to.
            response = await self._consumer._client.send(node, FetchRequest(wait_ms, 0, 1, 0, list(topics.items())))
            found = dict(_parse(response))
            if asked <= found.keys():
                return found
        raise KafkaError(f"no answer about the end of {sorted(asked - found.keys())}")


def _parse(response: Any) -> Iterator[tuple[TP, int]]:
    for topic, partitions in response.topics:
        for partition, error_code, high_watermark, *_ in partitions:
            if error_code:
                raise for_code(error_code)(f"end of {topic}:{partition}")
            yield TP(topic, partition), high_watermark
