"""Results on their way to a topic, as pure values; the publisher carries them."""

from typing import NamedTuple
from zlib import crc32


class Output(NamedTuple):
    """One record to be written: catalogue name of the topic, key, value, and the partition where it is not the key's.

    `to_all_partitions` writes it to every partition of the topic.
    """

    topic: str
    key: bytes | None
    value: bytes
    partition: int | None = None
    to_all_partitions: bool = False


def partition_of(key: bytes, partitions: int) -> int:
    """Return the partition of a key in every topic that gridwatch writes: what librdkafka calls `consistent`."""
    return crc32(key) % partitions
