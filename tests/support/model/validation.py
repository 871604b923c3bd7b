"""Reading one line: contract section 2, and the dead letters of section 6 that need no state."""

import json
import math
import re
from collections.abc import Callable
from datetime import timedelta
from typing import Any

from tests.support.model.instants import parse_day, parse_instant
from tests.support.model.policy import CATEGORIES, SITES

LINE_BYTES_MAX = 64 * 1024
LEVELS_MAX = 64

_ID = re.compile(r"[A-Za-z0-9._:-]{1,64}", re.ASCII)
_AREA = re.compile(r"[A-Za-z0-9_-]+(/[A-Za-z0-9_-]+){0,7}", re.ASCII)


class DeadLetter(Exception):
    """Say that a record changes nothing; the argument is the reason code."""


Predicate = Callable[[Any], bool]


def _is_matching(pattern: re.Pattern[str]) -> Predicate:
    return lambda value: isinstance(value, str) and pattern.fullmatch(value) is not None


def _is_one_of(*words: str) -> Predicate:
    return lambda value: isinstance(value, str) and value in words


def _is_readable(read: Callable[[str], object]) -> Predicate:
    def predicate(value: Any) -> bool:
        try:
            read(value)
        except (ValueError, TypeError, OverflowError):
            return False
        return True

    return predicate


def _is_text(value: Any) -> bool:
    return isinstance(value, str)


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)


def _is_temperature(value: Any) -> bool:
    return _is_number(value) and value != 0


