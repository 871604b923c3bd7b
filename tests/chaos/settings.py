"""Settings of gridwatch in a run: for its processes as variables, for the harness past the proxies as an object."""

from __future__ import annotations

import os
from typing import Any

from streams.settings import Settings
from tests.chaos.stage import Stage

SESSION_S = 6.0

# Everything quick and small, so that much happens between two faults: batches, commits, snapshots, ticks.
_SECTIONS: dict[str, dict[str, Any]] = {
    "kafka": {
        "session_timeout_seconds": SESSION_S,
        "rebalance_timeout_seconds": 20.0,
        "commit_interval_seconds": 0.2,
    },
    "topics": {"raw_partitions": 2, "timeline_partitions": 3, "result_partitions": 2},
    "worker": {"batch_records": 200, "snapshot_records": 400, "snapshot_seconds": 5.0},
    # An hour of the town passes in a moment: that is no standstill of the clock, and none that runs ahead.
    "clock": {
        "tick_seconds": 0.2,
        "lag_seconds": 0.0,
        "spread_seconds": 0.1,
        "outage_minutes": 0,
        "ahead_seconds": 0,
    },
    "sink": {"flush_seconds": 1.0},
}


def _sections(stage: Stage, name: str, brokers: str) -> dict[str, dict[str, Any]]:
    sections = {section: dict(values) for section, values in _SECTIONS.items()}
    sections["kafka"]["brokers"] = brokers
    sections["clickhouse"] = {"dsn": stage.clickhouse_dsn, "database": name.replace("-", "_")}
    return sections


def settings_of(stage: Stage, name: str) -> Settings:
    """Return the settings of a run for the harness, which speaks to the nodes themselves."""
    prefix = f"{name}."
    sections = _sections(stage, name, stage.cluster.direct)
    return Settings.model_validate({"topic_prefix": prefix, "group_prefix": prefix, **sections})


def variables_of(stage: Stage, name: str, **more: str) -> dict[str, str]:
    """Return the environment of a process of a run; `more` is added under the names given."""
    bare = {key: value for key, value in os.environ.items() if not key.startswith("GRIDWATCH_")}
    found = {
        f"GRIDWATCH_{section}__{key}".upper(): str(value)
        for section, values in _sections(stage, name, stage.cluster.bootstrap).items()
        for key, value in values.items()
    }
    prefix = f"{name}."
    common = {"GRIDWATCH_TOPIC_PREFIX": prefix, "GRIDWATCH_GROUP_PREFIX": prefix, "GRIDWATCH_LOG_FORMAT": "json"}
    return bare | found | common | more
