"""Writing records of compacted topics once more, so that they are the last of their key again."""

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import groupby
from operator import attrgetter
from typing import Any

from aiokafka import AIOKafkaConsumer, TopicPartition
from faust.types import TP

from streams.broker.offsets import OffsetReader
from streams.broker.outputs import Output
from streams.broker.publisher import Publisher
from streams.settings import Settings

_FETCH_MS = 10_000


@dataclass(frozen=True, slots=True)
class Stale:
    """A verdict or alert whose highest revision stands at `offset` and not last, as far as ClickHouse knows.

    `field` names what identifies it; `hour` is that of the record, for whoever tells of it.
    """

    tp: TP
    offset: int
    field: str
    identity: str
    revision: int
    hour: int


@dataclass(slots=True)
class Mended:
    """What became of each: written once more, left as it is, or of no concern since the log goes on beyond ClickHouse."""

    written: list[Stale] = field(default_factory=list)
    left: list[Stale] = field(default_factory=list)
    under_way: list[Stale] = field(default_factory=list)


async def mend(settings: Settings, stale: Sequence[Stale], known_to: Mapping[TP, int], *, writes: bool) -> Mended:
    """Append the records of highest revisions to their own partitions once more, key and value to the byte.

    What follows `known_to`, the sink's commit, is read first: a key that comes there has another last record by now, perhaps
    a higher revision, and is left alone. So is a record that is not what ClickHouse says, or that compaction took away.
    Without `writes` nothing is written and all others are left. Raises KafkaError.
    """
    done = Mended()
    consumer = AIOKafkaConsumer(**settings.kafka.async_client_options(), enable_auto_commit=False)
    async with consumer, OffsetReader(settings) as offsets, Publisher(settings) as publisher:
        for tp, found in groupby(sorted(stale, key=attrgetter("tp", "offset")), attrgetter("tp")):
            records = [(each, await _read(consumer, each)) for each in found]
            end = (await offsets.ends([tp]))[tp]
            later = await _keys_between(consumer, tp, known_to.get(tp, 0), end)
            for each, record in records:
                if record is not None and record.key in later:
                    done.under_way.append(each)
                elif record is None or not writes:
                    done.left.append(each)
                else:
                    topic = tp.topic.removeprefix(settings.topic_prefix)
                    await publisher.publish([Output(topic, record.key, record.value, tp.partition)])
                    done.written.append(each)
    return done


async def _read(consumer: AIOKafkaConsumer, wanted: Stale) -> Any:
    """Return the record at a place; None where it is not there, or is another one."""
    place = TopicPartition(*wanted.tp)
    consumer.assign([place])
    consumer.seek(place, wanted.offset)
    found = (await consumer.getmany(place, timeout_ms=_FETCH_MS, max_records=1)).get(place, ())
    return found[0] if found and _is_it(found[0], wanted) else None


def _is_it(record: Any, wanted: Stale) -> bool:
    if record.offset != wanted.offset or record.value is None:
        return False
    try:
        document = json.loads(record.value)
        return bool(document[wanted.field] == wanted.identity and document["revision"] == wanted.revision)
    except (ValueError, KeyError, TypeError, RecursionError):
        return False


async def _keys_between(consumer: AIOKafkaConsumer, tp: TP, begin: int, end: int) -> set[bytes]:
    place = TopicPartition(*tp)
    consumer.assign([place])
    consumer.seek(place, begin)
    keys: set[bytes] = set()
    while await consumer.position(place) < end:
        fetched: Iterable[Any] = (await consumer.getmany(place, timeout_ms=500)).get(place, ())
        keys.update(record.key for record in fetched if record.key is not None)
    return keys
