"""The door: one record of a source after the other becomes what goes into a raw topic, a repeat, or a refusal.

Pure, apart from what it is told that the brokers have acknowledged. What is refused here is told to the device, which has it
still; nothing of it is kept. An identity is a pseudonym before anything else is done with its record.
"""

import json
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from typing import Any

from events.codec import LARGEST_RECORD_BYTES, Refusal, decode_from_topic, encode, parse_object, refuse_future
from events.records import OUTSIDE_KINDS, CheckpointScanned, OutsideRecord
from events.results import encode_json as write_json
from events.scan_wire import WireScan, is_future, read_scan, write_scan_and_content
from events.vocabulary import DeadLetterReason
from streams.broker.outputs import Output
from streams.gateway.adapters.identity import Identity
from streams.gateway.adapters.outcomes import Adapted, PassedOver, Refused, Taken
from streams.gateway.recent import RecentRecords
from streams.gateway.sources import Source
from streams.intake.repeats import NEVER_REFUSED, content_of, fingerprint

NOT_ALLOWED = "not_allowed"
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)

# Returns the pseudonym of an identity; raises ValueError for one that cannot be.
PersonIdOf = Callable[[Identity], str]


class Result(StrEnum):
    """What became of a record; `passed_over` is what a device sends that is no event."""

    ACCEPTED = "accepted"
    DUPLICATE = "duplicate"
    REFUSED = "refused"
    PASSED_OVER = "passed_over"


@dataclass(frozen=True, slots=True)
class Judged:
    """What becomes of a record: `output` goes to its raw topic; of a refused one reason, field and what was expected."""

    result: Result
    output: Output | None = field(default=None, repr=False)
    fingerprint: bytes = b""
    sequence: int = 0
    reason: str = ""
    path: str = ""
    message: str = ""


class Door:
    """Judges what sources send; one per process."""

    def __init__(self, recent: RecentRecords, person_id_of: PersonIdOf | None = None) -> None:
        """Take identities where `person_id_of` is given; without it there is no key for their pseudonyms."""
        self._recent = recent
        self._person_id_of = person_id_of

    def judge(self, source: Source, lines: Sequence[bytes], received_at_ms: int) -> list[Judged]:
        """Judge the records of one request, in their order; `received_at_ms` since 1970, by the gateway's clock."""
        if len(lines) == 1:  # most requests; nothing was before it
            return [self._judge_or_refuse(source, lines[0], received_at_ms)]
        return list(_once(self._judge_or_refuse(source, line, received_at_ms) for line in lines))

    def judge_adapted(
        self, source: Source, adapted: Iterable[Adapted], received_at_ms: int, *, counts_records: bool
    ) -> list[Judged]:
        """Judge what an adapter made of a device's body.

        Where the device counts other things than records (`counts_records` false) its numbers are left out: holes in them
        would mean nothing.
        """
        return list(
            _once(self._judge_adapted(source, each, received_at_ms, counts_records=counts_records) for each in adapted)
        )

    def acknowledge(self, judged: Iterable[Judged]) -> None:
        """Remember what the brokers have acknowledged: it is answered as a duplicate when it comes again."""
        self._recent.remember(each.fingerprint for each in judged if each.fingerprint)

    def _judge_adapted(self, source: Source, adapted: Adapted, received_at_ms: int, *, counts_records: bool) -> Judged:
        match adapted:
            case PassedOver():
                return Judged(Result.PASSED_OVER)
            case Refused(reason=reason, path=path, message=message):
                return Judged(Result.REFUSED, reason=reason.value, path=path, message=message)
            case Taken(identity=identity):
                try:
                    record = adapted.record(None if identity is None else self._person_id(identity, "person"))
                    if not counts_records:
                        record.pop("sequence", None)
                    line = _written(record)
                except Refusal as refusal:
                    return _refused(refusal)
        return self._judge_or_refuse(source, line, received_at_ms)

    def _judge_or_refuse(self, source: Source, line: bytes, received_at_ms: int) -> Judged:
        try:
            return self._judge(source, line, received_at_ms)
        except Refusal as refusal:
            return _refused(refusal)

    def _judge(self, source: Source, line: bytes, received_at_ms: int) -> Judged:
        scan = read_scan(line)
        if scan is not None and not scan.received_at and not is_future(scan, received_at_ms):
            return self._judge_scan(source, scan, received_at_ms)
        record = self._read(source, line, received_at_ms)
        if (path := _foreign(source, record)) is not None:
            return _not_allowed(path)
        written = encode(record)
        _refuse_too_large(written)  # with what the gateway says; intake would refuse it later, when nobody has it
        # What the core may refuse has to reach it again once the cause is mended.
        digest = fingerprint(record, content_of(written)) if isinstance(record, NEVER_REFUSED) else b""
        return self._found(record.topic, source, written, digest, record.sequence or 0)

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
        return self._found(CheckpointScanned.topic, source, line, fingerprint(scan, content), scan.sequence or 0)

    def _found(self, topic: str, source: Source, line: bytes, digest: bytes, sequence: int) -> Judged:
        if digest and not sequence:  # known by its event id alone, which another source may have used
            digest += source.source_id.encode()
        if digest and digest in self._recent:
            return Judged(Result.DUPLICATE)
        return Judged(Result.ACCEPTED, Output(topic, source.source_id.encode(), line), digest, sequence)

    def _read(self, source: Source, line: bytes, received_at_ms: int) -> OutsideRecord:
        """Read a record, with what the source left to the gateway; raises Refusal."""
        _refuse_too_large(line)
        document = parse_object(line)
        if document.get("received_at") is not None:
            raise _invalid("received_at", "expected null: the gateway sets it")
        document = {"source_id": source.source_id, **document}
        if "identity" in document:
            self._name_by_pseudonym(document)
        record = decode_from_topic(_written(document), _topic_of(document.get("kind")))
        record = replace(record, received_at=_EPOCH + timedelta(milliseconds=received_at_ms))
        refuse_future(record)
        return record

    def _name_by_pseudonym(self, document: dict[str, Any]) -> None:
        """Put the pseudonym in the place of the identity; raises Refusal, which shows nothing of it."""
        given = document.pop("identity")
        if given is None:
            return
        if document.get("person_id") is not None:
            raise _invalid("identity", "expected either person_id or identity")
        if not isinstance(given, dict) or given.keys() != {"type", "number"}:
            raise _invalid("identity", "expected an object of type and number")
        try:
            identity = Identity(given["type"], given["number"])
        except ValueError as error:
            raise _invalid("identity", str(error)) from None
        document["person_id"] = self._person_id(identity, "identity.number")

    def _person_id(self, identity: Identity, path: str) -> str:
        if self._person_id_of is None:
            raise _invalid(path, "expected person_id: this gateway has no key for pseudonyms")
        try:
            return self._person_id_of(identity)
        except ValueError as error:
            raise _invalid(path, str(error)) from None


