"""The judgement of a run: what stands in the log, against what the contract asks for; each rule by itself.

Nothing of the pipeline is asked. What intake must make of the raw topics says `expected`, what follows from a partition of
the timeline the slow model of `tests.support.model`.
"""

import base64
import json
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any
from zlib import crc32

from faust.types import TP

from tests.simulation.broker import Broker, Kept, Partition
from tests.simulation.expected import Expected, Wanted, expect, form_of
from tests.simulation.heard import judge_heard, judge_what_watch_tells
from tests.support.model import run_world
from tests.support.model.results import digest
from tests.support.model.world import Check, World

_SHOWN = 5
_STATES = ("pending", "done", "late", "missed", "waived", "unknown")
_IDENTITY = {"checks": "check_id", "alerts": "alert_id"}

Row = dict[str, Any]
Revisions = dict[tuple[str, int], bytes]
Letters = Mapping[tuple[str, int, int], str]


@dataclass
class Judgement:
    """What is wrong with a run, in words, and how much of it."""

    problems: list[str] = field(default_factory=list)
    lost: int = 0
    duplicated: int = 0  # written more than once, which is allowed
    overtaken: int = 0  # a late write of a process that was frozen stands last: see `judge_what_remains`
    wrong: int = 0

    def add_lost(self, what: str, which: Iterable[object]) -> None:
        """Note what must be there and is not."""
        self.lost += self._add(what, which)

    def add_wrong(self, what: str, which: Iterable[object]) -> None:
        """Note what is there and must not be, or otherwise."""
        self.wrong += self._add(what, which)

    def _add(self, what: str, which: Iterable[object]) -> int:
        found = list(which)
        if found:
            shown = ", ".join(map(str, found[:_SHOWN])) + (", ..." if len(found) > _SHOWN else "")
            self.problems.append(f"{what}: {len(found)}: {shown}")
        return len(found)


def judge_log(broker: Broker, intended: Mapping[str, float]) -> Judgement:
    """Judge timeline, results and dead letters; `intended` is the second at which each tick was decided to be written."""
    judgement, expected = Judgement(), expect(broker)
    timelines = [broker.partitions[tp] for tp in broker.of_topics(["timeline"])]
    for number, timeline in enumerate(timelines):
        judge_timeline(judgement, number, timeline.ever, expected, intended)
    judge_heard(judgement, broker)
    judge_what_watch_tells(judgement, broker)
    models = [run_world([record.value or b"" for record in timeline.ever], None) for timeline in timelines]
    results = {topic: read_results(judgement, broker, topic) for topic in _IDENTITY}
    judge_results(judgement, "checks", results["checks"], [row for result, _ in models for row in result.verdicts])
    judge_results(judgement, "alerts", results["alerts"], [row for result, _ in models for row in result.alerts])
    judge_ledgers(judgement, results["checks"], [world for _, world in models])
    refused = {
        ("timeline", number, offset): reason
        for number, (result, _) in enumerate(models)
        for offset, reason in result.dead_letters
    }
    raw = {place: value for place, (_, value) in expected.refused.items()}
    raw |= {place: timelines[place[1]].ever[place[2]].value or b"" for place in refused}
    refused |= {place: reason for place, (reason, _) in expected.refused.items()}
    judge_letters(judgement, broker, refused, raw)
    return judgement


# -- the timeline


