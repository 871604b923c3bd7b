"""The floor: fetch the timeline with aiokafka and decode every record. Nothing else.

    python -m bench.subjects.floor BROKERS TOPIC RECORDS decode|bytes        `bytes` fetches alone

Decoding makes a value of each record, with every field of it: by the quick reader for scans, and the general one for what
that does not take. Watch checks as much of every line, but of most scans it makes nothing and looks at three texts.
"""

import sys

from aiokafka import AIOKafkaConsumer

from bench.span import Span, report
from events.codec import decode_from_timeline
from events.scan_wire import read_scan
from streams.loops import run

_FETCH_BYTES = 1 << 20


async def main(brokers: str, topic: str, records: int, *, decodes: bool) -> None:
    """Read `records` records from the beginning of a topic and report what it took."""
    consumer = AIOKafkaConsumer(
        topic, bootstrap_servers=brokers, auto_offset_reset="earliest", max_partition_fetch_bytes=_FETCH_BYTES
    )
    await consumer.start()
    span, first, read = None, 0, 0
    while read < records:
        for found in (await consumer.getmany(timeout_ms=1000)).values():
            if decodes:
                for record in found:
                    if read_scan(record.value) is None:
                        decode_from_timeline(record.value)
            read += len(found)
        if span is None and read:
            span, first = Span(), read
    assert span is not None
    report(span.as_json(read - first))
    await consumer.stop()


if __name__ == "__main__":
    run(main(sys.argv[1], sys.argv[2], int(sys.argv[3]), decodes=sys.argv[4] == "decode"))
