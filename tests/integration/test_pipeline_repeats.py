"""Repeats on the live path: recognised whatever happens to intake in between, and never more than recognised."""

from collections import Counter
from collections.abc import Callable
from pathlib import Path

from tests.support.brokers import BrokerUnderTest
from tests.support.decisions import assert_live_equals_replay
from tests.support.pipeline import pipeline_on
from tests.support.raw_records import opening, policy, reading, scan


async def test_a_repeat_stands_in_the_timeline_once(
    broker: BrokerUnderTest, tmp_path: Path, fresh_name: Callable[[str], str]
) -> None:
    """By sequence under an old or new id, by id without a sequence; before and after intake was killed.

    Snapshots come often here, so that the second intake begins at one.
    """
    worker = {"snapshot_records": 2, "batch_records": 3}
    first = [
        policy(),
        opening("p-1", sequence=1),
        reading("by-sequence", sequence=2),
        reading("by-id", occurred_at="2020-02-02T02:00:00Z"),
        scan("scan-by-sequence", sequence=3),
        scan("scan-by-id", source_id="gate-2"),
    ]
    repeats = [
        reading("by-sequence", sequence=2),
        reading("by-sequence-new-id", sequence=2),
        reading("by-id", occurred_at="2020-02-02T02:00:00Z"),
        scan("scan-by-sequence-new-id", sequence=3),
        scan("scan-by-id", source_id="gate-2"),
    ]
    counter_began_again = [
        reading("reset-2", sequence=2, temperature_c=37.0),
        scan("reset-3", sequence=3, direction="out"),
    ]
    async with pipeline_on(broker, tmp_path, fresh_name("repeat"), worker=worker) as pipeline:
        intake, _ = await pipeline.start("worker intake", "worker watch")
        await pipeline.send(*first, *repeats)
        await pipeline.clock.wait_for_intake()
        intake.kill()
        await pipeline.send(*repeats)
        await pipeline.start("worker intake")
        await pipeline.send(*repeats, *counter_began_again, *counter_began_again)
        await pipeline.tick("2020-02-03T00:00:00Z")
        await pipeline.decided()

        timeline = Counter(
            record.get("event_id", record["kind"])
            for record in await pipeline.read_json("timeline")
            if record["kind"] != "source_heard"
        )
        once = {"open-p-1", "by-sequence", "by-id", "scan-by-sequence", "scan-by-id", "reset-2", "reset-3"}
        assert timeline == Counter(dict.fromkeys(once, 1) | {"policy-1": 3, "tick": 3})
        found = await assert_live_equals_replay(pipeline)
        assert {verdict["state"] for verdict in found.final_checks().values()} == {"done", "missed"}


async def test_what_intake_wrote_before_it_was_killed_counts_once(
    broker: BrokerUnderTest, tmp_path: Path, fresh_name: Callable[[str], str]
) -> None:
    """Killed before its commit, intake writes the same records again, and the core knows them: no second breach."""
    slow_commits = {"commit_interval_seconds": 60.0}
    async with pipeline_on(broker, tmp_path, fresh_name("twice"), kafka=slow_commits) as pipeline:
        intake, watch = await pipeline.start("worker intake", "worker watch")
        await pipeline.send(policy(), opening("p-1"))
        await pipeline.wait_for_timeline(3 + 1)
        await pipeline.send(scan("scan-1"), scan("scan-2"), reading("hot", temperature_c=39.0))
        await pipeline.wait_for_timeline(3 + 4)
        intake.kill()
        (again,) = await pipeline.start("worker intake")
        await pipeline.wait_for_timeline(2 * (3 + 4))
        for part in (again, watch):
            assert await part.stop() == 0, part.log()

        found = await assert_live_equals_replay(pipeline)
        assert sorted(alert["rule"] for alert in found.final_alerts().values()) == ["breach", "fever"]
        assert {revision for _, revision in found.alerts} == {1}
