"""Sending a file of records into the raw topics: which topic a line belongs to, and how its ticks drive the clock."""

import json
from dataclasses import dataclass
from datetime import datetime

from events.codec import Refusal, decode
from events.records import OUTSIDE_KINDS, Tick
from streams.broker.outputs import Output

# A line whose kind cannot be told goes here, to be refused by intake: nothing is dropped on the way.
_TOPIC_OF_UNREADABLE = "visits"


@dataclass(frozen=True, slots=True)
class RawLine:
    """A line for a raw topic."""

    output: Output
    is_policy: bool = False


def read_line(raw: bytes) -> RawLine | datetime:
    """Return where a line goes, or for a tick the instant to which it raises the clock.

    A line that is no valid record still goes to a raw topic, by its kind where that can be told: intake says what is wrong.
    """
    kind, source_id = _kind_and_source(raw)
    if kind == Tick.kind:
        try:
            record = decode(raw)
        except Refusal:
            record = None
        if isinstance(record, Tick):
            return record.at
    topic = OUTSIDE_KINDS[kind].topic if kind in OUTSIDE_KINDS else _TOPIC_OF_UNREADABLE
    return RawLine(Output(topic, source_id, raw), is_policy=kind == "policy_changed")


def _kind_and_source(raw: bytes) -> tuple[str, bytes | None]:
    try:
        document = json.loads(raw)
    except (ValueError, RecursionError):
        return "", None
    if not isinstance(document, dict):
        return "", None
    kind, source_id = document.get("kind"), document.get("source_id")
    return (
        kind if isinstance(kind, str) else "",
        source_id.encode("utf-8", "replace") if isinstance(source_id, str) and source_id else None,
    )