def _once(judged: Iterable[Judged]) -> Iterator[Judged]:
    """Yield what was judged; what the same request has brought before is a duplicate."""
    seen: set[bytes] = set()
    for each in judged:
        if each.fingerprint and each.fingerprint in seen:
            yield Judged(Result.DUPLICATE)
            continue
        if each.fingerprint:
            seen.add(each.fingerprint)
        yield each


def _topic_of(kind: object) -> str:
    record = OUTSIDE_KINDS.get(kind) if isinstance(kind, str) else None
    if record is None:
        raise Refusal(DeadLetterReason.UNKNOWN_KIND, "kind", "expected a kind that a source may send")
    topic: str = record.topic
    return topic


def _written(document: dict[str, Any]) -> bytes:
    try:
        return write_json(document)
    except UnicodeEncodeError:  # half of a surrogate pair: the codec says in which field
        return json.dumps(document).encode()
    except ValueError:  # what is read of 1e400 cannot be written
        raise Refusal(DeadLetterReason.INVALID_FIELD, "", "expected numbers that are finite") from None


def _refuse_too_large(line: bytes) -> None:
    if len(line) > LARGEST_RECORD_BYTES:
        raise Refusal(DeadLetterReason.TOO_LARGE, "", f"expected at most {LARGEST_RECORD_BYTES} bytes")


def _foreign(source: Source, record: OutsideRecord) -> str | None:
    return "source_id" if record.source_id != source.source_id else source.rights.lacking(record)


def _refused(refusal: Refusal) -> Judged:
    return Judged(Result.REFUSED, reason=refusal.reason.value, path=refusal.path, message=refusal.message)


def _not_allowed(path: str) -> Judged:
    return Judged(Result.REFUSED, reason=NOT_ALLOWED, path=path, message="expected what this key may send")


def _invalid(path: str, message: str) -> Refusal:
    return Refusal(DeadLetterReason.INVALID_FIELD, path, message)


def outputs_of(judged: Sequence[Judged]) -> list[Output]:
    """Return what goes to the raw topics, in the order of the request."""
    return [each.output for each in judged if each.output is not None]
