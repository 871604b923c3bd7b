"""`gridwatch replay --from-log`: the timeline on the brokers decided again, one partition after the other."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

from tests.support.brokers import BrokerUnderTest
from tests.support.pipeline import Pipeline, pipeline_on
from tests.support.raw_records import opening, policy, reading, scan

PEOPLE = [f"p-{number}" for number in range(12)]


async def replayed(pipeline: Pipeline, jobs: int) -> tuple[int, list[Any], list[Any]]:
    """Decide the log again and return exit status, alerts and verdicts."""
    files = [pipeline.directory / f"{name}-{jobs}.ndjson" for name in ("alerts", "checks")]
    alerts, checks = map(str, files)
    part = pipeline.launch("replay", "--from-log", "--jobs", str(jobs), "--alerts", alerts, "--checks", checks)
    status = await part.ended()
    found = [[json.loads(line) for line in file.read_text("utf-8").splitlines()] for file in files]
    return status, found[0], found[1]


def in_order(rows: list[Any]) -> list[str]:
    """Return rows in an order that does not depend on partitions."""
    return sorted(json.dumps(row, sort_keys=True) for row in rows)


async def test_the_log_gives_what_was_published(
    broker: BrokerUnderTest, tmp_path: Path, fresh_name: Callable[[str], str]
) -> None:
    """The very alerts and verdicts that watch wrote, whatever the number of jobs; a refused record is status 3."""
    async with pipeline_on(broker, tmp_path, fresh_name("again")) as pipeline:
        await pipeline.start("worker intake", "worker watch")
        await pipeline.send(policy(), *[opening(person) for person in PEOPLE])
        await pipeline.clock.wait_for_intake()
        await pipeline.send(*[reading(f"hot-{person}", person_id=person, temperature_c=39.0) for person in PEOPLE[:5]])
        await pipeline.send(*[scan(f"scan-{person}", person_id=person) for person in PEOPLE[3:9]])
        await pipeline.tick("2020-02-05T00:00:00Z")
        await pipeline.decided()
        alerts, checks = await pipeline.read_json("alerts"), await pipeline.read_json("checks")
        one, two = await replayed(pipeline, 1), await replayed(pipeline, 2)

    assert one == two
    assert one[0] == 0
    assert in_order(one[1]) == in_order(alerts)
    assert in_order(one[2]) == in_order(checks)
    assert {alert["rule"] for alert in alerts} >= {"fever", "breach", "missed_check"}


async def test_a_log_that_is_not_there(
    broker: BrokerUnderTest, tmp_path: Path, fresh_name: Callable[[str], str]
) -> None:
    """Status 4 and what is missing, nothing written."""
    async with pipeline_on(broker, tmp_path, fresh_name("none")) as pipeline:
        elsewhere = (tmp_path / "gridwatch.toml").read_text("utf-8").replace(pipeline.settings.topic_prefix, "nothing-")
        (tmp_path / "gridwatch.toml").write_text(elsewhere, "utf-8")
        part = pipeline.launch("replay", "--from-log", "--alerts", str(tmp_path / "a"), "--checks", str(tmp_path / "c"))
        status = await part.ended()

    assert status == 4
    assert "does not exist" in part.log()
    assert not (tmp_path / "a").exists()
