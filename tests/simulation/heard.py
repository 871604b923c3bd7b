"""The judgement of what intake told of sources: every number that came is told in its time, no other, and each sign of life.

Found from the raw topics alone. Which numbers a record tells of depends on what intake recognises as a repeat, so that the
records of a source and raw partition are looked at together; that a repeat is told of or not makes no difference then.
"""

import json
import re
from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from typing import Any, Protocol
from zlib import crc32

from faust.types import TP

from events.results import encode_source_state
from streams.replay import Replay
from streams.watch.outages import outages_of
from tests.simulation.broker import Broker, Kept
from tests.simulation.devices import RAW_TOPICS
from tests.support.model.instants import parse_instant
from tests.support.model.validation import _ID, LINE_BYTES_MAX, DeadLetter, _decode
from tests.support.source_states import source_states

_BUCKET_MS = 1_800_000
_OF_WATCH = re.compile(rb'"outage_id":"(silent|gap):[0-9a-f]{32}"')
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)

Where = tuple[TP, str]  # a raw partition, and a source


class _Judgement(Protocol):
    overtaken: int

    def add_lost(self, what: str, which: Iterable[object]) -> None:
        """Note what must be there and is not."""

    def add_wrong(self, what: str, which: Iterable[object]) -> None:
        """Note what is there and must not be, or otherwise."""


@dataclass
class _Came:
    """What came of a source in a raw partition: numbers with the buckets in which they came, and all buckets."""

    numbers: dict[int, int] = field(default_factory=dict)
    buckets: set[int] = field(default_factory=set)


def judge_heard(judgement: _Judgement, broker: Broker) -> None:
    """Compare what stands in the timeline with what came."""
    came, last_bucket = _came(broker)
    told, heard, contents = defaultdict[Where, set[int]](set), defaultdict[Where, set[int]](set), dict[str, bytes]()
    partitions = broker.counts["timeline"]
    for tp in broker.of_topics(["timeline"]):
        for record in broker.partitions[tp].ever:
            value = record.value or b""
            if not value.startswith(b'{"kind":"source_heard"'):
                continue
            document = json.loads(value)
            _, topic, number, _, _ = document["event_id"].split(":")
            where = TP(topic, int(number)), document["source_id"]
            if crc32(f"source:{where[1]}".encode()) % partitions != tp.partition:
                judgement.add_wrong("heard under a wrong key", [document["event_id"]])
            if contents.setdefault(document["event_id"], value) != value:
                judgement.add_wrong("heard with two contents", [document["event_id"]])
            until_ms = (parse_instant(document["heard_until"]) - _EPOCH) // timedelta(milliseconds=1)
            heard[where].add(until_ms // _BUCKET_MS - 2)
            for run in document["sequences"]:
                told[where].update(range(run["first"], run["last"] + 1))
    for where, found in came.items():
        latest = last_bucket[where[0]]
        due = {number for number, bucket in found.numbers.items() if bucket < latest}
        judgement.add_lost(f"numbers of {where} not told", sorted(due - told[where]))
        # What is told of two half hours at once is told of the later one.
        lived = [(bucket, after) for bucket, after in pairwise(sorted(found.buckets)) if bucket < latest]
        silent = [bucket for bucket, after in lived if not heard[where] & {bucket, after}]
        judgement.add_lost(f"signs of life of {where} not told, in", silent)
        last = max(found.buckets)
        judgement.add_lost(
            f"the last sign of life of {where} not told", [last] if last < latest and last not in heard[where] else []
        )
    for where in told.keys() | heard.keys():
        found = came.get(where, _Came())
        judgement.add_wrong(f"numbers of {where} that nobody sent", sorted(told[where] - found.numbers.keys()))
        judgement.add_wrong(f"signs of life of {where} that nobody gave", sorted(heard[where] - found.buckets))


def judge_what_watch_tells(judgement: _Judgement, broker: Broker) -> None:
    """Compare the states of sources and the outages that watch wrote with what a replay of each partition brings."""
    states, outages = defaultdict[str, list[bytes]](list), set[bytes]()
    for tp in broker.of_topics(["timeline"]):
        replay = Replay()
        for record in broker.partitions[tp].ever:
            outcome = replay.decide(record.value or b"")
            for state in source_states(outcome):
                states[state.source_id].append(encode_source_state(state))
            outages.update(each.value for alert in outcome.alerts for each in outages_of(alert))
    found = {
        record.value or b""
        for tp in broker.of_topics(["commands"])
        for record in broker.partitions[tp].ever
        if _OF_WATCH.search(record.value or b"")  # a history names it as a source too
    }
    judgement.add_lost("watch has not told", sorted(outages - found))
    judgement.add_wrong("watch has told what does not follow", sorted(found - outages))
    judge_states(judgement, broker, states)


def judge_states(judgement: _Judgement, broker: Broker, states: Mapping[str, list[bytes]]) -> None:
    """Judge what stands in `source-states`: any of the `states` that a source went through may be left out, but the last.

    Compaction leaves what was written last. That is the last of all, or an older one by a process that was frozen (see
    `verdict.judge_what_remains`).
    """
    written = defaultdict[str, list[tuple[bytes, str]]](list)
    for tp in broker.of_topics(["source-states"]):
        partition = broker.partitions[tp]
        for record, writer in zip(partition.ever, partition.writers, strict=True):
            source_id = (record.key or b"").decode()
            written[source_id].append((record.value or b"", writer.partition("/")[0]))
            if crc32(record.key or b"") % broker.counts[tp.topic] != tp.partition:
                judgement.add_wrong("source-states under a wrong key", [f"{tp.topic}:{tp.partition}@{record.offset}"])
    for source_id in sorted(states.keys() | written.keys()):
        wanted, found = states.get(source_id, []), written.get(source_id, [])
        judgement.add_wrong(
            f"states of {source_id} that do not follow", sorted({value for value, _ in found} - {*wanted})
        )
        by_whom = {process for value, process in found if value == wanted[-1]} if wanted else set[str]()
        if wanted and not by_whom:
            judgement.add_lost(f"the last state of {source_id} is not told", wanted[-1:])
        elif wanted and found[-1][0] != wanted[-1]:
            if found[-1][1] in by_whom:
                judgement.add_wrong(f"source-states end with an old state of {source_id}", [found[-1][0]])
            else:
                judgement.overtaken += 1


def _came(broker: Broker) -> tuple[dict[Where, _Came], dict[TP, int]]:
    """Read the raw topics: what came of each source, and the last bucket of each partition."""
    came, last_bucket = defaultdict[Where, _Came](_Came), defaultdict[TP, int](lambda: -1)
    for tp in broker.of_topics(RAW_TOPICS):
        for record in broker.partitions[tp].ever:
            document = _document(record)
            source = document.get("source_id")
            if not isinstance(source, str) or _ID.fullmatch(source) is None:
                continue
            # Scans are gathered, by a bucket that never goes back.
            bucket = record.timestamp // _BUCKET_MS
            if tp.topic == "checkpoints":
                bucket = max(bucket, last_bucket[tp])
            last_bucket[tp] = max(bucket, last_bucket[tp])
            found = came[tp, source]
            found.buckets.add(bucket)
            sequence = document.get("sequence")
            if isinstance(sequence, int) and not isinstance(sequence, bool) and 1 <= sequence < 2**63:
                found.numbers.setdefault(sequence, bucket)
    return came, last_bucket


def _document(record: Kept) -> dict[str, Any]:
    value = record.value or b""
    try:
        return _decode(value) if len(value) <= LINE_BYTES_MAX else {}
    except DeadLetter:
        return {}
