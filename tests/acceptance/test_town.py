"""A small town through everything: two intakes, two watches, the sink; live, replay, truth and ClickHouse agree."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from sinks.clickhouse.driver import connect
from streams.town.settings import TownSettings
from streams.town.write import write_town
from tests.support.brokers import BrokerUnderTest
from tests.support.clickhouse_http import ClickHouseFront
from tests.support.decisions import assert_live_equals_replay, assert_no_tick_before_earlier_record
from tests.support.figures import assert_clickhouse_agrees, assert_truth_came
from tests.support.pipeline import pipeline_on

TOWN = TownSettings(seed=3, compounds=3, households=60, residents=160, returnees=8, days=4, scan_share=0.05)


@pytest.fixture
def front(tmp_path: Path) -> Iterator[ClickHouseFront]:
    """Run an HTTP front of the engine on a directory of its own."""
    with ClickHouseFront(tmp_path / "engine") as running:
        yield running


async def test_a_town_comes_out_the_same_everywhere(
    broker: BrokerUnderTest, front: ClickHouseFront, tmp_path: Path, fresh_name: Callable[[str], str]
) -> None:
    """Every revision as the replay of each timeline partition gives it, in ClickHouse too, and the planned truth."""
    write_town(TOWN, tmp_path / "town")
    lines = (tmp_path / "town" / "events.ndjson").read_bytes().splitlines()
    clickhouse = {"dsn": front.dsn()}
    async with pipeline_on(broker, tmp_path, fresh_name("town"), clickhouse=clickhouse) as pipeline:
        await pipeline.start("worker intake", "worker intake", "worker watch", "worker watch", "sink")

        await pipeline.feed(lines)
        await pipeline.decided()
        await pipeline.sunk()

        found = await assert_live_equals_replay(pipeline)
        assert any(revision > 1 for _, revision in found.checks), "the town has no late record: choose another seed"
        await assert_no_tick_before_earlier_record(pipeline)
        assert_truth_came(found, tmp_path / "town")
        database = connect(front.dsn(), "gridwatch")
        try:
            await assert_clickhouse_agrees(database, pipeline, found)
        finally:
            database.close()
        await pipeline.assert_reconciled()
        letters = Counter(letter["reason"] for letter in await pipeline.read_json("dead-letters"))
        planned = (tmp_path / "town" / "truth-dead-letters.ndjson").read_bytes().splitlines()
        assert letters == Counter(json.loads(line)["reason"] for line in planned)
