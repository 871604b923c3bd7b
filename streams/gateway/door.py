"""The door: one record of a source after the other becomes what goes into a raw topic, a repeat, or a refusal.

Pure, apart from what it is told that the brokers have acknowledged. What is refused here is told to the device, which has it
still; nothing of it is kept.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from typing import Any

from events.codec import Refusal, decode, encode, parse_object, refuse_future
from events.codec import encode_json as write_json
from events.records import CheckpointScanned, OutsideRecord, Tick
from events.scan_wire import WireScan, is_future, read_scan, write_scan_and_content
from events.vocabulary import DeadLetterReason
from streams.broker.outputs import Output
from streams.gateway.recent import RecentRecords
from streams.gateway.sources import Source
from streams.intake.repeats import content_of, fingerprint

NOT_ALLOWED = "not_allowed"
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


class Result(StrEnum):
    """What became of a record."""

    ACCEPTED = "accepted"
    DUPLICATE = "duplicate"
    REFUSED = "refused"


@dataclass(frozen=True, slots=True)
class Judged:
    """What becomes of a record: `output` goes to its raw topic; of a refused one the code, the field and what was expected."""

    result: Result
    output: Output | None = None
    fingerprint: bytes = b""
    reason: str = ""
    path: str = ""
    message: str = ""


class Door:
    """Judges what sources send; one per process."""

    def __init__(self, recent: RecentRecords) -> None:
        self._recent = recent

    def judge(self, source: Source, lines: Iterable[bytes], received_at_ms: int) -> list[Judged]:
        """Judge the records of one request, in their order; `received_at_ms` since 1970, by the gateway's clock."""
        seen: set[bytes] = set()
        judged: list[Judged] = []
        for line in lines:
            try:
                found = self._judge(source, line, received_at_ms)
            except Refusal as refusal:
                found = Judged(
                    Result.REFUSED, reason=refusal.reason.value, path=refusal.path, message=refusal.message
                )
            if found.fingerprint in seen:
                found = Judged(Result.DUPLICATE)
            elif found.fingerprint:
                seen.add(found.fingerprint)
            judged.append(found)
        return judged

    def acknowledge(self, judged: Iterable[Judged]) -> None:
        """Remember what the brokers have acknowledged: it is answered as a duplicate when it comes again."""
        self._recent.remember(each.fingerprint for each in judged if each.fingerprint)

    def _judge(self, source: Source, line: bytes, received_at_ms: int) -> Judged:
        scan = read_scan(line)
        if scan is not None and not scan.received_at and not is_future(scan, received_at_ms):
            return self._judge_scan(source, scan, received_at_ms)
        record = _read(source, line, received_at_ms)
        if (path := _foreign(source, record)) is not None:
            return _not_allowed(path)
        written = encode(record)
        return self._found(record.topic, source, written, fingerprint(record, content_of(written)))

    def _judge_scan(self, source: Source, scan: WireScan, received_at_ms: int) -> Judged:
        rights = source.rights
        if scan.source_id != source.source_id:
            return _not_allowed("source_id")
        if CheckpointScanned.kind not in rights.kinds:
            return _not_allowed("kind")
        if not rights.allows_area(scan.area):
            return _not_allowed("area")
        if scan.checkpoint_id not in rights.checkpoints:
            return _not_allowed("checkpoint_id")
        line, content = write_scan_and_content(scan, received_at_ms)
        return self._found(CheckpointScanned.topic, source, line, fingerprint(scan, content))

    def _found(self, topic: str, source: Source, line: bytes, digest: bytes) -> Judged:
        if digest in self._recent:
            return Judged(Result.DUPLICATE)
        return Judged(Result.ACCEPTED, Output(topic, source.source_id.encode(), line), digest)


def _read(source: Source, line: bytes, received_at_ms: int) -> OutsideRecord:
    """Read a record, with what the source left to the gateway; raises Refusal."""
    document = parse_object(line)
    if document.get("received_at") is not None:
        raise Refusal(DeadLetterReason.INVALID_FIELD, "received_at", "expected null: the gateway sets it")
    document = {"source_id": source.source_id, **document}
    record: Any = decode(write_json(document))
    if isinstance(record, Tick):
        raise Refusal(DeadLetterReason.UNKNOWN_KIND, "kind", "expected a kind that a source may send")
    record = replace(record, received_at=_EPOCH + timedelta(milliseconds=received_at_ms))
    refuse_future(record)
    found: OutsideRecord = record
    return found


def _foreign(source: Source, record: OutsideRecord) -> str | None:
    return "source_id" if record.source_id != source.source_id else source.rights.lacking(record)


def _not_allowed(path: str) -> Judged:
    return Judged(Result.REFUSED, reason=NOT_ALLOWED, path=path, message="expected what this key may send")


def outputs_of(judged: Sequence[Judged]) -> list[Output]:
    """Return what goes to the raw topics, in the order of the request."""
    return [each.output for each in judged if each.output is not None]