def _is_sequence(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and value >= 1


def _is_texts(value: Any) -> bool:
    return isinstance(value, list) and all(isinstance(item, str) for item in value)


def _is_flag(value: Any) -> bool:
    return isinstance(value, bool)


def _is_object(value: Any) -> bool:
    return isinstance(value, dict)


_is_id = _is_matching(_ID)
_is_area = _is_matching(_AREA)
_is_instant = _is_readable(parse_instant)
_is_day = _is_readable(parse_day)
_is_site = _is_one_of(*SITES)


def _is_areas(value: Any) -> bool:
    return isinstance(value, list) and len(value) <= 64 and all(map(_is_area, value))


def _is_interval(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and 0 <= value <= 7 * 86_400


def _is_delay(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and abs(value) <= 10**13


def _is_runs(value: Any) -> bool:
    return isinstance(value, list) and len(value) <= 400 and all(map(_is_run, value))


def _is_run(value: Any) -> bool:
    if not isinstance(value, dict) or set(value) != {"first", "last", "since", "until"}:
        return False
    if not (_is_sequence(value["first"]) and _is_sequence(value["last"]) and value["first"] <= value["last"]):
        return False
    is_instants = _is_instant(value["since"]) and _is_instant(value["until"])
    return is_instants and parse_instant(value["since"]) <= parse_instant(value["until"])


# A name with `?` may be null or absent.
_COMMON: dict[str, Predicate] = {
    "kind": _is_text,
    "event_id": _is_id,
    "source_id": _is_id,
    "sequence?": _is_sequence,
    "occurred_at": _is_instant,
    "received_at?": _is_instant,
}
_COMMAND: dict[str, Predicate] = {"alert_id": _is_id, "key": _is_text, "actor_id": _is_id, "note?": _is_text}
_READING: dict[str, Predicate] = {"temperature_c?": _is_number, "site?": _is_site}
_PLACE: dict[str, Predicate] = {"person_id": _is_id, "area": _is_area}
_OBSERVATION: dict[str, Predicate] = {"observation_id": _is_id, "person_id": _is_id}
_OUTAGE: dict[str, Predicate] = {"outage_id": _is_id, "is_copy?": _is_flag}
_KINDS: dict[str, dict[str, Predicate]] = {
    "observation_opened": {
        **_OBSERVATION,
        "area": _is_area,
        "category": _is_one_of(*CATEGORIES),
        "last_exposure_on": _is_day,
        "household_id?": _is_id,
    },
    "observation_extended": {**_OBSERVATION, "last_exposure_on": _is_day},
    "observation_closed": {**_OBSERVATION, "outcome": _is_one_of("released", "hospital", "moved", "cancelled")},
    "check_waived": {"person_id": _is_id, "check": _is_text, "date": _is_day, "window": _is_text, "reason": _is_text},
    "visit_recorded": {
        **_PLACE,
        "visitor_id": _is_id,
        "outcome": _is_one_of("seen", "absent", "refused"),
        "symptoms": _is_texts,
        **_READING,
    },
    "temperature_taken": {**_PLACE, "temperature_c": _is_temperature, "site?": _is_site},
    "checkpoint_scanned": {
        **_PLACE,
        "checkpoint_id": _is_id,
        "direction": _is_one_of("in", "out"),
        "decision": _is_one_of("passed", "held", "turned_back"),
        **_READING,
        "health_code?": _is_one_of("green", "yellow", "red"),
    },
    "alert_acknowledged": _COMMAND,
    "alert_resolved": _COMMAND,
    "policy_changed": {"policy": _is_object},
    "outage_opened": {
        **_OUTAGE,
        "cause": _is_one_of("source_silent", "sequence_gap", "clock_stood_still", "topic_unreachable", "declared"),
        "area?": _is_area,
        "concerned_source_id?": _is_id,
        "since": _is_instant,
    },
    "outage_closed": {**_OUTAGE, "until": _is_instant, "backfill_until": _is_instant},
    "source_defined": {
        "defined_source_id": _is_id,
        "areas": _is_areas,
        "interval_seconds": _is_interval,
        "is_active": _is_flag,
    },
}
# Two kinds have none of the common fields.
_OF_THE_SYSTEM: dict[str, dict[str, Predicate]] = {
    "tick": {"kind": _is_text, "at": _is_instant},
    "source_heard": {
        "kind": _is_text,
        "event_id": _is_id,
        "source_id": _is_id,
        "heard_until": _is_instant,
        "least_delay_ms?": _is_delay,
        "sequences": _is_runs,
    },
}


def read_line(line: bytes, *, read_policies: bool) -> dict[str, Any] | None:
    """Read one line, without its line end; None is a policy that is not to be read; raises DeadLetter."""
    if len(line) > LINE_BYTES_MAX:
        raise DeadLetter("too_large")
    record = _decode(line)
    kind = record.get("kind")
    if isinstance(kind, str) and kind in _OF_THE_SYSTEM:
        _check_fields(record, _OF_THE_SYSTEM[kind])
        return record
    if not isinstance(kind, str) or kind not in _KINDS:
        raise DeadLetter("unknown_kind")
    if kind == "policy_changed" and not read_policies:
        return None
    _check_fields(record, {**_COMMON, **_KINDS[kind]})
    received_at = parse_instant(record.get("received_at") or record["occurred_at"])
    if parse_instant(record["occurred_at"]) > received_at + timedelta(minutes=5):
        raise DeadLetter("occurred_in_future")
    return record


def _decode(line: bytes) -> dict[str, Any]:
    try:
        value = json.loads(line.decode("utf-8"), parse_constant=_no_constant)
    except (ValueError, RecursionError) as error:
        raise DeadLetter("not_json") from error
    if not isinstance(value, dict) or _is_deeper_than(value, LEVELS_MAX):
        raise DeadLetter("not_json")
    return value


def _is_deeper_than(value: Any, levels: int) -> bool:
    if not isinstance(value, dict | list):
        return False
    items = value.values() if isinstance(value, dict) else value
    return levels == 0 or any(_is_deeper_than(item, levels - 1) for item in items)


def _no_constant(name: str) -> None:
    raise ValueError(name)


def _check_fields(record: dict[str, Any], predicates: dict[str, Predicate]) -> None:
    if set(record) - {name.rstrip("?") for name in predicates}:
        raise DeadLetter("invalid_field")
    for name, is_good in predicates.items():
        value = record.get(name.rstrip("?"))
        if value is None and name.endswith("?"):
            continue
        if not is_good(value):
            raise DeadLetter("invalid_field")
