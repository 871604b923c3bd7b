"""A topic that a test fills, and the group whose commits it watches."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from tests.support.brokers import BrokerUnderTest
from tests.support.processes import wait_until


class Log:
    """One topic with records in every partition, and a group that reads it."""

    def __init__(self, broker: BrokerUnderTest, topic: str, group: str, *, partitions: int = 4, **configs: str) -> None:
        """Create `topic` on `broker`."""
        self.broker, self.topic, self.group, self.partitions = broker, topic, group, partitions
        broker.create_topic(topic, partitions, **configs)

    def basics(self) -> dict[str, Any]:
        """Return what a batch worker needs to know."""
        return {"bootstrap": self.broker.bootstrap, "group": self.group, "topic": self.topic}

    def append(self, records_per_partition: int, value: bytes = b"x" * 200) -> None:
        """Append the same number of records to every partition."""
        self.broker.produce(self.topic, {number: [value] * records_per_partition for number in range(self.partitions)})

    def feed_until(self, is_true: Callable[[], bool], what: str) -> None:
        """Append a little again and again until the condition holds."""

        def is_true_after_more() -> bool:
            self.append(5)
            return is_true()

        wait_until(is_true_after_more, what)

    def ends(self) -> dict[int, int]:
        """Return the offset after the last record by partition."""
        return self.broker.end_offsets(self.topic, self.partitions)

    def committed(self) -> dict[int, int]:
        """Return the committed offset by partition, 0 where there is none."""
        return dict.fromkeys(range(self.partitions), 0) | self.broker.committed(self.group, self.topic)

    def all_offsets(self) -> set[tuple[int, int]]:
        """Return every (partition, offset) there is."""
        return {(partition, offset) for partition, end in self.ends().items() for offset in range(end)}

    def wait_until_caught_up(self) -> None:
        """Wait until the group has committed everything."""
        ends = self.ends()
        wait_until(lambda: self.committed() == ends, "committed offsets equal to the ends")
