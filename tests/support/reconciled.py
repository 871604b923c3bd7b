"""A small town's logs as the parts write them, with stamps of the test's choosing, into which faults can be planted.

Raw records go through the real deciders of intake and watch, without processes; what they bring is put into the logs. The
logs then go to a broker and into ClickHouse as they stand, and the groups' offsets are committed at their ends.
"""

from __future__ import annotations

import asyncio
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, NamedTuple

from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, TopicPartition

from events.codec import encode
from events.records import RAW_TOPICS, Tick
from sinks.clickhouse.batches import Batch
from sinks.clickhouse.driver import Database
from sinks.clickhouse.runs import Run
from sinks.clickhouse.writer import DatabaseWriter
from streams.broker.outputs import Output, partition_of
from streams.feeding import RawLine, read_line
from streams.intake.decider import new_intake
from streams.reconcile import SUNK_TOPICS
from streams.settings import Settings
from streams.watch.decider import new_watch
from tests.support.brokers import BrokerUnderTest
from tests.support.raw_records import closing, opening, policy, reading, scan, visit

RAW_PARTITIONS, TIMELINE_PARTITIONS, RESULT_PARTITIONS = 2, 3, 2
PEOPLE = [f"p-{number}" for number in range(6)]
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)

PartitionOf = tuple[str, int]


class Stored(NamedTuple):
    """A message as a log holds it; `timestamp` is the broker's stamp in milliseconds."""

    offset: int
    timestamp: int
    value: bytes
    key: bytes | None = None


@dataclass(frozen=True)
class Hours:
    """Whole hours, some of them ago, in which things are said to happen."""

    first: datetime

    def ms(self, hour: int, minute: float = 0) -> int:
        """Return an instant of these hours in milliseconds since 1970."""
        return (self.first + timedelta(hours=hour, minutes=minute) - _EPOCH) // timedelta(milliseconds=1)

    def name(self, hour: int) -> str:
        """Return how the command names an hour."""
        return (self.first + timedelta(hours=hour)).replace(tzinfo=None).isoformat() + "Z"


def hours_ago(hours: int) -> Hours:
    """Return the hours that begin so long before the present one."""
    return Hours(datetime.now(UTC).replace(minute=0, second=0, microsecond=0) - timedelta(hours=hours))


def partitions_of(topic: str) -> int:
    """Return how many partitions a topic has here."""
    if topic in RAW_TOPICS:
        return RAW_PARTITIONS
    return TIMELINE_PARTITIONS if topic == "timeline" else RESULT_PARTITIONS


