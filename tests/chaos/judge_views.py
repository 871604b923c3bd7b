"""The judge of ClickHouse: its views against what holds in the topics, row by row and counted."""

from __future__ import annotations

import json
from collections import Counter
from typing import Any

from events.instants import format_instant
from sinks.clickhouse.driver import Database
from tests.chaos.reading import Log
from tests.chaos.scene import Scene
from tests.chaos.verdict import Judgement
from tests.support.figures import ALERT_FIELDS, CHECK_FIELDS

_INSTANTS = ("due_at", "decided_at", "raised_at", "updated_at")


def judge_views(
    found: Judgement, scene: Scene, log: Log, checks: dict[str, dict[str, Any]], alerts: dict[str, dict[str, Any]]
) -> None:
    """(5) Compare the verdicts and alerts that hold, and what is counted from the timeline and the dead letters."""
    database = scene.stage.database(scene.settings.clickhouse.database)
    try:
        for view, identity, fields, final in (
            ("v_checks", "check_id", CHECK_FIELDS, checks),
            ("v_alerts", "alert_id", ALERT_FIELDS, alerts),
        ):
            rows = database.query(f"SELECT * FROM {view}")
            found.double(view, (name for name, count in Counter(row[identity] for row in rows).items() if count > 1))
            expected = {name: _document(document, fields) for name, document in final.items()}
            found.compare(view, expected, {row[identity]: _row(row, fields) for row in rows})
        _judge_counts(found, database, log, len(checks))
    finally:
        database.close()


def _judge_counts(found: Judgement, database: Database, log: Log, decided: int) -> None:
    records = [json.loads(value) for value in log.values("timeline")]
    letters = {
        tuple(json.loads(value)[name] for name in ("topic", "partition", "offset"))
        for value in log.values("dead-letters")
    }
    expected = {
        "sum(readings) FROM v_readings_by_hour WHERE level = 1": _distinct(
            record for record in records if record.get("temperature_c")
        ),
        "sum(scans) FROM v_scans_by_day WHERE level = 1": _distinct(
            record for record in records if record["kind"] == "checkpoint_scanned"
        ),
        "sum(v.decided) FROM v_checks_by_area AS v WHERE level = 1": decided,
        "count() FROM timeline FINAL": len(records),
        "count() FROM v_dead_letters": len(letters),
        "count() FROM quarantine": 0,
    }
    for question, count in expected.items():
        came = int(next(iter(database.query(f"SELECT {question}")[0].values())))
        found.checked += 1
        # Too few rows are lost ones, too many stand there twice.
        if came < count:
            found.lose(f"{question} ({came} of {count})", range(count - came))
        elif came > count:
            found.double(f"{question} ({came} for {count})", range(came - count))


def _distinct(records: Any) -> int:
    return len({record["event_id"] for record in records})


def _row(row: dict[str, Any], fields: tuple[str, ...]) -> dict[str, Any]:
    instants = {name: None if row[name] is None else format_instant(row[name]) for name in _INSTANTS if name in row}
    return {name: str(row[name]) for name in fields} | {"evidence": list(row["evidence"])} | instants


def _document(document: dict[str, Any], fields: tuple[str, ...]) -> dict[str, Any]:
    instants = {name: document[name] for name in _INSTANTS if name in document}
    return {name: str(document[name]) for name in fields} | {"evidence": document["evidence"]} | instants
