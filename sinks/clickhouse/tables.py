"""The tables the sink writes: column names and types in their order.

The migrations create them; a contract test compares the two. Instants travel as whole microseconds since 1970 (UTC),
so that nothing is rounded on the way.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

# One list a column, in the order of the table.
Columns = list[list[Any]]

_WORD = "LowCardinality(String)"
_INSTANT = "DateTime64(6, 'UTC')"
_POSITION = {"topic": _WORD, "partition": "UInt32", "offset": "UInt64", "appended_at": "DateTime64(3, 'UTC')"}


@dataclass(frozen=True, slots=True, eq=False)
class Table:
    """A table and the columns of its rows."""

    name: str
    columns: Mapping[str, str]


TIMELINE = Table(
    "timeline",
    {
        **_POSITION,
        "kind": _WORD,
        "event_id": "String",
        "source_id": "String",
        "occurred_at": _INSTANT,
        "received_at": _INSTANT,
        "person_id": "String",
        "observation_id": "String",
        "area": _WORD,
        "category": _WORD,
        "outcome": _WORD,
        "temperature_c": "Float64",
        "site": _WORD,
        "checkpoint_id": _WORD,
        "direction": _WORD,
        "decision": _WORD,
        "health_code": _WORD,
        "alert_id": "String",
        "policy_version": _WORD,
        "timezone": _WORD,
        "record": "String",
    },
)

CHECKS = Table(
    "checks",
    {
        **_POSITION,
        "check_id": "String",
        "revision": "UInt32",
        "person_id": "String",
        "observation_id": "String",
        "area": _WORD,
        "check": _WORD,
        "date": "Date32",
        "window": _WORD,
        "state": _WORD,
        "due_at": _INSTANT,
        "decided_at": _INSTANT,
        "evidence": "Array(String)",
        "policy_version": _WORD,
    },
)

ALERTS = Table(
    "alerts",
    {
        **_POSITION,
        "alert_id": "String",
        "revision": "UInt32",
        "rule": _WORD,
        "state": _WORD,
        "severity": _WORD,
        "reason": _WORD,
        "subject": "String",
        "person_id": "String",
        "key": "String",
        "area": _WORD,
        "occurrence": "String",
        "due_at": f"Nullable({_INSTANT})",
        "raised_at": _INSTANT,
        "updated_at": _INSTANT,
        "evidence": "Array(String)",
        "policy_version": _WORD,
        "detail": "String",
    },
)

DEAD_LETTERS = Table(
    "dead_letters",
    {
        **_POSITION,
        "reason": _WORD,
        "path": "String",
        "message": "String",
        "source_topic": _WORD,
        "source_partition": "UInt32",
        "source_offset": "UInt64",
        "raw": "String",
    },
)

QUARANTINE = Table("quarantine", {**_POSITION, "reason": _WORD, "message": "String", "raw": "String"})

TABLES = (TIMELINE, CHECKS, ALERTS, DEAD_LETTERS, QUARANTINE)
