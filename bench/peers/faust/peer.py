"""Plain Faust with the same rules: one event at a time through an agent, everything known of a person in a Table.

    python peer.py BROKERS TIMELINE PREFIX RECORDS DIRECTORY every|changed

The rules are gridwatch's own core with its quick way of scans, so the difference is the way of the records alone. With
`every` the Tables hold what watch's state holds: people, and by which event each person was passed last, so that a repeat
can be told after a restart; that is one write an event. With `changed` a person is written only when a record changed
something about them, and scans that were passed are forgotten by a restart. Nothing waits for acknowledgements.
"""

import sys
from pathlib import Path

import faust

from bench.span import Span, report_and_end
from streams.core.sources import PREFIX
from streams.watch.decider import WatchPartition, new_watch


class Raw:
    """A record as the decider wants it."""

    __slots__ = ("offset", "timestamp", "value")

    def __init__(self, offset: int, timestamp: int, value: bytes) -> None:
        self.offset, self.timestamp, self.value = offset, timestamp, value


def main(brokers: str, timeline: str, prefix: str, records: int, directory: str, writes: str) -> None:
    """Run the agent until it has handled so many records."""
    app = faust.App(
        f"{prefix}plain-{writes}-{Path(directory).name}",
        broker=f"kafka://{brokers}",
        store="memory://",
        topic_partitions=8,
        topic_replication_factor=1,
        datadir=str(Path(directory)),
        consumer_auto_offset_reset="earliest",
        web_enabled=False,
        value_serializer="raw",
        key_serializer="raw",
    )
    people = app.Table("people", partitions=8)
    passed = app.Table("passed", partitions=8)
    writes_every = writes == "every"
    written = ("checks", "alerts", "dead-letters", "source-states", "commands")
    results = {name: app.topic(prefix + name, value_type=bytes) for name in written}
    deciders: dict[int, WatchPartition] = {}
    spans: list[Span] = []
    handled = 0

    @app.agent(app.topic(timeline, value_type=bytes, key_type=bytes))
    async def watch(stream):  # type: ignore[no-untyped-def]
        nonlocal handled
        async for event in stream.events():
            if not spans:
                spans.append(Span())
            message = event.message
            decider = deciders.get(message.partition)
            if decider is None:
                decider = deciders[message.partition] = new_watch(message.partition, None)
            record = Raw(message.offset, int(message.timestamp * 1000), event.value)
            for output in decider.take((record,), 0):
                await results[output.topic].send(key=output.key, value=output.value)
            held = decider.state.people
            for person_id in held.changed:
                packed = held.packed(person_id)
                if packed is None:
                    people.pop(person_id, None)
                else:
                    people[person_id] = packed
            held.changed.clear()
            sources = decider.state.sources
            for source_id in sources.changed:
                people[PREFIX + source_id] = sources.packed(source_id)
            sources.changed.clear()
            if writes_every and message.key is not None:
                passed[message.key] = message.offset
            handled += 1
            if handled == records:
                report_and_end(spans[0].as_json(handled))

    app.finalize()
    worker = faust.Worker(app, loglevel="CRITICAL", quiet=True)
    worker.execute_from_commandline()


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2], sys.argv[3], int(sys.argv[4]), sys.argv[5], sys.argv[6])
