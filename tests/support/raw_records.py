"""Records as they come from outside, as bytes: valid ones in as few words as a test can use."""

import json
from datetime import UTC, datetime, timedelta
from importlib import resources
from tomllib import loads
from typing import Any

AREA = "jintang/huaikou/c012/g03"


def at(text: str) -> str:
    """Return an instant of February 2020 in UTC from `DD HH:MM`."""
    return f"2020-02-{text.replace(' ', 'T')}:00Z"


def raw(kind: str, event_id: str, **fields: Any) -> bytes:
    """Return a record; without more it comes from `terminal-1` at 2020-02-02 01:00 UTC."""
    common = {"kind": kind, "event_id": event_id, "source_id": "terminal-1", "occurred_at": at("02 01:00")}
    return json.dumps(common | fields).encode()


def policy(event_id: str = "policy-1") -> bytes:
    """Return the default policy as the record with which a live log begins."""
    text = resources.files("events").joinpath("default_policy.toml").read_text("utf-8")
    return raw("policy_changed", event_id, source_id="office", policy=loads(text))


def opening(person: str, day: str = "01", **fields: Any) -> bytes:
    """Open the observation `o-PERSON` on the eve of a day `DD` of February 2020."""
    named = {"observation_id": f"o-{person}", "person_id": person, "area": AREA, "category": "home"}
    when = {"occurred_at": at(f"{day} 00:00"), "last_exposure_on": f"2020-02-{day}"}
    return raw("observation_opened", f"open-{person}", **(named | when | fields))


def closing(person: str, event_id: str = "", **fields: Any) -> bytes:
    """Close the observation `o-PERSON`."""
    named = {"observation_id": f"o-{person}", "person_id": person, "outcome": "moved"}
    return raw("observation_closed", event_id or f"close-{person}", **(named | fields))


def reading(event_id: str, person: str = "p-1", temperature_c: float = 36.6, **fields: Any) -> bytes:
    """Return a reading under the arm."""
    named = {"person_id": person, "area": AREA, "temperature_c": temperature_c, "site": "axillary"}
    return raw("temperature_taken", event_id, **(named | fields))


def visit(event_id: str, person: str = "p-1", **fields: Any) -> bytes:
    """Return a visit at which the person was seen."""
    named = {"person_id": person, "area": AREA, "visitor_id": "v-1", "outcome": "seen", "symptoms": []}
    return raw("visit_recorded", event_id, **(named | fields))


def scan(event_id: str, person: str = "p-1", **fields: Any) -> bytes:
    """Return a scan at the gate."""
    named = {"person_id": person, "area": AREA, "checkpoint_id": "gate-1", "direction": "in", "decision": "passed"}
    return raw("checkpoint_scanned", event_id, **(named | fields))


def tick(text: str) -> bytes:
    """Return a tick at `DD HH:MM`."""
    return json.dumps({"kind": "tick", "at": at(text)}).encode()


def in_an_hour() -> str:
    """Return an instant that a record received now cannot have."""
    return (datetime.now(UTC) + timedelta(hours=1)).isoformat()


def of_size(record: bytes, size_bytes: int) -> bytes:
    """Pad a record with blanks inside the object to a size."""
    assert len(record) <= size_bytes
    return record[:-1] + b" " * (size_bytes - len(record)) + b"}"