def judge_timeline(
    judgement: Judgement, number: int, timeline: list[Kept], expected: Expected, intended: Mapping[str, float]
) -> None:
    """Judge one partition: all that must stand there does, in order, nothing else, and before its ticks."""
    first: dict[str, int] = {}
    ticks: list[tuple[int, str]] = []
    for record in timeline:
        document = json.loads(record.value or b"")
        if document["kind"] == "tick":
            ticks.append((record.offset, document["at"]))
            continue
        if document["kind"] == "source_heard":
            continue  # judged by `heard`
        form = form_of(document)
        judgement.duplicated += form in first
        first.setdefault(form, record.offset)
    here = [wanted for wanted in expected.wanted if number in wanted.partitions]
    where = f"timeline:{number}"
    known = {wanted.form for wanted in here}
    missing = [wanted for wanted in here if wanted.must_come and wanted.form not in first]
    judgement.add_lost(f"{where} lacks", map(_place, missing))
    judgement.add_wrong(
        f"{where} has what nobody sent at", (offset for form, offset in first.items() if form not in known)
    )
    judgement.add_wrong(f"{where} has a tick nobody decided on at", (n for n, at in ticks if at not in intended))
    came = _once(wanted for wanted in here if wanted.must_come and wanted.form in first)
    judgement.add_wrong(f"{where} turns the order round", _out_of_order(came, first))
    judgement.add_wrong(
        f"{where} has a tick before what was received before it", _too_late(came, first, ticks, intended)
    )


def _once(records: Iterable[Wanted]) -> list[Wanted]:
    """Leave of records that cannot be told apart the first: received at a moment that the source says, they are equal."""
    found: dict[tuple[TP, str], Wanted] = {}
    for wanted in records:
        found.setdefault((wanted.tp, wanted.form), wanted)
    return list(found.values())


def _place(wanted: Wanted) -> str:
    return f"{wanted.tp.topic}:{wanted.tp.partition}@{wanted.offset}"


def _out_of_order(came: list[Wanted], first: dict[str, int]) -> list[str]:
    found, highest = [], dict[TP, int]()
    for wanted in came:
        if first[wanted.form] < highest.get(wanted.tp, -1):
            found.append(_place(wanted))
        highest[wanted.tp] = max(highest.get(wanted.tp, -1), first[wanted.form])
    return found


def _too_late(
    came: list[Wanted], first: dict[str, int], ticks: list[tuple[int, str]], intended: Mapping[str, float]
) -> list[str]:
    """Return what was appended before a tick was decided on, and stands behind it."""
    return [
        f"{_place(wanted)} behind {at}"
        for wanted in came
        for offset, at in ticks
        if offset < first[wanted.form] and wanted.appended_at < intended.get(at, 0.0)
    ]


# -- results


def read_results(judgement: Judgement, broker: Broker, topic: str) -> Revisions:
    """Read every revision there ever was in a result topic; what was written twice must be the same."""
    found: Revisions = {}
    for tp in broker.of_topics([topic]):
        highest: Counter[str] = Counter()
        for record in broker.partitions[tp].ever:
            value = record.value or b""
            row = json.loads(value)
            identity, revision = row[_IDENTITY[topic]], row["revision"]
            place = [f"{tp.topic}:{tp.partition}@{record.offset}"]
            key = identity.encode()
            if record.key != key or crc32(key) % broker.counts[topic] != tp.partition:
                judgement.add_wrong(f"{topic} under a wrong key", place)
            judgement.duplicated += (identity, revision) in found
            if found.setdefault((identity, revision), value) != value:
                judgement.add_wrong(f"{topic} with two contents of a revision", place)
            if revision > highest[identity] + 1:
                judgement.add_wrong(f"{topic} skips a revision", place)
            highest[identity] = max(highest[identity], revision)
        judge_what_remains(judgement, broker.partitions[tp], highest)
    return found


