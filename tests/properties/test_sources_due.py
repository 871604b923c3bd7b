"""Sources fall due at the ticks that reach their deadlines, although these are not looked up each time a source is heard."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from random import Random

import pytest

from events.policy import default_policy
from events.records import (
    AlertResolved,
    PolicyChanged,
    Record,
    SequenceRun,
    SourceDefined,
    SourceHeard,
    Tick,
    source_key,
)
from streams.core.engine import step
from streams.core.listening import hear_steady
from streams.core.sources import Source
from streams.core.state import State, new_state
from tests.support.written import read_back

_BEGIN = datetime(2020, 2, 3, tzinfo=UTC)
_STEPS = 300
# Seconds: within a silence, about its end, over the waiting of a hole, over what is remembered.
_PAUSES = (1, 30, 60, 600, 3_600, 86_400, 2_600_000)


class _Town:
    """Two sources of which anything may be told, in any order; instants and numbers are near each other, to meet often."""

    def __init__(self, random: Random) -> None:
        self._random = random
        self._now = _BEGIN
        self._number = 100
        self._policies = 0
        self.state: State = new_state()

    def next(self) -> Record | None:
        """Return the next record, None where the state is to be written down and read back."""
        random = self._random
        what = random.choices(("heard", "tick", "defined", "resolved", "policy", "restart"), (12, 8, 2, 3, 1, 1))[0]
        event_id, source_id = f"e{random.randint(1, 10**9)}", random.choice(["a", "b"])
        common = {"event_id": event_id, "source_id": "office", "occurred_at": self._now}
        match what:
            case "heard":
                until = self._now + timedelta(seconds=random.choice([-3_600, -60, -1, 0, 0.5, 60, 1_800]))
                runs = tuple(self._run() for _ in range(random.choice([0, 1, 1, 1, 2])))
                return SourceHeard(event_id=event_id, source_id=source_id, heard_until=until, sequences=runs)
            case "tick":
                self._now += timedelta(seconds=random.choice(_PAUSES))
                return Tick(at=self._now)
            case "defined":
                interval, is_active = random.choice([0, 60, 3_600]), random.random() < 0.8
                return SourceDefined(
                    **common, defined_source_id=source_id, areas=("t",), interval_seconds=interval, is_active=is_active
                )
            case "resolved":
                alert_id = random.choice([*self._alerts(), "none"])
                return AlertResolved(**common, actor_id="x", alert_id=alert_id, key=source_key(source_id))
            case "policy":
                self._policies += 1
                late_days = random.choice([7, 31, 40])
                policy = replace(default_policy(), policy_version=f"p{self._policies}", late_days=late_days)
                return PolicyChanged(**common, policy=policy)
            case _:
                return None

    def _run(self) -> SequenceRun:
        first = max(
            1, self._number + self._random.choice([1, 1, 1, 1, 1, 3, -2, -200_000 if self._number > 200_000 else 0])
        )
        last = first + self._random.choice([0, 0, 1, 250_000])
        self._number = max(self._number, last) if last > self._number - 100_000 else last
        return SequenceRun(first=first, last=last, since=self._now, until=self._now)

    def _alerts(self) -> Iterator[str]:
        for source in self.state.sources:
            yield from (alert.alert_id for alert in (source.silence, source.gap) if alert is not None)


@pytest.mark.parametrize("seed", range(100))
def test_who_falls_due(seed: int) -> None:
    """A tick changes exactly the sources of which a deadline is reached, and afterwards no deadline is left behind it."""
    town = _Town(Random(seed))
    for _ in range(_STEPS):
        record = town.next()
        if record is None:
            town.state = read_back(town.state)
            continue
        expected = _due_at(town.state, record.at) if isinstance(record, Tick) else None

        outcome = step(town.state, record)

        if isinstance(record, Tick):
            assert [source.source_id for source, _ in outcome.sources] == expected
            assert _due_at(town.state, record.at) == []


def _due_at(state: State, at: datetime) -> list[str]:
    """Return all sources whose first deadline is reached, found by looking at every one."""
    policy = state.policy or default_policy()
    return [source.source_id for source in state.sources if _is_due(source.next_due(policy), at)]


def _is_due(due_at: datetime | None, at: datetime) -> bool:
    return due_at is not None and due_at <= at


@pytest.mark.parametrize("seed", range(50))
def test_a_steady_source_is_only_put_off(seed: int) -> None:
    """Heard again without a hole, a steady source has no deadline that it had not, and none that comes earlier."""
    town, seen = _Town(Random(f"steady/{seed}")), 0
    for _ in range(_STEPS):
        record = town.next()
        if record is None:
            continue
        held = town.state.sources.get(record.source_id) if isinstance(record, SourceHeard) else None
        if held is None or not held.is_steady:
            step(town.state, record)
            continue
        before = _deadlines(town.state, held)

        assert isinstance(record, SourceHeard)
        assert hear_steady(town.state, record) is not None

        if len(held.runs) < 2:
            seen += 1
            for earlier, now in zip(before, _deadlines(town.state, held), strict=True):
                assert now is None or (earlier is not None and earlier <= now)
    assert seen > 0


def _deadlines(state: State, source: Source) -> list[datetime | None]:
    policy = state.current_policy()
    return [source.silent_at, source.gap_at, source.given_up_at(policy), source.forgotten_at(policy)]
