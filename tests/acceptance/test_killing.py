"""Killing any process at any moment and starting it again gives the same final tables.

GRIDWATCH_TEST_KILL_ROUNDS sets how often everything is killed (default 1), GRIDWATCH_TEST_SEED which moments (default 1).
"""

from __future__ import annotations

import os
import random
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from sinks.clickhouse.driver import connect
from streams.town.settings import TownSettings
from streams.town.write import write_town
from tests.support.brokers import BrokerUnderTest
from tests.support.clickhouse_http import ClickHouseFront
from tests.support.decisions import (
    Decisions,
    assert_live_equals_replay,
    assert_no_tick_before_earlier_record,
    replay_file,
)
from tests.support.figures import assert_clickhouse_agrees, assert_truth_came
from tests.support.pipeline import Part, Pipeline, pipeline_on, until

ROUNDS = int(os.environ.get("GRIDWATCH_TEST_KILL_ROUNDS", "1"))
SEED = int(os.environ.get("GRIDWATCH_TEST_SEED", "1"))
DAYS = 4 + 2 * (ROUNDS - 1)
TOWN = TownSettings(seed=3, compounds=3, households=60, residents=160, returnees=8, days=DAYS, scan_share=0.05)
GROWTH_MAX = 120
WORKER = {"snapshot_records": 40, "batch_records": 20}


class Victims:
    """The four processes, by name, and the way to start each again."""

    def __init__(self, pipeline: Pipeline, events: Path) -> None:
        self.pipeline = pipeline
        self.commands = {
            "intake": ("worker", "intake"),
            "watch": ("worker", "watch"),
            "sink": ("sink",),
            "feeder": ("send", "--ticks", str(events)),
        }
        self.running: dict[str, Part] = {}

    def launch(self, name: str) -> None:
        """Start one without waiting for it."""
        self.running[name] = self.pipeline.launch(*self.commands[name])

    def kill(self, name: str) -> None:
        """Kill one with SIGKILL, and see that it had not ended by itself with an error."""
        status = self.running[name].process.poll()
        assert status in (None, 0), f"{name} ended with {status}:\n{self.running[name].log()}"
        self.running[name].kill()

    async def grown_by(self, records: int) -> None:
        """Wait until the timeline has grown, or the feeder is through."""
        begin = await self.pipeline.size("timeline")

        async def has_grown() -> bool:
            return (
                self.running["feeder"].process.poll() is not None
                or await self.pipeline.size("timeline") >= begin + records
            )

        await until(has_grown, f"the timeline to grow by {records}")


@pytest.mark.timeout(120 + 120 * ROUNDS)
async def test_killing_any_process_changes_nothing(
    broker: BrokerUnderTest, tmp_path: Path, fresh_name: Callable[[str], str]
) -> None:
    """kill -9 of intake, watch, sink and feeder with its clock, in random order at random moments of a running feed."""
    random_moments = random.Random(SEED)
    write_town(TOWN, tmp_path / "town")
    events = tmp_path / "town" / "events.ndjson"
    with ClickHouseFront(tmp_path / "engine") as front:
        clickhouse = {"dsn": front.dsn()}
        async with pipeline_on(broker, tmp_path, fresh_name("kill"), clickhouse=clickhouse, worker=WORKER) as pipeline:
            victims = Victims(pipeline, events)
            for name in victims.commands:
                victims.launch(name)
            for _ in range(ROUNDS):
                for name in random_moments.sample(sorted(victims.commands), len(victims.commands)):
                    await victims.grown_by(random_moments.randint(1, GROWTH_MAX))
                    victims.kill(name)
                    victims.launch(name)
            assert await victims.running["feeder"].ended(60 + 60 * ROUNDS) == 0, victims.running["feeder"].log()
            await pipeline.decided()
            await pipeline.sunk()

            found = await assert_live_equals_replay(pipeline, repeats_allowed=True)
            await assert_no_tick_before_earlier_record(pipeline)
            assert_truth_came(found, tmp_path / "town")
            assert_final_states_equal(found, replay_file(events.read_bytes().splitlines()))
            database = connect(front.dsn(), "gridwatch")
            try:
                await assert_clickhouse_agrees(database, pipeline, found)
            finally:
                database.close()
            await pipeline.assert_reconciled()


def assert_final_states_equal(found: Decisions, undisturbed: Decisions) -> None:
    """Compare what holds in the end with a replay of the file, but for the evidence.

    That may name another of several records between two ticks: raw topics have no order among each other.
    """
    assert _in_the_end(found.final_checks()) == _in_the_end(undisturbed.final_checks())
    assert _in_the_end(found.final_alerts_about_people()) == _in_the_end(undisturbed.final_alerts())


def _in_the_end(final: dict[str, dict[str, Any]]) -> dict[str, dict[str, Any]]:
    return {key: document | {"evidence": None} for key, document in final.items()}
