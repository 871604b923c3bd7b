"""Writing records of compacted topics once more, so that they are the last of their key again."""

from collections.abc import Iterable

from aiokafka import AIOKafkaConsumer, TopicPartition
from faust.types import TP

from streams.broker.outputs import Output
from streams.broker.publisher import Publisher
from streams.settings import Settings

_FETCH_MS = 10_000


async def write_again(settings: Settings, places: Iterable[tuple[TP, int]]) -> set[tuple[TP, int]]:
    """Append the records at some offsets to their own partitions, key and value to the byte, in the order given.

    Returns the places of those that were written; what compaction took away is not. Raises KafkaError.
    """
    mended: set[tuple[TP, int]] = set()
    consumer = AIOKafkaConsumer(**settings.kafka.async_client_options(), enable_auto_commit=False)
    async with consumer, Publisher(settings) as publisher:
        for tp, offset in places:
            output = await _read(settings, consumer, tp, offset)
            if output is not None:
                await publisher.publish([output])
                mended.add((tp, offset))
    return mended


async def _read(settings: Settings, consumer: AIOKafkaConsumer, tp: TP, offset: int) -> Output | None:
    place = TopicPartition(*tp)
    consumer.assign([place])
    consumer.seek(place, offset)
    found = (await consumer.getmany(place, timeout_ms=_FETCH_MS, max_records=1)).get(place, ())
    if not found or found[0].offset != offset or found[0].value is None:
        return None
    return Output(tp.topic.removeprefix(settings.topic_prefix), found[0].key, found[0].value, tp.partition)
