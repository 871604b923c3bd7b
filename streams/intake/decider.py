"""The pure part of intake: raw bytes to a timeline record, a dead letter, or nothing for a repeat; and what is heard."""

from collections.abc import Iterable, Mapping
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

from events.codec import Refusal, decode_from_topic, encode, refuse_future
from events.records import CheckpointScanned, OutageRecord, OutsideRecord, PolicyChanged
from events.scan_wire import is_future, read_scan, write_scan_and_content
from events.vocabulary import DeadLetterReason
from streams.broker.outputs import Output
from streams.dead_letters import dead_letter, dead_letter_output
from streams.intake.hearing import PREFIX as HEARD
from streams.intake.hearing import Hearing
from streams.intake.repeats import RepeatMemory, content_of, fingerprint
from streams.partition import LogRecord, SavedState, UndecidableRecordError

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_BUCKET = "heard_bucket"


class IntakePartition:
    """Takes the records of one partition of a raw topic in offset order."""

    def __init__(self, topic: str, partition: int, repeats: RepeatMemory, hearing: Hearing) -> None:
        """Begin with what is remembered of the partition; `topic` is its name in the catalogue."""
        self.topic = topic
        self.partition = partition
        self._repeats = repeats
        self._hearing = hearing

    def take(self, records: Iterable[LogRecord], publish_from: int) -> list[Output]:
        """Return the timeline records and dead letters of raw records, and what is told of their sources.

        A repeat gives no record. What is told of a record stands after it.
        """
        outputs: list[Output] = []
        take_one = self._take_scan if self.topic == CheckpointScanned.topic else self._take
        for record in records:
            try:
                found = take_one(record)
            except Exception as error:
                raise UndecidableRecordError(record.offset, error) from error
            if found and record.offset >= publish_from:
                outputs += found
        return outputs

    def _take_scan(self, record: LogRecord) -> tuple[Output, ...]:
        """Take a scan by the quick way, or any other record by the long one, which also says what is wrong with it."""
        timestamp_ms = record.timestamp
        scan = read_scan(record.value or b"")
        if scan is None or is_future(scan, timestamp_ms):
            return self._take(record)
        line, content = write_scan_and_content(scan, timestamp_ms)
        if self._repeats.knows(fingerprint(scan, content), timestamp_ms):
            return self._hearing.hear_repeat(scan.source_id, record.offset, timestamp_ms)
        told = self._hearing.hear_scan(scan, record.offset, timestamp_ms)
        own = Output("timeline", scan.person_id.encode(), line)
        return (own, *told) if told else (own,)

    def _take(self, record: LogRecord) -> tuple[Output, ...]:
        raw = record.value or b""
        try:
            found = self._read(raw, record.timestamp)
        except Refusal as refusal:
            letter = dead_letter_output(dead_letter(refusal, self.topic, self.partition, record.offset, raw))
            return (letter, *self._hearing.hear_refused(raw, record.offset, record.timestamp))
        line = encode(found)
        if self._repeats.is_repeat(found, content_of(line), record.timestamp):
            return self._hearing.hear_repeat(found.source_id, record.offset, record.timestamp)
        return (*self._lines(found, line), *self._hearing.hear(found, record.offset, record.timestamp))

    def _lines(self, record: OutsideRecord, line: bytes) -> tuple[Output, ...]:
        if isinstance(record, PolicyChanged):
            return (Output("timeline", None, line, to_all_partitions=True),)
        under_its_key = Output("timeline", record.key.encode(), line)
        if isinstance(record, OutageRecord):
            copy = encode(replace(record, is_copy=True))
            return (under_its_key, Output("timeline", None, copy, to_all_partitions=True))
        return (under_its_key,)

    def _read(self, raw: bytes, timestamp_ms: int) -> OutsideRecord:
        if not raw:
            raise Refusal(DeadLetterReason.NOT_JSON, "", "expected one JSON object, found nothing")
        record = decode_from_topic(raw, self.topic)
        if record.received_at is None:
            record = replace(record, received_at=_EPOCH + timedelta(milliseconds=timestamp_ms))
        refuse_future(record)
        return record

    @property
    def clock(self) -> None:
        """Return nothing: raw topics have no ticks."""

    @property
    def parts(self) -> tuple[str, ...]:
        """Return nothing: entries are whole."""
        return ()

    def head(self) -> dict[str, Any]:
        """Return which half hour it is; all that is remembered stands in entries."""
        return {_BUCKET: self._hearing.bucket}

    def changes(self) -> Mapping[str, bytes | None]:
        """Return what came to be remembered since this was last asked, and None for what was forgotten."""
        return {**self._repeats.changes(), **self._hearing.changes()}

    def keys(self) -> list[str]:
        """Return the keys of all that is remembered."""
        return [*self._repeats.keys(), *self._hearing.keys()]

    def entry(self, key: str) -> bytes | None:
        """Return an entry, None where it was forgotten."""
        return self._hearing.entry(key) if key.startswith(HEARD) else self._repeats.entry(key)


def new_intake(topic: str, partition: int, repeat_hours: int, saved: SavedState | None = None) -> IntakePartition:
    """Return the intake of a partition; it takes ownership of the saved entries."""
    entries = {} if saved is None else saved.entries
    heard = {key: entries.pop(key) for key in [key for key in entries if key.startswith(HEARD)]}
    bucket = -1 if saved is None else saved.head.get(_BUCKET, -1)
    return IntakePartition(
        topic, partition, RepeatMemory(repeat_hours, entries), Hearing(topic, partition, bucket, heard)
    )
