"""What ClickHouse must hold, counted in Python from the decisions and the timeline; and the planned truth of a town."""

from __future__ import annotations

import json
from collections import Counter
from pathlib import Path
from typing import Any

from events.instants import format_instant
from sinks.clickhouse.driver import Database
from tests.support.decisions import Decisions, dead_letters
from tests.support.pipeline import Pipeline

CHECK_FIELDS = ("person_id", "observation_id", "area", "check", "date", "window", "state", "revision", "policy_version")
ALERT_FIELDS = ("rule", "state", "severity", "reason", "subject", "key", "area", "occurrence", "revision")
STATES = ("done", "late", "missed", "waived", "unknown")


async def assert_clickhouse_agrees(database: Database, pipeline: Pipeline, decisions: Decisions) -> None:
    """Compare latest states, counts by area and day, and everything that is counted from the timeline."""
    checks, alerts = decisions.final_checks(), decisions.final_alerts()
    assert _rows(database, "v_checks", "check_id", CHECK_FIELDS) == _documents(checks, CHECK_FIELDS)
    assert _rows(database, "v_alerts", "alert_id", ALERT_FIELDS) == _documents(alerts, ALERT_FIELDS)
    assert _counts_by_area(database) == _expected_by_area(checks)
    timeline = await pipeline.read_json("timeline")
    assert _count(database, "sum(readings) FROM v_readings_by_hour WHERE level = 1") == _distinct(
        record for record in timeline if record.get("temperature_c")
    )
    assert _count(database, "sum(scans) FROM v_scans_by_day WHERE level = 1") == _distinct(
        record for record in timeline if record["kind"] == "checkpoint_scanned"
    )
    assert _count(database, "count() FROM timeline FINAL") == len(timeline)
    assert _count(database, "count() FROM v_dead_letters") == len(await dead_letters(pipeline))
    assert _count(database, "sum(alerts) FROM v_alerts_open WHERE level = 1") == sum(
        alert["state"] != "resolved" for alert in alerts.values()
    )
    assert _count(database, "count() FROM quarantine") == 0


def _rows(database: Database, view: str, identity: str, fields: tuple[str, ...]) -> dict[str, dict[str, Any]]:
    found = {}
    for row in database.query(f"SELECT * FROM {view}"):
        assert row[identity] not in found
        found[row[identity]] = (
            {field: str(row[field]) for field in fields} | {"evidence": list(row["evidence"])} | _at(row)
        )
    return found


def _documents(final: dict[str, dict[str, Any]], fields: tuple[str, ...]) -> dict[str, dict[str, Any]]:
    instants = ("due_at", "decided_at", "raised_at", "updated_at")
    return {
        identity: {field: str(document[field]) for field in fields}
        | {"evidence": document["evidence"]}
        | {name: document[name] for name in instants if name in document}
        for identity, document in final.items()
    }


def _at(row: dict[str, Any]) -> dict[str, Any]:
    return {
        name: None if row[name] is None else format_instant(row[name])
        for name in ("due_at", "decided_at", "raised_at", "updated_at")
        if name in row
    }


def _counts_by_area(database: Database) -> dict[tuple[str, str, str], int]:
    sums = ", ".join(f"sum(v.{state}) AS {state}" for state in ("decided", *STATES))
    rows = database.query(f"SELECT area, toString(date) AS day, {sums} FROM v_checks_by_area AS v GROUP BY area, day")
    return {
        (row["area"], row["day"], state): int(row[state])
        for row in rows
        for state in ("decided", *STATES)
        if row[state]
    }


def _expected_by_area(checks: dict[str, dict[str, Any]]) -> dict[tuple[str, str, str], int]:
    counts: Counter[tuple[str, str, str]] = Counter()
    for check in checks.values():
        segments = check["area"].split("/")
        for level in range(1, len(segments) + 1):
            for state in ("decided", check["state"]):
                counts["/".join(segments[:level]), check["date"], state] += 1
    return dict(counts)


def _count(database: Database, rest: str) -> int:
    return int(next(iter(database.query(f"SELECT {rest}")[0].values())))


def _distinct(records: Any) -> int:
    return len({record["event_id"] for record in records})


def assert_truth_came(decisions: Decisions, town: Path) -> None:
    """Compare final verdicts and alerts with what the town planned: all of it, nothing more."""
    for name, identity, final in (
        ("checks", "check_id", decisions.final_checks()),
        ("alerts", "alert_id", decisions.final_alerts_about_people()),
    ):
        planned = {row[identity]: row for row in _lines(town / f"truth-{name}.ndjson")}
        assert final.keys() == planned.keys()
        for key, row in planned.items():
            assert {field: final[key][field] for field in row} == row


def _lines(path: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in path.read_bytes().splitlines()]
