"""No check vanishes: the ledger's equation, and how verdicts and alerts may be revised."""

from collections import Counter
from datetime import UTC, datetime
from itertools import pairwise

import pytest

from events.codec import encode
from events.records import SourceHeard, SourceRecord, Tick
from events.results import check_id
from events.vocabulary import CheckState
from streams.core.state import State
from tests.properties.logs import Log, Results, Row, by_identity, read

_ENDINGS = {
    "pending": {"done", "missed", "unknown", "waived"},
    "missed": {"late", "waived"},
    "unknown": {"done", "missed", "waived"},
}
_FIXED = ("rule", "subject", "person_id", "key", "area", "occurrence", "due_at", "raised_at")
# The last instant that a record can name: everything falls due.
_LATEST = datetime(2199, 12, 31, tzinfo=UTC)


def ledger(state: State) -> dict[str, Row]:
    """Return every check that the state holds, by id."""
    found: dict[str, Row] = {}
    for person in state.people:
        for observation in person.observations:
            entries = observation.ledger
            for position, slot in enumerate(entries.layout.slots):
                identity = check_id(person.person_id, slot.check, slot.date, slot.window)
                assert identity not in found, "a check belongs to one observation"
                found[identity] = {
                    "state": entries.state(position).value,
                    "revision": entries.revision(position),
                    "date": slot.date.isoformat(),
                    "area": observation.area,
                }
    return found


def areas(area: str) -> list[str]:
    """Return an area and all those it lies in."""
    steps = area.split("/")
    return ["/".join(steps[: count + 1]) for count in range(len(steps))]


@pytest.mark.seeds(share=0.2)
def test_the_equation(log: Log) -> None:
    """For every area and day: what the ledger expects is what was decided and what is pending, then nothing is pending."""
    before = log.replay()
    held = ledger(before.replay.state)
    decided = {identity: found[-1] for identity, found in by_identity("check_id", before.verdicts).items()}

    for identity in held.keys() & decided.keys():
        assert (held[identity]["state"], held[identity]["revision"]) == (
            decided[identity]["state"],
            decided[identity]["revision"],
        )
    pending = {identity for identity, check in held.items() if check["state"] == CheckState.PENDING}
    assert {identity for identity in held if identity not in decided} == pending

    expected, states = Counter[tuple[str, str]](), Counter[tuple[str, str, str]]()
    for check in (held | decided).values():
        for area in areas(check["area"]):
            expected[area, check["date"]] += 1
            states[area, check["date"], check["state"]] += 1
    for (area, day), count in expected.items():
        assert count == sum(states[area, day, state.value] for state in CheckState)

    after = log.replay([*log.lines, encode(Tick(at=_LATEST))])
    fallen_due = by_identity("check_id", after.verdicts[len(before.verdicts) :])
    unknown = {identity for identity, check in held.items() if check["state"] == CheckState.UNKNOWN}
    assert pending <= fallen_due.keys() <= pending | unknown
    for revisions in fallen_due.values():
        assert [row["state"] for row in revisions] in (["missed"], ["unknown"], ["unknown", "missed"])


def first_arrivals(log: Log, found: Results) -> dict[str, int]:
    """Return the line at which each event came first; a dead letter is no arrival."""
    arrived: dict[str, int] = {}
    for number, line in enumerate(log.lines):
        record = read(line)
        if number not in found.refusals and isinstance(record, SourceRecord | SourceHeard):
            arrived.setdefault(record.event_id, number)
    return arrived


@pytest.mark.seeds(share=0.2)
def test_revisions(log: Log) -> None:
    """Revisions count from 1; verdicts follow the table of the ledger; alerts keep what they are and gather evidence, in
    log order, until they are resolved.
    """
    found = log.replay()
    arrived = first_arrivals(log, found)
    for revisions in by_identity("check_id", found.verdicts).values():
        assert [row["revision"] for row in revisions] == list(range(1, len(revisions) + 1))
        states = ["pending", *(row["state"] for row in revisions)]
        assert all(state in _ENDINGS.get(earlier, set()) for earlier, state in pairwise(states))
    for revisions in by_identity("alert_id", found.alerts).values():
        assert [row["revision"] for row in revisions] == list(range(1, len(revisions) + 1))
        assert all(row["state"] != "resolved" for row in revisions[:-1])
        for earlier, later in pairwise(revisions):
            assert all(earlier[name] == later[name] for name in _FIXED)
            assert set(earlier["evidence"]) <= set(later["evidence"])
        for row in revisions:
            arrivals = [arrived[event_id] for event_id in row["evidence"]]
            assert arrivals == sorted(set(arrivals))
