"""The pure part of intake: raw bytes to a timeline record, a dead letter, or nothing for a repeat."""

from dataclasses import replace
from typing import Any

from events.codec import Refusal, decode_from_topic, encode, refuse_future
from events.records import OutsideRecord, PolicyChanged
from events.vocabulary import DeadLetterReason
from streams.broker.outputs import Output
from streams.dead_letters import dead_letter, dead_letter_output
from streams.intake.repeats import RepeatMemory, load_repeats, received_at_of


class IntakePartition:
    """Takes the records of one partition of a raw topic in offset order."""

    def __init__(self, topic: str, partition: int, repeats: RepeatMemory) -> None:
        """Begin with what is remembered of the partition; `topic` is its name in the catalogue."""
        self.topic = topic
        self.partition = partition
        self.repeats = repeats

    def take(self, offset: int, timestamp_ms: int, value: bytes | None) -> list[Output]:
        """Return the timeline record or dead letter of a raw record; a repeat gives nothing."""
        raw = value or b""
        try:
            record = self._read(raw, timestamp_ms)
        except Refusal as refusal:
            return [dead_letter_output(dead_letter(refusal, self.topic, self.partition, offset, raw))]
        if self.repeats.is_repeat(record, timestamp_ms):
            return []
        if isinstance(record, PolicyChanged):
            return [Output("timeline", None, encode(record), to_all_partitions=True)]
        return [Output("timeline", record.key.encode(), encode(record))]

    def _read(self, raw: bytes, timestamp_ms: int) -> OutsideRecord:
        if not raw:
            raise Refusal(DeadLetterReason.NOT_JSON, "", "expected one JSON object, found nothing")
        record = decode_from_topic(raw, self.topic)
        if record.received_at is None:
            record = replace(record, received_at=received_at_of(timestamp_ms))
        refuse_future(record)
        return record

    def dump(self) -> dict[str, Any]:
        """Return what is remembered of the partition."""
        return {"repeats": self.repeats.dump()}


def new_intake(
    topic: str, partition: int, repeat_hours: int, document: dict[str, Any] | None = None
) -> IntakePartition:
    """Return the intake of a partition, from what `dump` gave where there is something."""
    repeats = RepeatMemory(repeat_hours) if document is None else load_repeats(repeat_hours, document["repeats"])
    return IntakePartition(topic, partition, repeats)
