"""The examples of the contract through raw topics, intake, timeline and watch: exactly what a replay of the file gives."""

import asyncio
import json
import tomllib
from collections import defaultdict
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.support.brokers import BrokerUnderTest
from tests.support.decisions import Decisions, assert_live_equals_replay, replay_file
from tests.support.pipeline import pipeline_on

EXAMPLES = Path(__file__).parents[1] / "golden" / "examples"
ONE_PARTITION = {"raw_partitions": 1, "timeline_partitions": 1, "result_partitions": 1}


def policy_record(path: Path, occurred_at: str) -> bytes:
    """Return the record with which a live log begins."""
    record = {
        "kind": "policy_changed",
        "event_id": "policy-at-start",
        "source_id": "office",
        "occurred_at": occurred_at,
        "policy": tomllib.loads(path.read_text("utf-8")),
    }
    return json.dumps(record).encode()


def by_identity(lines: list[bytes], identity: str) -> dict[str, list[dict[str, Any]]]:
    """Group revisions as the examples are to be compared."""
    found: dict[str, list[dict[str, Any]]] = defaultdict(list)
    for document in map(json.loads, lines):
        found[document[identity]].append(document)
    return found


def assert_as_given(found: Decisions, example: Path) -> None:
    """Compare with the example's own files, which leave some fields out."""
    for name, identity, values in (("checks", "check_id", found.checks), ("alerts", "alert_id", found.alerts)):
        came = by_identity([values[key] for key in sorted(values)], identity)
        given = by_identity((example / f"{name}.ndjson").read_bytes().splitlines(), identity)
        assert came.keys() == given.keys()
        for key, revisions in given.items():
            assert [
                {field: new[field] for field in old} for old, new in zip(revisions, came[key], strict=True)
            ] == revisions


@pytest.mark.parametrize("numbers", [("01", "02", "03"), ("04", "05", "06")])
async def test_examples_go_through_the_pipeline(
    broker: BrokerUnderTest, tmp_path: Path, fresh_name: Callable[[str], str], numbers: tuple[str, ...]
) -> None:
    """One partition and order kept: the revisions of the live run are those of the file, each field and in order."""
    async with asyncio.TaskGroup() as group:
        for number in numbers:
            directory = tmp_path / number
            directory.mkdir()
            group.create_task(go_through(broker, directory, fresh_name("golden"), EXAMPLES / number))


async def go_through(broker: BrokerUnderTest, directory: Path, prefix: str, example: Path) -> None:
    """Feed one example and compare with its files and with a replay."""
    lines = [policy_record(example / "policy.toml", "2020-01-01T00:00:00Z")]
    lines += (example / "events.ndjson").read_bytes().splitlines()
    async with pipeline_on(broker, directory, prefix, topics=ONE_PARTITION) as pipeline:
        await pipeline.start("worker intake", "worker watch")

        await pipeline.feed(lines, in_order=True)
        await pipeline.decided()

        found = await assert_live_equals_replay(pipeline)
        assert_as_given(found, example)
        expected = replay_file(lines)
        for topic, of_file in (("checks", expected.checks), ("alerts", expected.alerts)):
            assert [record.value for record in await pipeline.read(topic)] == list(of_file.values())
        assert len(await pipeline.read("dead-letters")) == expected.refused.total()
