"""The quick way of visits, readings, ticks and what is told of sources, as intake writes them: what comes most after scans.

As with scans, one pattern says that a line is beyond doubt one that `events.codec.decode_strictly` takes; then msgspec
reads it into the very record. What was noted at a door has to be plain.
"""

import re
from datetime import UTC, datetime
from typing import TypeVar

import msgspec

from events.records import SourceHeard, TemperatureTaken, Tick, VisitRecorded
from events.vocabulary import Site, VisitOutcome
from events.wire_patterns import (
    AREA,
    IDENTIFIER,
    INSTANT,
    INSTANT_IN_UTC,
    SEQUENCE,
    TEMPERATURE,
    field,
    line_pattern,
    one_of,
)

_Reading = TypeVar("_Reading", VisitRecorded, TemperatureTaken)
_LONGEST_QUICK_BYTES = 4096
_COMMON = (
    field("event_id", IDENTIFIER),
    field("source_id", IDENTIFIER),
    field("sequence", SEQUENCE, is_optional=True),
    field("occurred_at", INSTANT),
    field("received_at", INSTANT, is_optional=True),
    field("person_id", IDENTIFIER),
    field("area", AREA),
)
_SYMPTOM = '"[A-Za-z0-9 _.-]*"'
_is_visit = line_pattern(
    VisitRecorded.kind,
    *_COMMON,
    field("visitor_id", IDENTIFIER),
    field("outcome", one_of(VisitOutcome)),
    field("symptoms", rf"\[(?:{_SYMPTOM}(?:,{_SYMPTOM})*)?\]"),
    field("temperature_c", TEMPERATURE, is_optional=True),
    field("site", one_of(Site), is_optional=True),
).fullmatch
_is_temperature = line_pattern(
    TemperatureTaken.kind,
    *_COMMON,
    field("temperature_c", TEMPERATURE),
    field("site", one_of(Site), is_optional=True),
).fullmatch
_is_tick = re.compile(rf'\{{"kind":"{Tick.kind}","at":"({INSTANT[1:-1]})"\}}'.encode()).fullmatch
_RUN = rf'\{{"first":{SEQUENCE},"last":{SEQUENCE},"since":{INSTANT_IN_UTC},"until":{INSTANT_IN_UTC}\}}'
_is_heard = line_pattern(
    SourceHeard.kind,
    field("event_id", IDENTIFIER),
    field("source_id", IDENTIFIER),
    field("heard_until", INSTANT_IN_UTC),
    field("least_delay_ms", "(?:0|-?[1-9][0-9]{0,11}+)", is_optional=True),
    field("sequences", rf"\[(?:{_RUN}(?:,{_RUN})*)?\]"),
).fullmatch
_read_visit = msgspec.json.Decoder(VisitRecorded).decode
_read_temperature = msgspec.json.Decoder(TemperatureTaken).decode
_read_heard = msgspec.json.Decoder(SourceHeard).decode


def read_reading(raw: bytes) -> VisitRecorded | TemperatureTaken | None:
    """Read a line that is beyond doubt a visit or reading which the codec takes; None where it is not, or only may be."""
    if len(raw) > _LONGEST_QUICK_BYTES:
        return None
    try:
        if _is_temperature(raw):
            record = _in_utc(_read_temperature(raw))
            return record if record.temperature_c else None  # 0 means not measured, and is refused
        return _in_utc(_read_visit(raw)) if _is_visit(raw) else None
    except msgspec.DecodeError:  # the strict way names the fault
        return None


def read_tick(raw: bytes) -> Tick | None:
    """Read a line that is beyond doubt a tick which the codec takes; None where it is not, or only may be."""
    found = _is_tick(raw)
    return None if found is None else Tick(at=datetime.fromisoformat(found[1].decode()).astimezone(UTC))


def read_heard(raw: bytes) -> SourceHeard | None:
    """Read a line that is beyond doubt what intake tells of a source; None where it is not, or only may be."""
    if len(raw) > _LONGEST_QUICK_BYTES or not _is_heard(raw):
        return None
    record = _read_heard(raw)
    for run in record.sequences:
        if run.last < run.first or run.until < run.since:
            return None
    return record


def _in_utc(record: _Reading) -> _Reading:
    """Bring the instants of a record that nobody else has yet into UTC, as every record has them."""
    for name in ("occurred_at", "received_at"):
        instant = getattr(record, name)
        if instant is not None and instant.tzinfo is not UTC:
            object.__setattr__(record, name, instant.astimezone(UTC))
    return record
