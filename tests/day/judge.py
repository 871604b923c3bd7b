"""The judge: what the spools hold against what the topics hold. Nothing of the processes that ran is asked.

    spools --(1)--> timeline: each record once, by event id and by source and number, word for word, in the order of numbers
       `-----(2)--> raw topics: first arrivals of each source in the order of its numbers

What comes to a raw topic again (an answer was lost, and the request repeated) is no fault: intake leaves it out. Promised
is that no number comes for the first time before one that is lower. `received_at` is the gateway's, and no device has it.

An intake that was killed between writing and committing writes the same bytes again (ADR 18); readers know them by their
event id. That is counted by itself, and where no intake was killed it is a duplicate. With another byte it always is: then
a repeat of a device got through.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass, field
from datetime import datetime
from typing import Any

from events.vocabulary import DeadLetterReason
from tests.day.truth import Truth

_EXAMPLES = 5
_INSTANT = "occurred_at"
_ABOUT_SOURCES = (b'{"kind":"source_heard"', b'{"kind":"source_defined"')
# What the timeline adds to what a device has recorded.
_ADDED = {"received_at": None, "sequence": None}
_FUTURE = DeadLetterReason.OCCURRED_IN_FUTURE.value

Value = dict[str, Any]


@dataclass(slots=True)
class Judgement:
    """Counts; `examples` says of the first few what and which.

    `lost` is recorded and not in the timeline, or was said to be safe and is not in the spool. `duplicated` stands there
    twice, `rewritten` twice to the byte after intake was killed. `out_of_order` comes before a lower number of its source.
    `strange` is there and was never recorded, or says something else, or was refused for a reason that the plan does not
    explain. `waiting` is left in spools.
    """

    records: int = 0
    refused: int = 0
    lost: int = 0
    duplicated: int = 0
    out_of_order: int = 0
    strange: int = 0
    waiting: int = 0
    repeats: int = 0
    rewritten: int = 0
    examples: list[str] = field(default_factory=list)

    @property
    def is_good(self) -> bool:
        """Tell whether nothing is amiss."""
        return not (self.lost or self.duplicated or self.out_of_order or self.strange or self.waiting)

    def count(self, name: str, what: str, which: Iterable[Any]) -> None:
        """Count faults of a kind."""
        items = list(map(str, which))
        setattr(self, name, getattr(self, name) + len(items))
        if items:
            self.examples.append(f"{len(items)} {what}: {', '.join(items[:_EXAMPLES])[:400]}")

    def as_dict(self) -> dict[str, Any]:
        """Return all of it."""
        return asdict(self)


def judge(
    truths: Iterable[Truth],
    raw: Iterable[bytes],
    timeline: Iterable[bytes],
    dead_letters: Iterable[bytes],
    *,
    rewrites: bool = False,
) -> Judgement:
    """Compare; each topic partition after partition, in offset order. `rewrites` tells whether an intake was killed."""
    found = Judgement()
    expected: dict[str, Value] = {}
    for truth in truths:
        _judge_spool(found, truth)
        for each in truth.records:
            expected[each.event_id] = json.loads(each.body) | {"sequence": each.sequence}
    found.records = len(expected)
    # What intake tells of sources, and what it was told of them, no device has recorded.
    timeline = [line for line in timeline if not line.startswith(_ABOUT_SOURCES)]
    _judge_timeline(
        found, expected, _without_rewritten(found, timeline) if rewrites else list(map(json.loads, timeline))
    )
    _judge_raw(found, expected, [json.loads(value) for value in raw])
    found.count("strange", "dead letters", (json.loads(value).get("reason") for value in dead_letters))
    return found


def _judge_spool(found: Judgement, truth: Truth) -> None:
    found.refused += len(truth.refused)
    found.waiting += truth.waiting
    found.count("lost", "said to be safe and gone from the spool", truth.missing)
    found.count("lost", "spools set aside as damaged", [truth.source_id] * truth.set_aside)
    wrong = (f"{event_id} {reason}" for event_id, reason in truth.refused.items() if reason != _FUTURE)
    found.count("strange", "refused for a reason that nothing explains", wrong)


def _without_rewritten(found: Judgement, timeline: Iterable[bytes]) -> list[Value]:
    values = list(timeline)
    first = dict.fromkeys(values)
    found.rewritten = len(values) - len(first)
    return list(map(json.loads, first))


def _judge_timeline(found: Judgement, expected: dict[str, Value], arrived: Sequence[Value]) -> None:
    by_id: dict[str, Value] = {}
    numbers: set[tuple[str, int]] = set()
    twice = []
    for record in arrived:
        name = (record["source_id"], record.get("sequence") or 0)
        if record["event_id"] in by_id or name in numbers:
            twice.append(record["event_id"])
        by_id.setdefault(record["event_id"], record)
        numbers.add(name)
    found.count("lost", "recorded and not in the timeline", expected.keys() - by_id.keys())
    found.count("duplicated", "twice in the timeline", twice)
    found.count("strange", "in the timeline and never recorded", by_id.keys() - expected.keys())
    changed = (each for each in expected.keys() & by_id.keys() if _said(expected[each]) != _said(by_id[each]))
    found.count("strange", "in the timeline with other words", changed)
    found.count("out_of_order", "in the timeline before a lower number", _disordered(arrived, repeats_count=True))


def _judge_raw(found: Judgement, expected: dict[str, Value], arrived: Sequence[Value]) -> None:
    names = {(record["source_id"], record["sequence"]) for record in arrived}
    found.repeats = len(arrived) - len(names)
    found.count("out_of_order", "first in a raw topic before a lower number", _disordered(arrived, repeats_count=False))
    found.count(
        "strange",
        "in a raw topic and never recorded",
        {record["event_id"] for record in arrived} - expected.keys(),
    )


def _disordered(records: Iterable[Value], *, repeats_count: bool) -> list[str]:
    """Return names of records that came for the first time, or with `repeats_count` at all, behind a higher number."""
    highest: dict[str, int] = {}
    seen: set[tuple[str, int]] = set()
    found = []
    for record in records:
        source_id, sequence = record["source_id"], record.get("sequence") or 0
        if not repeats_count and (source_id, sequence) in seen:
            continue
        seen.add((source_id, sequence))
        if sequence < highest.get(source_id, 0):
            found.append(f"{source_id}/{sequence}")
        highest[source_id] = max(sequence, highest.get(source_id, 0))
    return found


def _said(record: Value) -> Value:
    """Return what a device said, however the instant and what is left out are written."""
    said = {name: value for name, value in record.items() if value is not None and name not in _ADDED}
    return said | {_INSTANT: datetime.fromisoformat(record[_INSTANT]), "number": record["sequence"]}
