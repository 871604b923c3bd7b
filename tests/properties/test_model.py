"""The core and the slow independent model of the contract decide alike."""

import json
from datetime import datetime, timedelta

import pytest

from events.codec import Refusal, decode
from events.results import check_id
from streams.core.numbers import holes
from streams.core.sources import Source
from tests.properties.logs import Log, Results, final_revisions, rows, tick_of
from tests.support.model import run, run_world

# What is resolved or final is remembered at least so long; then it is as if it had never been.
_MEMORY = timedelta(days=30)


def test_the_core_agrees_with_the_model(log: Log) -> None:
    """Verdicts and alerts are the same in the same order, and the same lines are refused for the same reason."""
    expected = run(log.lines, log.policy)

    found = log.replay()

    assert rows(found.verdicts) == expected.verdicts
    assert [alert | {"detail": {}} for alert in rows(found.alerts)] == expected.alerts
    reasons = {number: refusal.reason.value for number, refusal in found.refusals.items()}
    refused = dict(expected.dead_letters)
    for number in sorted(reasons.keys() | refused.keys()):
        if number not in refused:
            assert is_about_something_forgotten(log, found, number), f"line {number}: {reasons[number]}"
        elif reasons.get(number) != refused[number]:
            assert has_two_faults(log.lines[number], reasons.get(number)), f"line {number}: {refused[number]}"


@pytest.mark.seeds(share=0.5)
def test_what_is_known_of_sources(log: Log) -> None:
    """At the end the core knows the same sources, each heard until the same instant and with the same holes."""
    _, world = run_world(log.lines, log.policy)

    held = log.replay().replay.state.sources
    known = {source.source_id: source for source in held if source.definitions or source.heard_until is not None}

    assert {name: (source.heard_until, holes_of(source)) for name, source in known.items()} == {
        name: (source.heard_until, source.holes) for name, source in world.sources.items()
    }


def holes_of(source: Source) -> list[tuple[int, int]]:
    """Return the holes of a source as the core holds them."""
    return [(hole.first, hole.last) for hole in holes(source.runs)]


def has_two_faults(line: bytes, reason: str | None) -> bool:
    """Tell whether a record that came before it happened is refused for `reason` even when that is mended.

    Which of two faults is named is left open; the core names the one that it meets first.
    """
    document = json.loads(line)
    if document.pop("received_at", None) is None:
        return False
    try:
        decode(json.dumps(document).encode())
    except Refusal as refusal:
        return refusal.reason.value == reason
    return False


def is_about_something_forgotten(log: Log, found: Results, number: int) -> bool:
    """Tell whether a command or waiver names an alert or check that was there, and over more than 30 days before.

    The model remembers everything; the core forgets what no record could change any more, to bound its memory.
    """
    before = Results(found.outcomes[:number], found.replay)
    ticks = [tick.at for line in log.lines[:number] if (tick := tick_of(line)) is not None]
    record = json.loads(log.lines[number])
    if record["kind"] == "check_waived":
        day = datetime.fromisoformat(record["date"]).date()
        identity = check_id(record["person_id"], record["check"], day, record["window"])
        verdict = final_revisions("check_id", before.verdicts).get(identity)
        return verdict is not None and max(ticks) - datetime.fromisoformat(verdict["due_at"]) >= _MEMORY
    alert = final_revisions("alert_id", before.alerts).get(record.get("alert_id"))
    if alert is None or alert["state"] != "resolved" or alert["key"] != record["key"]:
        return False
    return max(ticks) - datetime.fromisoformat(alert["updated_at"]) >= _MEMORY
