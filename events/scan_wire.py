"""The quick way of a `checkpoint_scanned`, which is 97 of 100 records: bytes to a struct and back.

`events.codec.decode_strictly` says what a record is, and names what is wrong with one. Here one pattern decides, cheaply and
on the safe side, that a line is one it takes as it stands: keys in the order of the contract, each once and no other, no
spaces or escapes, alphabets, words, instants and days that exist. Whatever the pattern does not match takes the long way:
other orders and spaces, the first and last year, 29 February, long numbers.
"""

from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from typing import TypeVar

import msgspec
from msgspec import UNSET, UnsetType

from events.instants import format_instant
from events.records import CheckpointScanned
from events.vocabulary import Decision, Direction, HealthCode, Site
from events.wire_patterns import (
    AREA,
    IDENTIFIER,
    INSTANT,
    SEQUENCE,
    TEMPERATURE,
    captured,
    field,
    line_pattern,
    lines_pattern,
    one_of,
)

FUTURE_TOLERANCE = timedelta(minutes=5)
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


class WireScan(
    msgspec.Struct,
    frozen=True,
    gc=False,
    kw_only=True,
    tag_field="kind",
    tag=CheckpointScanned.kind,
    forbid_unknown_fields=True,
):
    """A scan as it stands on the wire: instants are texts, a field that may be absent says whether it was.

    Made by `read_scan`, whose pattern says what the types here leave open.
    """

    event_id: str
    source_id: str
    sequence: int | UnsetType | None = UNSET
    occurred_at: str
    received_at: str | UnsetType | None = UNSET
    person_id: str
    area: str
    checkpoint_id: str
    direction: Direction
    decision: Decision
    temperature_c: float | int | UnsetType | None = UNSET
    site: Site | UnsetType | None = UNSET
    health_code: HealthCode | UnsetType | None = UNSET


class Screening(msgspec.Struct, frozen=True, gc=False, kw_only=True):
    """What was measured and shown at a checkpoint."""

    temperature_c: float | int | UnsetType | None = UNSET
    site: Site | UnsetType | None = UNSET
    health_code: HealthCode | UnsetType | None = UNSET


# What of a scan decides whether it leaves anything behind: event id, person id, and the screening as it stands on the wire,
# for `read_screening`. A plain tuple, as the pattern gives it: to make anything else of it costs as much as to find it.
PassingScan = tuple[str, str, str]
NO_SCAN: PassingScan = ("", "", "")
# That, and what tells whether it comes from the future, in the order of the wire: event id, `occurred_at`, `received_at` or
# nothing, person id, screening.
TimedScan = tuple[str, str, str, str, str]

T = TypeVar("T")

# Words that may be absent, as JSON.
_WORDS: dict[Site | HealthCode | UnsetType | None, str] = {
    None: "null",
    UNSET: "null",
    **{site: f'"{site.value}"' for site in Site},
    **{code: f'"{code.value}"' for code in HealthCode},
}

_decode = msgspec.json.Decoder(WireScan).decode
_decode_screening = msgspec.json.Decoder(Screening).decode

_SCREENING = (
    field("temperature_c", TEMPERATURE, is_optional=True),
    field("site", one_of(Site), is_optional=True),
    field("health_code", one_of(HealthCode), is_optional=True),
)


def _fields(identifier: str, instant: str) -> tuple[str, ...]:
    """Return the patterns of what stands before the screening; those of its ids and instants as they are given."""
    return (
        field("event_id", identifier),
        field("source_id", IDENTIFIER),
        field("sequence", SEQUENCE, is_optional=True),
        field("occurred_at", instant),
        field("received_at", instant, is_optional=True),
        field("person_id", identifier),
        field("area", AREA),
        field("checkpoint_id", IDENTIFIER),
        field("direction", one_of(Direction)),
        field("decision", one_of(Decision)),
    )


_is_scan = line_pattern(CheckpointScanned.kind, *_fields(IDENTIFIER, INSTANT), *_SCREENING).fullmatch
_find_passing, _find_timed = (
    lines_pattern(CheckpointScanned.kind, *_fields(captured(IDENTIFIER), instant), rest="".join(_SCREENING)).findall
    for instant in (INSTANT, captured(INSTANT))
)


def read_scan(raw: bytes) -> WireScan | None:
    """Read a line that is beyond doubt a scan which the codec takes; None where it is not, or only may be."""
    if not _is_scan(raw):
        return None
    try:
        return _decode(raw)
    except msgspec.DecodeError:  # the strict way names the fault
        return None


def read_passing_scans(lines: Sequence[bytes]) -> list[PassingScan]:
    """Read of every line that `read_scan` reads, as little as may be; NO_SCAN for one where that gives None."""
    return _find_in_all(lines, _find_passing)


def read_timed_scans(lines: Sequence[bytes]) -> list[TimedScan]:
    """Read the same of every line, and its instants; five empty texts for a line where `read_scan` gives None."""
    return _find_in_all(lines, _find_timed)


def _find_in_all(lines: Sequence[bytes], find: Callable[[str], list[T]]) -> list[T]:
    found = find(_joined(lines))
    if len(found) != len(lines):  # there is a line end within a line, where no scan has one
        found = find(_joined([line.replace(b"\n", b" ") for line in lines]))
    return found


def _joined(lines: Sequence[bytes]) -> str:
    # Whatever the bytes are, each is a character, and the pattern takes none beyond ASCII.
    return b"\n".join([*lines, b""]).decode("latin-1")


def read_screening(text: str) -> Screening:
    """Read what `read_passing_scans` and `read_timed_scans` give as the screening of a scan."""
    return _decode_screening("{" + text.removeprefix(","))


