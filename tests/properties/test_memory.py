"""Memory grows with the people under observation and the alerts that matter, not with the length of the log."""

import gc
import json
import tracemalloc
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from events.codec import encode
from events.policy import default_policy, policy_document
from events.records import Tick
from streams.replay import Replay
from tests.support.written import written

_BEGAN = datetime(2020, 2, 3, tzinfo=UTC)


def scans(first: int, count: int) -> Iterator[bytes]:
    """Yield scans of people who are not under observation, each of another person, with a tick every 1,000."""
    for number in range(first, first + count):
        at = (_BEGAN + timedelta(seconds=number)).isoformat().encode()
        if number % 1000 == 0:
            yield b'{"kind":"tick","at":"%s"}' % at
        yield (
            b'{"kind":"checkpoint_scanned","event_id":"e%d","source_id":"gate-%d","sequence":%d,"occurred_at":"%s",'
            b'"person_id":"P%d","area":"t/g1","checkpoint_id":"k1","direction":"in","decision":"passed",'
            b'"temperature_c":36.4,"site":"forehead","health_code":"green"}'
        ) % (number, number % 50, number + 1, at, number)


def decide(replay: Replay, lines: Iterator[bytes]) -> None:
    """Decide lines; not one may be refused or bring anything."""
    for line in lines:
        outcome = replay.decide(line)
        assert outcome.refusal is None
        assert not outcome.alerts


def test_scans_of_people_who_are_not_observed() -> None:
    """200,000 scans leave nobody in the state, and no more than the last 10,000 to 20,000 of them."""
    replay = Replay()
    tracemalloc.start()
    try:
        decide(replay, scans(100_000, 12_000))
        gc.collect()
        early_bytes, _ = tracemalloc.get_traced_memory()
        decide(replay, scans(112_000, 20_000))
        gc.collect()
        late_bytes, peak_bytes = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    decide(replay, scans(132_000, 168_000))

    head, entries = written(replay.state)
    assert len(replay.state.people) == 0
    assert 10_000 <= len(replay.state.passed_scans) < 20_000
    assert len(head) + sum(map(len, entries.values())) < 400_000
    assert late_bytes - early_bytes < 100_000
    assert peak_bytes - early_bytes < 2_000_000


@pytest.mark.parametrize("early_days", [0, 3])
def test_people_who_are_not_observed_are_let_go(early_days: int) -> None:
    """Readings of people who never come under observation, and the alerts they bring, are forgotten in time."""
    document = policy_document(default_policy())
    replay = Replay()
    policy: dict[str, Any] = {
        "kind": "policy_changed",
        "event_id": "p",
        "source_id": "s",
        "occurred_at": "2020-02-03T00:00:00Z",
    }
    policy |= {"policy": document | {"policy_version": "v1", "early_days": early_days}}
    replay.decide(json.dumps(policy).encode())
    replay.decide(encode(Tick(at=_BEGAN)))
    for number in range(2000):
        fields = {"kind": "temperature_taken", "event_id": f"e{number}", "source_id": "s1", "area": "t/g1"}
        fields |= {"person_id": f"P{number}", "occurred_at": "2020-02-03T00:00:00Z", "site": "forehead"}
        reading = fields | {"temperature_c": 38.0 if number % 10 == 0 else 36.4}
        assert replay.decide(json.dumps(reading).encode()).refusal is None
    assert len(replay.state.people) == 2000

    for day in range(1, 80):
        replay.decide(encode(Tick(at=_BEGAN + timedelta(days=day))))

    assert len(replay.state.people) == 0
