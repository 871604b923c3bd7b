"""Our own fault, planted in a decider: the worker stops before the ack, says where, and loses nothing."""

from collections.abc import Callable
from pathlib import Path

import pytest

from tests.support.brokers import BrokerUnderTest
from tests.support.decisions import assert_live_equals_replay
from tests.support.faulty_worker import MARKER
from tests.support.pipeline import pipeline_on
from tests.support.raw_records import opening, policy, reading, tick

ONE_PARTITION = {"raw_partitions": 1, "timeline_partitions": 1, "result_partitions": 1}
MARKED = reading("event-" + MARKER.decode(), "person-7731", 39.25)


@pytest.mark.parametrize(("role", "topic", "offset"), [("intake", "temperatures", 1), ("watch", "timeline", 6)])
async def test_an_error_of_ours_ends_the_worker_before_the_ack(
    broker: BrokerUnderTest, tmp_path: Path, fresh_name: Callable[[str], str], role: str, topic: str, offset: int
) -> None:
    """Exit status 1; the log names topic, partition and offset and nobody; the sound worker takes it from there.

    In the timeline a sign of life of its source stands behind each record.
    """
    other = "watch" if role == "intake" else "intake"
    async with pipeline_on(broker, tmp_path, fresh_name("fault"), topics=ONE_PARTITION) as pipeline:
        faulty = pipeline.launch("worker", role, module="tests.support.faulty_worker")
        await pipeline.start(f"worker {other}")
        await faulty.ready("worker ready")
        await pipeline.send(policy())
        await pipeline.wait_for_timeline(1)
        await pipeline.send(reading("before", "person-7731", 36.75))
        await pipeline.wait_for_timeline(2)
        await pipeline.send(opening("person-7731"))
        await pipeline.wait_for_timeline(3)
        await pipeline.send(MARKED)

        assert await faulty.ended() == 1

        said = faulty.log()
        assert f"{topic}:0 offset {offset}" in said
        for secret in ("person-7731", "39.25", "36.75", MARKER.decode(), "axillary"):
            assert secret not in said
        committed = await pipeline.offsets.committed(role)
        assert all(committed[tp] <= offset for tp in await pipeline.partitions(topic) if tp in committed)
        assert await pipeline.read("alerts") == []

        await pipeline.start(f"worker {role}")
        await pipeline.feed([tick("01 05:00")])
        await pipeline.decided()
        found = await assert_live_equals_replay(pipeline)
        assert [alert["rule"] for alert in found.final_alerts().values()] == ["fever"]
