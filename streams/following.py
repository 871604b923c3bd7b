"""Following the alert topic: each revision once, in the order of the log, filtered as asked."""

from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Annotated, Any

import msgspec
from aiokafka import AIOKafkaConsumer, TopicPartition
from faust.types import TP

from events.codec import is_too_deep
from events.vocabulary import SEVERITY_ORDER, Severity
from streams.broker.offsets import OffsetReader
from streams.logs import get_logger
from streams.settings import Settings

log = get_logger(__name__)

AlertDocument = dict[str, Any]


class _Shown(msgspec.Struct, gc=False):
    """What of an alert is looked at here, or shown in a line."""

    alert_id: str
    revision: Annotated[int, msgspec.Meta(ge=1)]
    rule: str
    state: str
    severity: Severity
    reason: str
    subject: str
    area: str
    occurrence: str
    updated_at: str


_read_shown = msgspec.json.Decoder(_Shown).decode
_read_document = msgspec.json.Decoder(AlertDocument).decode


def read_alert(raw: bytes) -> AlertDocument | None:
    """Read a value of the alert topic; None for what is no alert, and for what nobody could write down again."""
    if is_too_deep(raw):
        return None
    try:
        _read_shown(raw)
        return _read_document(raw)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return None


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
    """Yield the alerts of a topic of the catalogue, from now on or from its start, for ever or to its present end.

    A value that is no alert is passed over with a warning that names its place.
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
    if record.value is None:
        return None
    alert = read_alert(record.value)
    if alert is None:
        log.warning(
            "unreadable record passed over", topic=record.topic, partition=record.partition, offset=record.offset
        )
    return alert
