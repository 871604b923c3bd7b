"""Following the alert topic: each revision once, in the order of the log, filtered as asked."""

from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Any

from aiokafka import AIOKafkaConsumer, TopicPartition
from faust.types import TP

from events.codec import Refusal, parse_object
from events.vocabulary import SEVERITY_ORDER, Severity
from streams.broker.offsets import OffsetReader
from streams.logs import get_logger
from streams.settings import Settings

log = get_logger(__name__)

AlertDocument = dict[str, Any]


@dataclass(frozen=True, slots=True)
class AlertFilter:
    """Which alerts are wanted; what is empty lets everything through.

    `area` lets through the area itself and all below it; `severity` lets through this one and the more severe.
    """

    area: str = ""
    rules: frozenset[str] = frozenset()
    severity: Severity = Severity.INFO
    states: frozenset[str] = frozenset()

    def lets_through(self, alert: AlertDocument) -> bool:
        """Tell whether a revision is wanted."""
        if self.area and alert["area"] != self.area and not alert["area"].startswith(f"{self.area}/"):
            return False
        if self.rules and alert["rule"] not in self.rules:
            return False
        if self.states and alert["state"] not in self.states:
            return False
        return SEVERITY_ORDER[Severity(alert["severity"])] >= SEVERITY_ORDER[self.severity]


class Revisions:
    """Lets every revision of an alert or verdict through once; what a restarted worker wrote again is known already."""

    def __init__(self, identity: str) -> None:
        """Tell records apart by the field `identity` and `revision`."""
        self._identity = identity
        self._highest: dict[str, int] = {}

    def is_new(self, record: AlertDocument) -> bool:
        """Tell whether the record is a higher revision than any before."""
        identity, revision = record[self._identity], record["revision"]
        if revision <= self._highest.get(identity, 0):
            return False
        self._highest[identity] = revision
        return True


async def follow(settings: Settings, topic: str, *, from_start: bool, until_end: bool) -> AsyncIterator[AlertDocument]:
    """Yield the documents of a topic of the catalogue, from now on or from its start, for ever or to its present end.

    A value that is no JSON object is passed over with a warning that names its place.
    """
    async with OffsetReader(settings) as offsets:
        partitions = await offsets.partitions([topic])
        ends = await offsets.ends(partitions)
    consumer = AIOKafkaConsumer(**settings.kafka.async_client_options(), enable_auto_commit=False)
    try:
        await consumer.start()
        consumer.assign([TopicPartition(*tp) for tp in partitions])
        for tp in partitions:
            if from_start:
                await consumer.seek_to_beginning(TopicPartition(*tp))
            else:
                consumer.seek(TopicPartition(*tp), ends[tp])
        while not until_end or await _is_before(consumer, ends):
            for records in (await consumer.getmany(timeout_ms=200)).values():
                for record in records:
                    document = _read(record)
                    if document is not None:
                        yield document
    finally:
        await consumer.stop()


async def _is_before(consumer: AIOKafkaConsumer, ends: dict[TP, int]) -> bool:
    for tp, end in ends.items():
        if await consumer.position(TopicPartition(*tp)) < end:
            return True
    return False


def _read(record: Any) -> AlertDocument | None:
    try:
        return parse_object(record.value or b"")
    except Refusal:
        if record.value is not None:
            log.warning(
                "unreadable record passed over", topic=record.topic, partition=record.partition, offset=record.offset
            )
        return None