def scan_record(scan: WireScan) -> CheckpointScanned:
    """Return the record that the codec reads from the same line."""
    received_at, temperature_c = scan.received_at, scan.temperature_c
    return CheckpointScanned(
        event_id=scan.event_id,
        source_id=scan.source_id,
        sequence=scan.sequence or None,
        occurred_at=_instant(scan.occurred_at),
        received_at=_instant(received_at) if received_at else None,
        person_id=scan.person_id,
        area=scan.area,
        checkpoint_id=scan.checkpoint_id,
        direction=scan.direction,
        decision=scan.decision,
        temperature_c=None if temperature_c is None or temperature_c is UNSET else float(temperature_c),
        site=scan.site or None,
        health_code=scan.health_code or None,
    )


def write_scan(scan: WireScan, received_at_ms: int | None = None) -> bytes:
    """Write a scan as the codec writes its record, with milliseconds since 1970 for `received_at` where it has none."""
    return write_scan_and_content(scan, received_at_ms)[0]


def write_scan_and_content(scan: WireScan, received_at_ms: int | None = None) -> tuple[bytes, bytes]:
    """Write a scan, and once more without event id and `received_at`: what a repeat of it shares."""
    received_at, temperature_c = scan.received_at, scan.temperature_c
    if received_at:
        receipt = f'"{in_utc(received_at)}"'
    else:
        receipt = "null" if received_at_ms is None else f'"{_text_of(received_at_ms)}"'
    reading = "null" if temperature_c is None or temperature_c is UNSET else float(temperature_c)
    # What goes in is proven to need no escape.
    first = f'"source_id":"{scan.source_id}","sequence":{scan.sequence or "null"},"occurred_at":"{in_utc(scan.occurred_at)}"'
    last = (
        f'"person_id":"{scan.person_id}","area":"{scan.area}","checkpoint_id":"{scan.checkpoint_id}",'
        f'"direction":"{scan.direction._value_}","decision":"{scan.decision._value_}","temperature_c":{reading},'
        f'"site":{_WORDS[scan.site]},"health_code":{_WORDS[scan.health_code]}}}'
    )
    line = f'{{"kind":"checkpoint_scanned","event_id":"{scan.event_id}",{first},"received_at":{receipt},{last}'
    return line.encode(), f'{{"kind":"checkpoint_scanned",{first},{last}'.encode()


def is_future(scan: WireScan, received_at_ms: int | None = None) -> bool:
    """Tell whether a scan claims to be made more than 5 minutes after its receipt; see `codec.refuse_future`.

    Milliseconds since 1970 stand for a `received_at` that it has not. Without either nothing is in the future.
    """
    received_at = scan.received_at
    if not received_at:
        received_at = "" if received_at_ms is None else _text_of(received_at_ms)
    return is_after_receipt(scan.occurred_at, received_at)


def is_after_receipt(occurred_at: str, received_at: str) -> bool:
    """Tell whether an instant of a scan is more than 5 minutes after that of its receipt; none is without a receipt."""
    if not received_at:
        return False
    # In the same offset, and to the second, texts are ordered as their instants are. Nearly every scan ends here.
    if occurred_at[19:] != received_at[19:] and not (occurred_at[-1] == received_at[-1] == "Z"):
        occurred_at, received_at = in_utc(occurred_at), in_utc(received_at)
    return occurred_at[:19] > received_at[:19] and _instant(occurred_at) - _instant(received_at) > FUTURE_TOLERANCE


def in_utc(instant: str) -> str:
    """Return an instant of a scan as every output writes it: in UTC with `Z`, a fraction only where there is one."""
    after_seconds = instant[19]
    if after_seconds == "Z":
        return instant
    if after_seconds != ".":
        hour = _hour_in_utc(instant[:13] + instant[19:])
        if hour is not None:
            return f"{hour}{instant[13:19]}Z"
        return f"{_minute_in_utc(instant[:16], instant[19:])}{instant[16:19]}Z"
    offset = "Z" if instant[-1] == "Z" else instant[-6:]
    fraction = instant[20 : -len(offset)].ljust(6, "0")
    whole = _minute_in_utc(instant[:16], offset) + instant[16:19]
    return f"{whole}Z" if fraction == "000000" else f"{whole}.{fraction}Z"


@lru_cache(maxsize=4096)
def _hour_in_utc(hour: str) -> str | None:
    """Return an hour with its offset, `2020-02-01T02+08:00`, as an hour in UTC; None where the offset is not in hours.

    Then minutes and seconds are what they were, and many scans share an hour.
    """
    return format_instant(datetime.fromisoformat(f"{hour[:13]}:00{hour[13:]}"))[:13] if hour.endswith(":00") else None


@lru_cache(maxsize=4096)
def _minute_in_utc(minute: str, offset: str) -> str:
    """Return a minute elsewhere as a minute in UTC: offsets leave the seconds alone, and many scans share a minute."""
    return format_instant(datetime.fromisoformat(minute + offset))[:16]


def _text_of(milliseconds: int) -> str:
    """Return milliseconds since 1970 as `in_utc` writes them."""
    seconds, fraction = divmod(milliseconds, 1000)
    return f"{_second_of(seconds)}.{fraction:03d}000Z" if fraction else f"{_second_of(seconds)}Z"


@lru_cache(maxsize=4096)
def _second_of(seconds: int) -> str:
    return format_instant(_EPOCH + timedelta(seconds=seconds))[:-1]


def _instant(text: str) -> datetime:
    return datetime.fromisoformat(text).astimezone(UTC)