class Logs:
    """The logs by topic and partition, filled record by record."""

    def __init__(self) -> None:
        self.logs: dict[PartitionOf, list[Stored]] = defaultdict(list)
        self._intakes = {
            (topic, part): new_intake(topic, part, 48) for topic in RAW_TOPICS for part in range(RAW_PARTITIONS)
        }
        self._watches = [new_watch(part) for part in range(TIMELINE_PARTITIONS)]

    def send(self, stamp_ms: int, *records: bytes, is_taken: bool = True) -> None:
        """Append raw records; those that intake takes are decided at once."""
        for raw in records:
            line = read_line(raw)
            assert isinstance(line, RawLine)
            partition = partition_of(line.output.key or b"", RAW_PARTITIONS)
            record = self._append(line.output.topic, partition, stamp_ms, raw, line.output.key)
            if is_taken:
                outputs = self._intakes[line.output.topic, partition].take([record], 0)
                self._write(outputs, stamp_ms + 50)

    def tick(self, stamp_ms: int, at: datetime, partitions: Iterable[int] = range(TIMELINE_PARTITIONS)) -> None:
        """Append a tick."""
        for partition in partitions:
            self._write([Output("timeline", None, encode(Tick(at=at)), partition)], stamp_ms + partition)

    def _write(self, outputs: Sequence[Output], stamp_ms: int) -> None:
        for output in outputs:
            count = partitions_of(output.topic)
            number = partition_of(output.key or b"", count) if output.partition is None else output.partition
            for partition in range(count) if output.to_all_partitions else (number,):
                record = self._append(output.topic, partition, stamp_ms, output.value, output.key)
                if output.topic == "timeline":
                    self._write(self._watches[partition].take([record], 0), stamp_ms + 50)

    def _append(self, topic: str, partition: int, stamp_ms: int, value: bytes, key: bytes | None) -> Stored:
        log = self.logs[topic, partition]
        log.append(Stored(len(log), stamp_ms, value, key))
        return log[-1]

    # -- faults

    def copy(self) -> Logs:
        """Return logs that hold the same; nothing can be sent into them."""
        copied = Logs()
        copied.logs = defaultdict(list, {place: list(log) for place, log in self.logs.items()})
        return copied

    def drop(self, place: PartitionOf, offset: int) -> Stored:
        """Take a message out; those behind it move up."""
        gone = self.logs[place].pop(offset)
        self._renumber(place)
        return gone

    def double(self, place: PartitionOf, offset: int) -> None:
        """Have a message stand there twice."""
        self.logs[place].insert(offset, self.logs[place][offset])
        self._renumber(place)

    def change(self, place: PartitionOf, offset: int, value: bytes) -> None:
        """Have a message say something else."""
        self.logs[place][offset] = self.logs[place][offset]._replace(value=value)

    def _renumber(self, place: PartitionOf) -> None:
        self.logs[place] = [stored._replace(offset=offset) for offset, stored in enumerate(self.logs[place])]

    def find(self, topic: str, text: bytes) -> tuple[int, Stored]:
        """Return the partition and the first message that holds a text."""
        for (name, partition), log in sorted(self.logs.items()):
            for stored in log:
                if name == topic and text in stored.value:
                    return partition, stored
        raise AssertionError(f"nothing of {topic} holds {text!r}")

    def ends(self, topics: Iterable[str]) -> dict[PartitionOf, int]:
        """Return the ends of all partitions of topics."""
        return {(topic, part): len(self.logs[topic, part]) for topic in topics for part in range(partitions_of(topic))}


def town(hours: Hours) -> Logs:
    """Return three hours of a town: openings, readings, scans, repeats, refusals, and two days of its clock."""
    logs = Logs()
    logs.send(hours.ms(0, 1), policy(), *[opening(person) for person in PEOPLE])
    logs.tick(hours.ms(0, 2), datetime(2020, 2, 1, 1, tzinfo=UTC))
    scans = [
        scan(f"s-{number}", person_id=PEOPLE[number % 6], source_id="g", sequence=number + 1) for number in range(9)
    ]
    for number, raw in enumerate(scans):
        logs.send(hours.ms(0, 3 + number), raw)
    logs.send(hours.ms(0, 20), b"{not json", scan("bad", decision="nobody"))
    logs.send(hours.ms(1, 1), *[reading(f"r-{person}", person_id=person) for person in PEOPLE[:4]])
    logs.send(hours.ms(1, 2), scans[0], scan("again", person_id=PEOPLE[1], source_id="g", sequence=2))
    logs.tick(hours.ms(1, 4), datetime(2020, 2, 2, 4, 35, tzinfo=UTC))
    logs.tick(hours.ms(1, 30), datetime(2020, 2, 2, 6, tzinfo=UTC))
    logs.send(hours.ms(2, 0.0005), visit("late", person_id=PEOPLE[5]), reading("hot", PEOPLE[0], 39.1))
    logs.send(hours.ms(2, 10), closing(PEOPLE[4], occurred_at="2020-02-02T07:00:00Z"))
    logs.tick(hours.ms(2, 20), datetime(2020, 2, 2, 13, tzinfo=UTC))
    return logs


