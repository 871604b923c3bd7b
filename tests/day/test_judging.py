"""What the judge finds, what a plan says, and what a device has after its power went."""

from __future__ import annotations

import json
import random
from collections import Counter
from collections.abc import Iterable
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest

from tests.day.device import Client
from tests.day.judge import Judgement, judge
from tests.day.line import FAULTS, Line
from tests.day.plan import DAY_S, Plan, Wake, device_of, register
from tests.day.showing import table
from tests.day.truth import Recorded, Truth, read_truth

_SOURCE = "gate-1"


def said(number: int, **fields: object) -> dict[str, object]:
    given = {"kind": "checkpoint_scanned", "event_id": f"e{number}", "source_id": _SOURCE, "direction": "in"}
    return given | {"occurred_at": "2020-02-01T01:00:00Z"} | fields


def truth(count: int, **fields: object) -> Truth:
    """Return what a spool holds that has so many records."""
    records = tuple(Recorded(number, f"e{number}", json.dumps(said(number))) for number in range(1, count + 1))
    return replace(Truth(_SOURCE, records), **fields)  # type: ignore[arg-type]


def stored(number: int, **fields: object) -> bytes:
    received = {"sequence": number, "received_at": "2020-02-02T01:00:00Z"}
    return json.dumps(said(number) | received | {"occurred_at": "2020-02-01T09:00:00+08:00"} | fields).encode()


def judged(
    numbers: Iterable[int], raw: Iterable[int] = (1, 2, 3), *, rewrites: bool = False, **fields: object
) -> Judgement:
    """Judge a device that recorded three records, of which these stand in the timeline and in the raw topic."""
    return judge(
        [truth(3, **fields)],
        [stored(number) for number in raw],
        [stored(number) for number in numbers],
        [],
        rewrites=rewrites,
    )


def test_all_of_it_once_and_in_order_is_good() -> None:
    """Instants may be written otherwise, `received_at` is added, and what came again to a raw topic is no fault."""
    found = judged([1, 2, 3], raw=[1, 2, 1, 2, 3, 2])
    assert found.is_good, found.examples
    assert (found.records, found.repeats) == (3, 3)


def test_what_is_missing_is_lost() -> None:
    assert judged([1, 3]).lost == 1
    assert judged([1, 2, 3], missing=("e9",)).lost == 1
    assert judged([1, 2, 3], set_aside=1).lost == 1


def test_what_stands_twice_is_a_duplicate_whatever_its_name() -> None:
    assert judged([1, 2, 2, 3]).duplicated == 1
    other_id = judge([truth(2)], [], [stored(1), stored(2), stored(2, event_id="e9")], [])
    assert (other_id.duplicated, other_id.strange) == (1, 1)


def test_an_intake_that_was_killed_may_write_the_same_bytes_again_and_no_others() -> None:
    again = judged([1, 2, 1, 2, 3], rewrites=True)
    assert again.is_good, again.examples
    assert again.rewritten == 2
    later = stored(1, received_at="2020-02-02T01:00:05Z")
    assert judge([truth(1)], [], [stored(1), later], [], rewrites=True).duplicated == 1


def test_order_is_that_of_the_numbers() -> None:
    assert judged([1, 3, 2]).out_of_order == 1
    assert judged([1, 2, 3], raw=[1, 3, 2]).out_of_order == 1
    assert judged([2, 1, 3], rewrites=True).out_of_order == 1


def test_what_nobody_recorded_or_said_so_is_strange() -> None:
    assert judged([1, 2, 3, 4]).strange == 1
    assert judged([1, 2, 3], raw=[1, 2, 3, 4]).strange == 1
    assert judge([truth(1)], [], [stored(1, direction="out")], []).strange == 1
    assert judge([], [], [], [b'{"reason":"not_json"}']).strange == 1


def test_a_refusal_needs_an_explanation_and_nothing_may_wait() -> None:
    assert judged([1, 2, 3], refused={"e9": "occurred_in_future"}).is_good
    assert judged([1, 2, 3], refused={"e9": "not_allowed"}).strange == 1
    assert judged([1, 2, 3], waiting=1).waiting == 1
    assert not judged([1, 2, 3], waiting=1).is_good


def test_the_same_seed_is_the_same_day() -> None:
    assert [device_of(3, number) for number in range(50)] == [device_of(3, number) for number in range(50)]
    assert device_of(3, 1) != device_of(4, 1)
    at = datetime(2020, 2, 1, tzinfo=UTC)
    assert register(3, device_of(3, 1), at) == register(3, device_of(3, 1), at)
    assert all(0 <= wake.at_s < DAY_S for number in range(50) for wake in device_of(3, number).wakes)


def plan(directory: Path) -> Plan:
    """Return the plan of a day in which nothing listens."""
    return Plan(1, 10, 1, 60.0, str(directory), (1, 1), datetime(2020, 2, 2, tzinfo=UTC).isoformat())


@pytest.mark.parametrize("loss", ["recording", "idle"])
def test_a_device_without_power_has_what_was_said_to_be_safe(tmp_path: Path, loss: str) -> None:
    """Wherever in the writing of a record it goes, and nobody answers all the while."""
    counts: Counter[str] = Counter()
    device = replace(device_of(1, 3), offline=((0.0, DAY_S),))
    client = Client(plan(tmp_path), device, counts)
    for number in range(20):
        client.wake(Wake(60.0 * number, 3, loss))
    client.off()
    found = read_truth(client.path, device.source_id, client.noted)
    assert counts["power losses"] == 20
    assert found.missing == ()
    assert len(client.noted) <= found.waiting <= len(client.noted) + 20
    assert found.set_aside == 0


def test_a_spool_that_forgets_is_found_out(tmp_path: Path) -> None:
    device = replace(device_of(1, 3), offline=((0.0, DAY_S),))
    client = Client(plan(tmp_path), device, Counter())
    client.wake(Wake(0.0, 2))
    client.off()
    assert read_truth(client.path, device.source_id, [*client.noted, "never"]).missing == ("never",)


def test_a_line_fails_as_often_as_it_is_said() -> None:
    line = Line((1,), None, random.Random(5), Counter())  # type: ignore[arg-type]  # no key is needed for drawing
    drawn = Counter(line._drawn() for _ in range(20_000))
    for fault, share in FAULTS.items():
        assert 0.8 * share < drawn[fault] / 20_000 < 1.2 * share


def test_the_table_shows_what_was_found() -> None:
    result = {
        **Judgement(records=2_000, duplicated=7).as_dict(),
        "devices": 1_000,
        "requests": 3_000,
        "kills": {"gateways": 3, "broker": 1},
        "power_losses": 4,
        "outages": 5,
        "clocks_off": 6,
        "line": {"lost": 1, "reset": 2, "cut": 3, "twice": 4},
        "gateway_ready_s_max": 2.5,
        "seconds": 90,
    }
    shown = table(result).splitlines()
    assert "| devices, each a source with a key of its own | 1,000 |" in shown
    assert "| **duplicated** | 7 |" in shown
    assert "| kill -9 of gateways, broker, intake, devices | 3, 1, 0, 0 |" in shown
    assert "| duration | 1.5 min |" in shown
