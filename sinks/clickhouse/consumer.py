"""The Kafka consumer the sink reads with, and the ends of its topics."""

from collections.abc import Iterable, Mapping
from typing import Any

from kafka import KafkaConsumer
from kafka.structs import TopicPartition

from sinks.clickhouse.batches import Place

_WATERMARK_POLLS = 20


def build_consumer(client_options: Mapping[str, Any], group: str, **overrides: Any) -> KafkaConsumer:
    """Build the consumer of a sink; `client_options` are bootstrap servers and security as kafka-python names them.

    It commits only what the sink tells it to, starts at the beginning of a topic, and never creates one.
    """
    return KafkaConsumer(
        **{
            "group_id": group,
            "enable_auto_commit": False,
            "auto_offset_reset": "earliest",
            "allow_auto_create_topics": False,
            "metadata_max_age_ms": 30_000,
            "session_timeout_ms": 10_000,
            "heartbeat_interval_ms": 3_000,
            # In pure Python the checksum costs two thirds of the sink's time; brokers verify it when a record is written,
            # and librdkafka leaves it out by default too.
            "check_crcs": False,
            "max_partition_fetch_bytes": 4 * 1024 * 1024,
            **client_options,
            **overrides,
        }
    )


def end_offsets(client_options: Mapping[str, Any], topics: Iterable[str]) -> dict[Place, int]:
    """Return the present end of every partition of the topics; a topic that does not exist has none.

    The ends are the high watermarks that come with a fetch of the last record. The broker's list of offsets alone is
    not enough: the embedded broker answers it with the first offset of the last batch, plus one.
    """
    consumer = KafkaConsumer(**{"enable_auto_commit": False, "allow_auto_create_topics": False, **client_options})
    try:
        partitions = [
            TopicPartition(topic, partition) for topic in topics for partition in consumer.partitions_for_topic(topic)
        ]
        if not partitions:
            return {}
        ends = consumer.end_offsets(partitions)
        starts = consumer.beginning_offsets(partitions)
        _raise_to_watermarks(consumer, ends, {part for part in partitions if starts[part] < ends[part]})
        return {tuple(partition): end for partition, end in ends.items()}
    finally:
        consumer.close(autocommit=False)


def _raise_to_watermarks(consumer: KafkaConsumer, ends: dict[TopicPartition, int], filled: set[TopicPartition]) -> None:
    if not filled:
        return
    consumer.assign(filled)
    for partition in filled:
        consumer.seek(partition, ends[partition] - 1)
    # Bounded, for what was there may be gone in the meantime: then the list has to do.
    for _ in range(_WATERMARK_POLLS):
        if not filled:
            return
        for partition in consumer.poll(timeout_ms=500):
            ends[partition] = max(ends[partition], consumer.highwater(partition) or 0)
            consumer.pause(partition)
            filled.discard(partition)
