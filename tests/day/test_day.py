"""A short day with few devices, on a real Kafka: GRIDWATCH_CHAOS=1, Java 17 and Maven, some two minutes."""

from __future__ import annotations

import json
import os
from dataclasses import replace
from pathlib import Path

import pytest

from tests.day.__main__ import DEFAULT_PORT, main
from tests.day.running import Day, plan_of

_DEVICES = 300


def _port() -> int:
    return int(os.environ.get("GRIDWATCH_TEST_DAY_PORT", DEFAULT_PORT))


@pytest.mark.chaos
@pytest.mark.timeout(600)
@pytest.mark.usefixtures("breaks_real_parts")
def test_nothing_that_a_device_recorded_is_lost_doubled_or_out_of_order(tmp_path: Path) -> None:
    """Gateways, broker, intake and devices are killed, lines fail, power goes; the judge reads spools and topics."""
    figures = tmp_path / "day.json"
    seed = os.environ.get("GRIDWATCH_TEST_SEED", "1")

    status = main(
        [
            *("--devices", str(_DEVICES), "--seed", seed, "--json", str(figures)),
            *("--port", str(_port()), "--directory", str(tmp_path / "stage")),
        ]
    )

    found = json.loads(figures.read_text("utf-8"))
    assert found["examples"] == []
    assert status == 0
    assert found["records"] > 20 * _DEVICES
    assert found["kills"]["gateways"] == 3
    assert found["kills"]["broker"] == found["kills"]["intake"] == 1
    assert found["kills"]["devices"] > 0
    assert found["power_losses"] > 0
    assert found["repeats"] > 0, "answers were lost, so something must have come again"


@pytest.mark.chaos
@pytest.mark.timeout(600)
@pytest.mark.usefixtures("breaks_real_parts")
async def test_a_gateway_that_says_accepted_too_early_is_found_out(tmp_path: Path) -> None:
    """With records written two seconds after the answer, kill -9 loses some, and the judge says so."""
    plan = replace(plan_of(2, 150, tmp_path / "spools", _port()), seconds=20.0)
    day = Day(plan, tmp_path / "stage", _port(), 1, print)
    day.gateway = "tests.support.hasty_gateway"
    day.kills_to_come = [(0.5, "gateways")]

    found = await day.play()

    assert found["kills"]["gateways"] == 2
    assert found["lost"] > 0, found
