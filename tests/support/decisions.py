"""What must come out of a pipeline, from its own timeline, and what did: every revision with all its fields."""

from __future__ import annotations

import base64
import json
from collections import Counter, defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

from events.results import encode_alert, encode_verdict
from streams.replay import Replay
from tests.support.pipeline import Pipeline

Revision = tuple[str, int]

_ABOUT_SOURCES = ("sequence_gap", "source_silent")


@dataclass
class Decisions:
    """Revisions of verdicts and alerts by identity and number, and the places of what was refused."""

    checks: dict[Revision, bytes] = field(default_factory=dict)
    alerts: dict[Revision, bytes] = field(default_factory=dict)
    refused: Counter[tuple[int, int, str]] = field(default_factory=Counter)

    def final_checks(self) -> dict[str, dict[str, Any]]:
        """Return the verdict that holds, by check."""
        return _final(self.checks)

    def final_alerts(self) -> dict[str, dict[str, Any]]:
        """Return each alert as it stands."""
        return _final(self.alerts)

    def final_alerts_about_people(self) -> dict[str, dict[str, Any]]:
        """Return those that follow from what sources sent; files and plans do not have what intake tells of sources."""
        return {key: alert for key, alert in self.final_alerts().items() if alert["rule"] not in _ABOUT_SOURCES}


def _final(revisions: dict[Revision, bytes]) -> dict[str, dict[str, Any]]:
    return {identity: json.loads(value) for (identity, _), value in sorted(revisions.items())}


def replay_file(lines: Iterable[bytes]) -> Decisions:
    """Replay lines as a file of one partition."""
    return _replay((0, number, raw) for number, raw in enumerate(lines))


async def replayed(pipeline: Pipeline) -> Decisions:
    """Replay each partition of the timeline, as a file of it would be."""
    return _replay((record.partition, record.offset, record.value or b"") for record in await pipeline.read("timeline"))


def _replay(records: Iterable[tuple[int, int, bytes]]) -> Decisions:
    found = Decisions()
    replays: dict[int, Replay] = defaultdict(Replay)
    for partition, offset, raw in records:
        outcome = replays[partition].decide(raw)
        if outcome.refusal is not None:
            found.refused[partition, offset, outcome.refusal.reason.value] += 1
        for verdict in outcome.verdicts:
            found.checks[verdict.check_id, verdict.revision] = encode_verdict(verdict)
        for alert in outcome.alerts:
            found.alerts[alert.alert_id, alert.revision] = encode_alert(alert)
    return found


async def published(pipeline: Pipeline, *, repeats_allowed: bool = False) -> Decisions:
    """Return what stands in the result topics, and check keys, order and that a repeat says the same to the byte."""
    found = Decisions()
    for topic, identity, into in (("checks", "check_id", found.checks), ("alerts", "alert_id", found.alerts)):
        highest: dict[str, int] = {}
        for record in await pipeline.read(topic):
            value = record.value or b""
            document = json.loads(value)
            revision = document[identity], document["revision"]
            assert record.key == revision[0].encode()
            is_repeat = revision in into
            assert repeats_allowed or not is_repeat, f"{topic} {revision} stands there twice"
            assert into.setdefault(revision, value) == value, f"{topic} {revision} stands there with other content"
            assert is_repeat or revision[1] == highest.get(revision[0], 0) + 1
            highest[revision[0]] = max(revision[1], highest.get(revision[0], 0))
    for letter in await pipeline.read_json("dead-letters"):
        if letter["topic"] == "timeline":
            found.refused[letter["partition"], letter["offset"], letter["reason"]] += 1
    return found


async def assert_live_equals_replay(pipeline: Pipeline, *, repeats_allowed: bool = False) -> Decisions:
    """Compare what the topics hold with the replay of the timeline: all revisions, all fields, and the dead letters."""
    expected, found = await replayed(pipeline), await published(pipeline, repeats_allowed=repeats_allowed)
    assert found.checks == expected.checks
    assert found.alerts == expected.alerts
    assert found.refused.keys() == expected.refused.keys()
    assert repeats_allowed or found.refused == expected.refused
    return found


async def dead_letters(pipeline: Pipeline) -> dict[tuple[str, int, int], dict[str, Any]]:
    """Return the dead letters by the place of what was refused, their raw bytes decoded."""
    found = {}
    for letter in await pipeline.read_json("dead-letters"):
        place = letter["topic"], letter["partition"], letter["offset"]
        found[place] = letter | {"raw": base64.b64decode(letter["raw"])}
    return found


async def assert_no_tick_before_earlier_record(pipeline: Pipeline) -> int:
    """Check the promise of the ticks in every partition and return how many records stand there.

    A record written again after a crash counts where it stands first.
    """
    clocks: dict[int, str] = {}
    seen: set[tuple[int, str]] = set()
    records = 0
    for record in await pipeline.read("timeline"):
        document = json.loads(record.value or b"")
        clock = clocks.get(record.partition, "")
        if document["kind"] == "tick":
            clocks[record.partition] = max(clock, document["at"])
        elif document["kind"] == "source_heard":
            continue
        elif (record.partition, document["event_id"]) not in seen:
            seen.add((record.partition, document["event_id"]))
            assert _sortable(document["received_at"]) >= _sortable(clock), "a tick stands before an earlier record"
            records += 1
    return records


def _sortable(instant: str) -> str:
    # Written in UTC with a `Z`, a fraction only where there is one: the dot sorts before the letter.
    return instant if "." in instant else instant.replace("Z", ".")
