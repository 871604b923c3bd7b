"""Scans that leave nothing: many at once pass as one after the other does, under every policy and in any company."""

import json
from dataclasses import replace
from random import Random
from typing import Any

import pytest

from events.policy import Policy, default_policy
from events.scan_wire import NO_SCAN, PassingScan, read_passing_scans, read_scan
from events.vocabulary import Site
from streams.core import passing
from streams.core.passed_scans import KEPT
from streams.core.passing import PassingError, pass_over, passes_by
from streams.core.person import Person
from streams.core.state import State, new_state

SCREENINGS: list[dict[str, Any]] = [
    {},
    {"temperature_c": None, "site": None, "health_code": None},
    {"temperature_c": 0, "site": "forehead"},
    {"temperature_c": 36.6, "site": "forehead", "health_code": "green"},
    {"temperature_c": 36.60, "site": "wrist"},
    {"temperature_c": 38.9, "site": "forehead"},
    {"temperature_c": 20, "site": "wrist"},
    {"temperature_c": 36.6, "site": "axillary"},
    {"temperature_c": 36.6},
    {"health_code": "red"},
    {"health_code": "yellow", "temperature_c": 36.6, "site": "wrist"},
]


def line(event: str, person: str, screening: dict[str, Any]) -> bytes:
    """Return a scan as it stands on the wire."""
    document = {
        "kind": "checkpoint_scanned",
        "event_id": event,
        "source_id": "gate-1",
        "occurred_at": "2020-02-01T07:30:23Z",
        "person_id": person,
        "area": "jintang/huaikou/c001/g01",
        "checkpoint_id": "gate-1",
        "direction": "out",
        "decision": "passed",
        **{name: screening[name] for name in ("temperature_c", "site", "health_code") if name in screening},
    }
    return json.dumps(document, separators=(",", ":")).encode()


def observed(*people: str) -> State:
    """Return a state under the default policy in which something is held of people."""
    state = new_state(default_policy())
    for person_id in people:
        state.people.put(Person(person_id), None)
    return state


def leaving(state: State, scans: list[PassingScan]) -> list[int]:
    """Return where scans stand that do not pass, when each of them leaves the state as it is."""
    found, begin = [], 0
    while (index := pass_over(state, scans, begin)) < len(scans):
        found.append(index)
        begin = index + 1
    return found


def remembered(state: State) -> tuple[Any, ...]:
    passed = state.passed_scans
    return list(passed.newer.items()), list(passed.older.items()), passed.generation


@pytest.mark.parametrize("seed", range(10))
def test_many_at_once_pass_as_one_after_the_other(seed: int) -> None:
    """Repeats, two people under one event id, people of whom something is held, and lines that are no scans among them."""
    random = Random(seed)
    lines = [
        random.choice([b"", b"{}", b'{"kind":"tick","at":"2020-02-01T07:30:00Z"}'])
        if random.random() < 0.05
        else line(f"e{random.randrange(200)}", f"p{random.randrange(30)}", random.choice(SCREENINGS))
        for _ in range(600)
    ]
    together, alone = observed("p1", "p2", "p29"), observed("p1", "p2", "p29")
    expected = [index for index, scan in enumerate(map(read_scan, lines)) if scan is None or not passes_by(alone, scan)]
    assert 0 < len(expected) < len(lines)
    assert leaving(together, read_passing_scans(lines)) == expected
    assert remembered(together) == remembered(alone)


def test_generations_turn_where_they_do_one_after_the_other() -> None:
    lines = [line(f"e{number}", "p1", SCREENINGS[0]) for number in range(2 * KEPT + 5)]
    together, alone = observed(), observed()
    for raw in lines:
        scan = read_scan(raw)
        assert scan is not None
        assert passes_by(alone, scan)
    assert leaving(together, read_passing_scans(lines)) == []
    assert remembered(together) == remembered(alone)
    assert len(together.passed_scans.newer) == 5


def test_before_the_first_policy_nothing_passes() -> None:
    scans = read_passing_scans([line("e1", "p1", {}), line("e2", "p2", {})])
    assert leaving(new_state(), scans) == [0, 1]


def test_what_was_unremarkable_is_looked_at_anew_under_another_policy() -> None:
    warm = {"temperature_c": 37.0, "site": "forehead"}
    state = observed()
    assert leaving(state, read_passing_scans([line("e1", "p1", warm), line("e2", "p2", warm)])) == []
    state.change_policy(_stricter(default_policy(), below_c=36.9))
    assert leaving(state, read_passing_scans([line("e3", "p3", warm), line("e4", "p4", warm)])) == [0, 1]


def _stricter(policy: Policy, below_c: float) -> Policy:
    thresholds = {**policy.fever.threshold_c, Site.FOREHEAD: below_c}
    return replace(policy, policy_version="stricter", fever=replace(policy.fever, threshold_c=thresholds))


def test_screenings_are_not_kept_without_end() -> None:
    state = observed()
    lines = [
        line(f"e{number}", "p1", {"temperature_c": round(36 + number / 1e5, 5), "site": "wrist"})
        for number in range(12_000)
    ]
    assert leaving(state, read_passing_scans(lines)) == []
    assert 0 < len(state.limits.unremarkable) <= 5_000


def test_no_scan_never_passes() -> None:
    """Not even after a scan with nothing measured and nothing shown."""
    scans = read_passing_scans([line("e1", "p1", {})])
    assert leaving(observed(), [*scans, NO_SCAN, *scans]) == [1]


def test_a_fault_names_the_scan(monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(_: str) -> None:
        raise ValueError("ours")

    scans = read_passing_scans([line("e1", "p1", {}), line("e2", "p2", {"health_code": "green"})])
    state = observed()
    assert leaving(state, scans[:1]) == []
    monkeypatch.setattr(passing, "read_screening", broken)
    with pytest.raises(PassingError) as caught:
        pass_over(state, scans, 0)
    assert caught.value.index == 1
