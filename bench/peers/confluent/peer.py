"""A bare confluent-kafka loop around gridwatch's core: the same rules and results, no framework, no saved state.

    python peer.py BROKERS TIMELINE PREFIX RECORDS DIRECTORY

Fetch, decide, produce, wait for the acknowledgements, commit; what a restart would need to know is not written.
"""

import sys
from collections import defaultdict
from typing import Any

from confluent_kafka import Consumer, Producer  # type: ignore[import-not-found]

from bench.span import Span, report
from streams.partition import PartitionDecider
from streams.watch.decider import new_watch

_FETCH_RECORDS = 5000


class Raw:
    """A record as the decider wants it."""

    __slots__ = ("offset", "timestamp", "value")

    def __init__(self, offset: int, timestamp: int, value: bytes) -> None:
        self.offset, self.timestamp, self.value = offset, timestamp, value


def main(brokers: str, timeline: str, prefix: str, records: int) -> None:
    """Run the loop until it has handled so many records."""
    consumer = Consumer(
        {
            "bootstrap.servers": brokers,
            "group.id": f"{prefix}confluent",
            "auto.offset.reset": "earliest",
            "enable.auto.commit": False,
        }
    )
    producer = Producer({"bootstrap.servers": brokers, "acks": "all", "linger.ms": 2, "partitioner": "consistent"})
    consumer.subscribe([timeline])
    deciders: dict[int, PartitionDecider] = {}
    span, first, handled = None, 0, 0
    while handled < records:
        found = consumer.consume(_FETCH_RECORDS, timeout=1.0)
        if not found:
            continue
        for partition, batch in _by_partition(found).items():
            decider = deciders.get(partition)
            if decider is None:
                decider = deciders[partition] = new_watch(partition, None)
            for output in decider.take(batch, 0):
                producer.produce(prefix + output.topic, output.value, output.key)
        producer.flush()
        consumer.commit(asynchronous=True)
        handled += len(found)
        if span is None:
            span, first = Span(), handled
    assert span is not None
    report(span.as_json(handled - first))
    consumer.close()


def _by_partition(messages: list[Any]) -> dict[int, list[Raw]]:
    batches: dict[int, list[Raw]] = defaultdict(list)
    for message in messages:
        raw = Raw(message.offset(), message.timestamp()[1], message.value())
        batches[message.partition()].append(raw)
    return batches


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2], sys.argv[3], int(sys.argv[4]))