def judge_what_remains(judgement: Judgement, partition: Partition, highest: Mapping[str, int]) -> None:
    """Judge what compaction leaves in the end: the last record of each key must be its highest revision.

    One write may stand behind it: one that was on its way when its process was frozen, and lands when another has taken
    over and gone on. Kafka fences nobody who writes without transactions. Such ones are counted apart (ADR 18).
    """
    tp, identity = partition.tp, _IDENTITY[partition.tp.topic]
    last = {record.key: record for record in partition.ever}
    by_whom: dict[tuple[str, int], set[str]] = {}
    for record, writer in zip(partition.ever, partition.writers, strict=True):
        row = json.loads(record.value or b"")
        by_whom.setdefault((row[identity], row["revision"]), set()).add(_process(writer))
    stale = []
    for record in last.values():
        row = json.loads(record.value or b"")
        if row["revision"] < highest[row[identity]]:
            newest = by_whom[row[identity], highest[row[identity]]]
            if _process(partition.writers[record.offset]) in newest:
                stale.append(row[identity])
            else:
                judgement.overtaken += 1
    judgement.add_wrong(f"{tp.topic}:{tp.partition} ends with a revision that is not the last, of", stale)


def _process(writer: str) -> str:
    return writer.partition("/")[0]


def judge_results(judgement: Judgement, topic: str, found: Revisions, rows: list[Row]) -> None:
    """Compare what stands in a result topic with what the model has."""
    identity = _IDENTITY[topic]
    wanted = {(row[identity], row["revision"]): row for row in rows}
    judgement.add_lost(f"{topic} lack", sorted(wanted.keys() - found.keys()))
    judgement.add_wrong(f"{topic} have what the model has not", sorted(found.keys() - wanted.keys()))
    differing = []
    for revision in sorted(wanted.keys() & found.keys()):
        row, model = json.loads(found[revision]), dict(wanted[revision])
        row.pop("detail", None), model.pop("detail", None)  # the model has none
        if row != model:
            fields = sorted(name for name in row.keys() | model.keys() if row.get(name) != model.get(name))
            differing.append((*revision, fields))
    judgement.add_wrong(f"{topic} differ from the model", differing)


def judge_ledgers(judgement: Judgement, checks: Revisions, worlds: list[World]) -> None:
    """Judge the ledger: each check that the model expects is in one state, and the states add up."""
    states = {identity: json.loads(value)["state"] for (identity, _), value in sorted(checks.items())}
    expected = {check_id(check): check for world in worlds for check in world.checks}
    differing = [identity for identity, check in expected.items() if states.get(identity, "pending") != check.state]
    judgement.add_wrong("checks that do not stand as the model has them", differing)
    judgement.add_wrong("checks that nobody expects", sorted(states.keys() - expected.keys()))
    counts = Counter(states.get(identity, "pending") for identity in expected)
    if sum(counts[state] for state in _STATES) != len(expected):
        judgement.add_wrong("checks do not add up", [dict(counts)])


def check_id(check: Check) -> str:
    """Return the identity of a check of the model."""
    window = check.window
    return digest(f"check|{check.person}|{window.check}|{window.date.isoformat()}|{window.name}")


def judge_letters(
    judgement: Judgement, broker: Broker, refused: Letters, raw: Mapping[tuple[str, int, int], bytes]
) -> None:
    """Compare the dead letters with what had to be refused, and their bytes with what was sent."""
    found: dict[tuple[str, int, int], bytes] = {}
    for tp in broker.of_topics(["dead-letters"]):
        for record in broker.partitions[tp].ever:
            value = record.value or b""
            letter = json.loads(value)
            place = letter["topic"], letter["partition"], letter["offset"]
            judgement.duplicated += place in found
            if found.setdefault(place, value) != value:
                judgement.add_wrong("dead letters with two contents", [place])
    reasons = {place: json.loads(value)["reason"] for place, value in found.items()}
    judgement.add_lost("no dead letter of", sorted(refused.keys() - found.keys()))
    judgement.add_wrong("dead letter of what was not to be refused", sorted(found.keys() - refused.keys()))
    shared = sorted(refused.keys() & found.keys())
    other = [(*place, reasons[place], refused[place]) for place in shared if reasons[place] != refused[place]]
    judgement.add_wrong("dead letters with another reason", other)
    changed = [place for place in shared if base64.b64decode(json.loads(found[place])["raw"]) != raw[place]]
    judgement.add_wrong("dead letters with other bytes", changed)
