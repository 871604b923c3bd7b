"""A short share of the faults on every change that asks for it: GRIDWATCH_CHAOS=1, Java 17 and Maven, about five minutes."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

import pytest

from tests.chaos.__main__ import DEFAULT_PORT, main
from tests.chaos.results import read_results
from tests.chaos.runs import Run
from tests.chaos.stage import stage
from tests.support.brokers import REQUIRE_VARIABLE

VARIABLE = "GRIDWATCH_CHAOS"
KINDS = (
    *("kill-intake", "kill-watch", "kill-clock", "kill-sink", "kill-sender", "kill-all", "freeze-watch", "scale"),
    *("broker-kill", "net-half", "clickhouse-kill", "clickhouse-lost", "clickhouse-space"),
)


@pytest.fixture
def _is_asked_for() -> None:
    if os.environ.get(VARIABLE) != "1":
        pytest.skip(f"left out: they break real parts for minutes. {VARIABLE}=1 asks for them")
    missing = [program for program in ("java", "mvn") if shutil.which(program) is None]
    if missing and os.environ.get(REQUIRE_VARIABLE) == "1":
        pytest.fail(f"{REQUIRE_VARIABLE}=1, but there is no {' and no '.join(missing)}")
    if missing:
        pytest.skip(f"left out: no {' and no '.join(missing)}")


def _port() -> int:
    return int(os.environ.get("GRIDWATCH_TEST_CHAOS_PORT", DEFAULT_PORT))


@pytest.mark.chaos
@pytest.mark.timeout(1800)
@pytest.mark.usefixtures("_is_asked_for")
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
@pytest.mark.usefixtures("_is_asked_for")
async def test_a_watch_that_acknowledges_too_early_is_found_out(tmp_path: Path) -> None:
    """With results written two seconds after the commit, kill -9 loses some, and the judge says so."""
    async with stage(tmp_path / "stage", _port()) as built:
        run = Run("hasty", 5, ["kill-watch"] * 6, print, {"watch": "tests.support.hasty_worker"})
        (result,) = await run.play(built)
    assert result.times == 6
    assert result.lost > 0, result
