"""What intake must make of the raw topics, found without its code: the contract, read line by line and slowly.

A record is known again by source, sequence and all else that it says, or by its event id where it has no sequence. Within
24 hours of the broker's stamps a repeat must be left out; later it may be.
"""

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any
from zlib import crc32

from faust.types import TP

from tests.simulation.broker import Broker, Kept
from tests.simulation.devices import RAW_TOPICS, TOPIC_OF_KIND
from tests.support.model import validation
from tests.support.model.instants import parse_instant
from tests.support.model.policy import Refused, check_policy
from tests.support.model.validation import DeadLetter

_KNOWN_FOR_MS = 24 * 3600 * 1000
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_INSTANTS = ("occurred_at", "received_at", "since", "until", "backfill_until")
_TOLERANCE = timedelta(minutes=5)
# The core takes every one of these; all others it may refuse, so each goes on to it under its own event id.
_NEVER_REFUSED = ("visit_recorded", "temperature_taken", "checkpoint_scanned")

Form = str  # a record in a form in which equal records are equal, whatever their spelling


@dataclass(frozen=True)
class Wanted:
    """A valid raw record, as it must stand in partitions of the timeline."""

    tp: TP
    offset: int
    appended_at: float
    form: Form
    partitions: tuple[int, ...]
    must_come: bool


@dataclass
class Expected:
    """What the raw topics ask for: records, in the order of each raw partition, and dead letters by their place."""

    wanted: list[Wanted] = field(default_factory=list)
    refused: dict[tuple[str, int, int], tuple[str, bytes]] = field(default_factory=dict)


def expect(broker: Broker) -> Expected:
    """Read the raw topics as they stand."""
    expected = Expected()
    for tp in broker.of_topics(RAW_TOPICS):
        memory = _Memory()
        partition = broker.partitions[tp]
        for record, second in zip(partition.ever, partition.appended_at, strict=True):
            try:
                document = _read(record, tp.topic)
            except DeadLetter as refusal:
                expected.refused[tp.topic, tp.partition, record.offset] = str(refusal), record.value or b""
                continue
            must_come, may_come = memory.judge(document, record.timestamp)
            if may_come:
                for line, partitions in _lines(document, broker.counts["timeline"]):
                    wanted = Wanted(tp, record.offset, second, form_of(line), partitions, must_come)
                    expected.wanted.append(wanted)
    return expected


def _read(record: Kept, topic: str) -> dict[str, Any]:
    """Read a raw record and give it the time at which it was received; raises DeadLetter."""
    value = record.value or b""
    if len(value) > validation.LINE_BYTES_MAX:
        raise DeadLetter("too_large")
    kind = validation._decode(value).get("kind")
    if not isinstance(kind, str) or TOPIC_OF_KIND.get(kind) != topic:
        raise DeadLetter("unknown_kind")
    document = _validated(value, kind)
    if document.get("is_copy"):
        raise DeadLetter("invalid_field")
    if document.get("received_at") is None:
        document["received_at"] = (_EPOCH + timedelta(milliseconds=record.timestamp)).isoformat()
    if parse_instant(document["occurred_at"]) > parse_instant(document["received_at"]) + _TOLERANCE:
        raise DeadLetter("occurred_in_future")
    return document


def _validated(value: bytes, kind: str) -> dict[str, Any]:
    if kind == "policy_changed":  # what is wrong with the policy is said before all else
        try:
            check_policy(validation._decode(value).get("policy"))
        except Refused as refused:
            raise DeadLetter("invalid_field") from refused
    document = validation.read_line(value, read_policies=True)
    assert document is not None
    return document


def _lines(document: dict[str, Any], count: int) -> list[tuple[dict[str, Any], tuple[int, ...]]]:
    """Return what stands in the timeline because of a record, and in which partitions."""
    everywhere = tuple(range(count))
    if document["kind"] == "policy_changed":
        return [(document, everywhere)]
    if "outage_id" in document:
        own = crc32(f"outage:{document['outage_id']}".encode()) % count
        return [(document, (own,)), ({**document, "is_copy": True}, everywhere)]
    if "defined_source_id" in document:
        key = f"source:{document['defined_source_id']}"
    else:
        key = document["key"] if "key" in document else document["person_id"]
    return [(document, (crc32(key.encode()) % count,))]


def form_of(document: dict[str, Any], *, without: Iterable[str] = ()) -> Form:
    """Return the form of a record: no nulls, instants as instants, fields in order."""
    left_out = set(without)
    plain = {
        name: parse_instant(value) if name in _INSTANTS else value
        for name, value in document.items()
        if value is not None and name not in left_out
    }
    return repr(sorted((name, _plain(value)) for name, value in plain.items()))


def _plain(value: Any) -> Any:
    if isinstance(value, dict):
        return sorted((name, _plain(part)) for name, part in value.items())
    if isinstance(value, list):
        return [_plain(part) for part in value]
    return float(value) if isinstance(value, int) and not isinstance(value, bool) else value


class _Memory:
    """The records of one raw partition, by what they are known by."""

    def __init__(self) -> None:
        self._first_ms: dict[Form, int] = {}
        self._latest_ms: dict[Form, int] = {}  # the highest stamp since, its own included
        self._ids: dict[Form, set[str]] = {}

    def judge(self, document: dict[str, Any], timestamp_ms: int) -> tuple[bool, bool]:
        """Tell whether a record must come and whether it may, and remember it."""
        for known in self._latest_ms:
            self._latest_ms[known] = max(self._latest_ms[known], timestamp_ms)
        kind, event_id = document["kind"], document["event_id"]
        if document.get("sequence") is not None:
            form = form_of(document, without=("event_id", "received_at"))
        elif kind in _NEVER_REFUSED:
            form = f"event {event_id}"
        else:
            return True, True
        ids = self._ids.setdefault(form, set())
        first_ms = self._first_ms.get(form)
        if first_ms is None or (kind not in _NEVER_REFUSED and event_id in ids):
            self._first_ms.setdefault(form, timestamp_ms)
            self._latest_ms.setdefault(form, timestamp_ms)
            ids.add(event_id)
            return True, True
        is_certain = abs(self._latest_ms[form] - first_ms) < _KNOWN_FOR_MS
        return False, not is_certain
