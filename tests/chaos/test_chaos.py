"""A short share of the faults on every change that asks for it: GRIDWATCH_CHAOS=1, Java 17 and Maven, about five minutes."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from tests.chaos.__main__ import DEFAULT_PORT, main
from tests.chaos.results import read_results
from tests.chaos.runs import Run
from tests.chaos.stage import stage

KINDS = (
    *("kill-intake", "kill-watch", "kill-clock", "kill-sink", "kill-sender", "kill-all", "freeze-watch", "scale"),
    *("broker-kill", "net-half", "clickhouse-kill", "clickhouse-lost", "clickhouse-space"),
)


def _port() -> int:
    return int(os.environ.get("GRIDWATCH_TEST_CHAOS_PORT", DEFAULT_PORT))


@pytest.mark.chaos
@pytest.mark.timeout(1800)
@pytest.mark.usefixtures("breaks_real_parts")
def test_nothing_is_lost_doubled_or_wrong(tmp_path: Path) -> None:
    """Each kind once, under load, on three brokers; the judge compares everything with the town and a replay."""
    results = tmp_path / "results.jsonl"
    seed = os.environ.get("GRIDWATCH_TEST_SEED", "1")

    status = main(
        [
            *("--only", ",".join(KINDS), "--seed", seed, "--json", str(results)),
            *("--port", str(_port()), "--directory", str(tmp_path / "stage")),
        ]
    )

    found = read_results([results])
    assert [result["examples"] for result in found if result["examples"]] == []
    assert status == 0
    assert {result["kind"]: result["times"] for result in found} == dict.fromkeys(KINDS, 1)
    assert all(result["checked"] > 1000 and result["recoveries_s"] for result in found)


@pytest.mark.chaos
@pytest.mark.timeout(900)
@pytest.mark.usefixtures("breaks_real_parts")
async def test_a_watch_that_acknowledges_too_early_is_found_out(tmp_path: Path) -> None:
    """With results written two seconds after the commit, kill -9 loses some, and the judge says so."""
    async with stage(tmp_path / "stage", _port()) as built:
        run = Run("hasty", 5, ["kill-watch"] * 6, print, {"watch": "tests.support.hasty_worker"})
        (result,) = await run.play(built)
    assert result.times == 6
    assert result.lost > 0, result
