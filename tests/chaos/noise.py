"""Everyday records beside the town, as a function of a seed and a number: whoever sends them again sends the same."""

from __future__ import annotations

import json
import random
from typing import Any

from streams.broker.outputs import Output

_SOURCES = 12
_PEOPLE = 500
_AREA = "elsewhere/c{0:02d}/g01"
_BAD_SHARE, _READING_SHARE = 0.02, 0.1


def noise(seed: int, number: int) -> Output:
    """Return record `number`: a scan, a reading without fever, or one that is refused.

    Sources count their records; nobody here is under observation, so no verdict and no alert follows from any of it.
    """
    chance = random.Random(f"{seed}/{number}")
    kind = chance.random()
    if kind < _BAD_SHARE:
        return bad_record(seed, number)
    is_reading = kind < _BAD_SHARE + _READING_SHARE
    record = _common("temperature_taken" if is_reading else "checkpoint_scanned", number)
    if is_reading:
        record |= {"temperature_c": 36.0 + chance.randrange(10) / 10, "site": "axillary"}
    else:
        record |= {"checkpoint_id": "gate", "direction": chance.choice(("in", "out")), "decision": "passed"}
    return _output("temperatures" if is_reading else "checkpoints", record)


def bad_record(seed: int, number: int) -> Output:
    """Return a record that is refused, each for another reason in turn."""
    record = _common("temperature_taken", number) | {"temperature_c": 36.5, "site": "axillary"}
    source = record["source_id"].encode()
    match random.Random(f"{seed}/bad/{number}").randrange(5):
        case 0:
            return Output("temperatures", source, json.dumps(record).encode()[:-1])
        case 1:
            return _output("visits", record)
        case 2:
            return _output("temperatures", record | {"temperature_c": "36.5"})
        case 3:
            return _output("temperatures", record | {"occurred_at": "2199-01-01T00:00:00Z"})
        case _:
            return Output("temperatures", source, b"\xff" * 40)


def marked_record(marker: str, number: int) -> Output:
    """Return a good reading whose event id holds a marker."""
    record = _common("temperature_taken", number) | {"temperature_c": 36.6, "site": "axillary"}
    record |= {"event_id": f"{marker}-{number}", "source_id": "noise-marked", "sequence": number + 1}
    return _output("temperatures", record)


def _common(kind: str, number: int) -> dict[str, Any]:
    person = number * 7919 % _PEOPLE
    return {
        "kind": kind,
        "event_id": f"noise-{number}",
        "source_id": f"noise-{number % _SOURCES}",
        "sequence": number // _SOURCES + 1,
        "occurred_at": f"2020-02-01T{number // 3600 % 24:02d}:{number // 60 % 60:02d}:{number % 60:02d}Z",
        "person_id": f"n{person:07d}",
        "area": _AREA.format(person % 20),
    }


def _output(topic: str, record: dict[str, Any]) -> Output:
    return Output(topic, record["source_id"].encode(), json.dumps(record).encode())
