"""Messages of our own topics as the sink reads them, written by the project's own encoders."""

import base64
from collections.abc import Iterable
from dataclasses import replace
from datetime import UTC, date, datetime
from typing import Any

from events.codec import encode
from events.policy import default_policy
from events.records import CheckpointScanned, PolicyChanged, Record, TemperatureTaken, Tick, VisitRecorded
from events.results import Alert, Verdict, alert_id, check_id, encode_alert, encode_json, encode_verdict
from events.vocabulary import (
    AlertReason,
    AlertState,
    CheckState,
    Decision,
    Direction,
    RuleName,
    Severity,
    Site,
    VisitOutcome,
)
from sinks.clickhouse.batches import Batch
from sinks.clickhouse.runs import Run

GRID = "jintang/huaikou/c012/g03"


def at(text: str) -> datetime:
    """Return an instant of February 2020 in UTC from `DD HH:MM`, with seconds if given."""
    return datetime.fromisoformat(f"2020-02-{text.replace(' ', 'T')}").replace(tzinfo=UTC)


def messages(topic: str, values: Iterable[bytes | None], partition: int = 0, first_offset: int = 0) -> Run:
    """Return messages of one partition at consecutive offsets."""
    found = list(values)
    offsets = list(range(first_offset, first_offset + len(found)))
    return Run(topic, partition, offsets, [1_580_515_200_000 + offset for offset in offsets], found)


def batch(topic: str, *values: bytes, partition: int = 0, first_offset: int = 0) -> Batch:
    """Return a batch of consecutive messages of one partition."""
    return Batch(topic, (messages(topic, values, partition, first_offset),))


def verdict(person: str, day: str, state: str = "done", revision: int = 1, **changes: Any) -> bytes:
    """Return a verdict of the morning's temperature check of a day `DD` of February 2020."""
    check, window = changes.pop("check", "temperature"), changes.pop("window", "am")
    on = date.fromisoformat(f"2020-02-{day}")
    values: dict[str, Any] = {
        "check_id": check_id(person, check, on, window),
        "revision": revision,
        "person_id": person,
        "observation_id": f"O-{person}",
        "area": changes.pop("area", GRID),
        "check": check,
        "date": on,
        "window": window,
        "state": CheckState(state),
        "due_at": at(f"{day} 04:30"),
        "decided_at": changes.pop("decided_at", at(f"{day} 04:35")),
        "evidence": ("e-1",),
        "policy_version": "2020-02-01",
    }
    return encode_verdict(Verdict(**(values | changes)))


def alert(person: str, rule: str = "fever", occurrence: str = "e-1", **changes: Any) -> bytes:
    """Return an open alert of severity warning about a person."""
    values: dict[str, Any] = {
        "alert_id": alert_id(RuleName(rule), f"person:{person}", occurrence),
        "revision": changes.pop("revision", 1),
        "rule": RuleName(rule),
        "state": AlertState(changes.pop("state", "open")),
        "severity": Severity(changes.pop("severity", "warning")),
        "reason": AlertReason(changes.pop("reason", "opened")),
        "subject": f"person:{person}",
        "person_id": person,
        "key": person,
        "area": changes.pop("area", GRID),
        "occurrence": occurrence,
        "due_at": changes.pop("due_at", None),
        "raised_at": changes.pop("raised_at", at("03 02:00")),
        "updated_at": changes.pop("updated_at", at("03 02:00")),
        "evidence": ("e-1",),
        "policy_version": "2020-02-01",
        "detail": changes.pop("detail", {}),
    }
    return encode_alert(Alert(**(values | changes)))


def reading(
    event: str, occurred: str, temperature_c: float = 36.5, site: str | None = "axillary", **more: Any
) -> bytes:
    """Return a reading taken at an instant `DD HH:MM` of February 2020 (UTC)."""
    record = TemperatureTaken(
        event_id=event,
        source_id="terminal-1",
        occurred_at=at(occurred),
        received_at=at(occurred),
        person_id=more.pop("person_id", "P1"),
        area=more.pop("area", GRID),
        temperature_c=temperature_c,
        site=None if site is None else Site(site),
    )
    return encode(record)


def visit(event: str, occurred: str, temperature_c: float | None = None, **more: Any) -> bytes:
    """Return a visit that found the person."""
    record = VisitRecorded(
        event_id=event,
        source_id="terminal-1",
        occurred_at=at(occurred),
        received_at=at(occurred),
        person_id="P1",
        area=more.pop("area", GRID),
        visitor_id="V1",
        outcome=VisitOutcome("seen"),
        symptoms=("咳嗽",),
        temperature_c=temperature_c,
        site=None,
    )
    return encode(record)


def scan(event: str, occurred: str, direction: str = "in", decision: str = "passed", **more: Any) -> bytes:
    """Return a scan at a checkpoint without a temperature."""
    record = CheckpointScanned(
        event_id=event,
        source_id="gate-1",
        sequence=7,
        occurred_at=at(occurred),
        received_at=more.pop("received_at", at(occurred)),
        person_id="P1",
        area=more.pop("area", GRID),
        checkpoint_id=more.pop("checkpoint_id", "cp-1"),
        direction=Direction(direction),
        decision=Decision(decision),
        **more,
    )
    return encode(record)


def tick(occurred: str) -> bytes:
    """Return a tick."""
    return encode(Tick(at=at(occurred)))


def policy_changed(event: str = "policy-1", timezone: str = "Asia/Shanghai", version: str = "2020-02-01") -> bytes:
    """Return the record that brings the default policy, in another time zone where one is given."""
    policy = replace(default_policy(), timezone=timezone, policy_version=version)
    record: Record = PolicyChanged(
        event_id=event, source_id="office", occurred_at=at("01 00:00"), received_at=at("01 00:00"), policy=policy
    )
    return encode(record)


def dead_letter(
    source_offset: int = 5, reason: str = "not_json", raw: bytes = b"{", topic: str = "visits", partition: int = 1
) -> bytes:
    """Return a refused record of a topic and partition."""
    document = {
        "reason": reason,
        "path": "",
        "message": "expected one JSON object in UTF-8",
        "topic": topic,
        "partition": partition,
        "offset": source_offset,
        "raw": base64.b64encode(raw).decode(),
    }
    return encode_json(document)
