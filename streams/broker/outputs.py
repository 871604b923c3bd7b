"""Results on their way to a topic, as pure values; the publisher carries them."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Output:
    """One record to be written: catalogue name of the topic, key, value, and the partition where it is not the key's.

    `to_all_partitions` writes it to every partition of the topic.
    """

    topic: str
    key: bytes | None
    value: bytes
    partition: int | None = None
    to_all_partitions: bool = False
