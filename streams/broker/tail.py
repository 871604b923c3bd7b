"""The newest records of partitions, read from near their ends."""

from collections.abc import Callable, Mapping

from aiokafka import AIOKafkaConsumer, TopicPartition
from faust.types import TP

from streams.settings import Settings


async def newest_records(
    settings: Settings,
    ends: Mapping[TP, int],
    is_wanted: Callable[[bytes], bool],
    look_back: int = 20_000,
    on_step: Callable[[], object] = lambda: None,
) -> dict[TP, bytes]:
    """Return the last wanted value of each partition among its last `look_back` records; one without any is left out.

    `on_step` is called each time that some records were read.
    """
    wanted = {TopicPartition(*tp): end for tp, end in ends.items() if end > 0}
    if not wanted:
        return {}
    consumer = AIOKafkaConsumer(**settings.kafka.async_client_options(), enable_auto_commit=False)
    found: dict[TP, bytes] = {}
    try:
        await consumer.start()
        consumer.assign(list(wanted))
        beginnings = await consumer.beginning_offsets(list(wanted))
        for tp, end in wanted.items():
            consumer.seek(tp, max(beginnings[tp], end - look_back))
        for tp, end in wanted.items():
            while await consumer.position(tp) < end:
                for record in (await consumer.getmany(tp, timeout_ms=500)).get(tp, ()):
                    if record.value is not None and is_wanted(record.value):
                        found[TP(tp.topic, tp.partition)] = record.value
                on_step()
    finally:
        await consumer.stop()
    return found