@dataclass(frozen=True)
class Place:
    """Where logs are put: topics and groups under a prefix of their own, and a database."""

    broker: BrokerUnderTest
    prefix: str
    dsn: str
    database: str

    def environment(self) -> dict[str, Any]:
        """Return the settings of the command."""
        return {
            "GRIDWATCH_KAFKA__BROKERS": self.broker.bootstrap,
            "GRIDWATCH_KAFKA__IDEMPOTENCE": str(self.broker.is_kafka).lower(),
            "GRIDWATCH_CLICKHOUSE__DSN": self.dsn,
            "GRIDWATCH_CLICKHOUSE__DATABASE": self.database,
            "GRIDWATCH_TOPIC_PREFIX": self.prefix,
            "GRIDWATCH_GROUP_PREFIX": self.prefix,
            "COLUMNS": "120",
        }

    def settings(self) -> Settings:
        """Return the same as a value."""
        named = {"kafka": {"brokers": self.broker.bootstrap}, "topic_prefix": self.prefix, "group_prefix": self.prefix}
        return Settings.model_validate(named)

    def publish(self, logs: Logs, committed: Mapping[str, Mapping[PartitionOf, int]] | None = None) -> None:
        """Put logs on the broker and commit the ends for everybody, apart from what `committed` says of a role."""
        for topic in (*RAW_TOPICS, *SUNK_TOPICS, "source-states"):
            # With stamps of the producer, on Apache Kafka too.
            self.broker.create_topic(f"{self.prefix}{topic}", partitions_of(topic))
        ends = {
            "intake": logs.ends(RAW_TOPICS),
            "watch": logs.ends(["timeline"]),
            "sink": logs.ends(SUNK_TOPICS),
        }
        for role, offsets in (committed or {}).items():
            ends[role] |= offsets
        asyncio.run(self._publish(logs, ends))

    async def _publish(self, logs: Logs, ends: Mapping[str, Mapping[PartitionOf, int]]) -> None:
        async with AIOKafkaProducer(bootstrap_servers=self.broker.bootstrap, acks="all", linger_ms=5) as producer:
            sent = [
                await producer.send(
                    f"{self.prefix}{topic}", stored.value, stored.key, partition, timestamp_ms=stored.timestamp
                )
                for (topic, partition), log in logs.logs.items()
                for stored in log
            ]
            await asyncio.gather(*sent)
        for role, offsets in ends.items():
            await self._commit(role, offsets)

    async def _commit(self, role: str, offsets: Mapping[PartitionOf, int]) -> None:
        group = f"{self.prefix}gridwatch.{role}"
        named = {TopicPartition(f"{self.prefix}{topic}", part): end for (topic, part), end in offsets.items()}
        options = {"bootstrap_servers": self.broker.bootstrap, "group_id": group, "enable_auto_commit": False}
        async with AIOKafkaConsumer(**options) as consumer:
            consumer.assign(list(named))
            await consumer.commit(named)

    def values(self, topic: str, partition: int) -> list[bytes | None]:
        """Return what a partition on the broker holds by now."""
        return asyncio.run(self._values(TopicPartition(f"{self.prefix}{topic}", partition)))

    async def _values(self, place: TopicPartition) -> list[bytes | None]:
        found: list[bytes | None] = []
        async with AIOKafkaConsumer(bootstrap_servers=self.broker.bootstrap, group_id=None) as consumer:
            consumer.assign([place])
            end = (await consumer.end_offsets([place]))[place]
            consumer.seek(place, 0)
            while await consumer.position(place) < end:
                found += [record.value for record in (await consumer.getmany(place, timeout_ms=500)).get(place, ())]
        return found

    def sink(self, logs: Logs, database: Database, upto: Mapping[PartitionOf, int] | None = None) -> None:
        """Write logs into the tables, up to the given offsets of some partitions."""
        writer = DatabaseWriter(database)
        for (topic, partition), log in sorted(logs.logs.items()):
            held = log[: (upto or {}).get((topic, partition))]
            if topic in SUNK_TOPICS and held:
                offsets, stamps, values, _ = zip(*held, strict=True)
                run = Run(f"{self.prefix}{topic}", partition, list(offsets), list(stamps), list(values))
                writer.write(Batch(topic, (run,)))
