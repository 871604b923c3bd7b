"""The judge: from the raw log, what must stand in every other topic; from the town, what must follow from it.

    acknowledged lines ---(1)--> raw topics ---(2: intake's rules again)--> timeline, dead letters
                                                                              |
                     the town's truth ---(4)--> checks, alerts <---(3: replay of each partition)
                                                                              |
                                                  ClickHouse's views <---(5: the same, counted)

Nothing of the processes that ran is asked; only what the brokers and ClickHouse hold counts.
"""

from __future__ import annotations

import asyncio
import json
from collections import Counter
from collections.abc import Iterable
from itertools import islice
from pathlib import Path
from typing import Any

from events.records import RAW_TOPICS
from events.results import encode_alert, encode_verdict
from streams.feeding import RawLine, read_line
from streams.intake.decider import new_intake
from streams.replay import Replay
from streams.trying.truth import compare, read_rows
from tests.chaos.judge_views import judge_views
from tests.chaos.noise import noise
from tests.chaos.reading import Log, read_log
from tests.chaos.scene import Scene
from tests.chaos.verdict import Judgement

Final = dict[str, dict[str, Any]]


async def judge(scene: Scene) -> Judgement:
    """Judge a run that has come to its end; the processes may run or not."""
    log = await read_log(scene)
    return await asyncio.to_thread(_judge, scene, log)


def _judge(scene: Scene, log: Log) -> Judgement:
    found = Judgement()
    _judge_acknowledged(found, scene, log)
    _judge_intake(found, scene, log)
    _judge_ticks(found, log)
    finals = _judge_watch(found, log)
    _judge_truth(found, scene, *finals)
    judge_views(found, scene, log, *finals)
    return found


def _judge_acknowledged(found: Judgement, scene: Scene, log: Log) -> None:
    """(1) Every line that the brokers acknowledged to the sender stands in a raw topic."""
    stored = Counter(value for topic in RAW_TOPICS for value in log.values(topic))
    through = int((scene.plan.town.last() or ["0"])[0])
    with Path(scene.plan.events).open("rb") as file:
        lines = [read_line(raw.rstrip(b"\n")) for raw in islice(file, through)]
    town = (line.output.value for line in lines if isinstance(line, RawLine))
    count = int((scene.plan.noise.last() or ["0"])[0])
    sent = Counter(town) + Counter(noise(scene.seed, number).value for number in range(count))
    found.checked += sent.total()
    found.lose("acknowledged records", (value[:200] for value in (sent - stored).elements()))


def _judge_intake(found: Judgement, scene: Scene, log: Log) -> None:
    """(2) Timeline and dead letters hold what intake's rules make of the raw log, whoever applied them how often."""
    timeline, letters = set[bytes](), dict[str, bytes]()
    for topic in RAW_TOPICS:
        for partition, records in log.partitions(topic).items():
            intake = new_intake(topic, partition, scene.settings.worker.repeat_hours)
            for output in intake.take(records, 0):
                if output.topic == "timeline":
                    timeline.add(output.value)
                else:
                    letters[_place(output.value)] = output.value
    stored = Counter(value for value in log.values("timeline") if not _is_tick(value))
    found.checked += len(timeline)
    found.lose("timeline records", (value[:200] for value in timeline - stored.keys()))
    found.fault("timeline records too much", (value[:200] for value in stored.keys() - timeline))
    copies = len(log.partitions("timeline"))
    found.repeats += sum(count - (copies if _is_policy(value) else 1) for value, count in stored.items())
    from_intake = (value for value in log.values("dead-letters") if not _place(value).startswith("timeline:"))
    found.compare("dead letters of intake", letters, _once(found, "dead letters of intake", from_intake, _place))


def _judge_watch(found: Judgement, log: Log) -> tuple[Final, Final]:
    """(3) Verdicts, alerts and dead letters are those of a replay of each partition; returns those that hold."""
    checks, alerts = dict[Any, bytes](), dict[Any, bytes]()
    refused: Counter[str] = Counter()
    for partition, records in log.partitions("timeline").items():
        replay = Replay(partition=partition)
        for record in records:
            outcome = replay.decide(record.value or b"")
            if outcome.refusal is not None:
                refused[f"timeline:{partition}:{record.offset} {outcome.refusal.reason.value}"] += 1
            checks |= {(verdict.check_id, verdict.revision): encode_verdict(verdict) for verdict in outcome.verdicts}
            alerts |= {(alert.alert_id, alert.revision): encode_alert(alert) for alert in outcome.alerts}
    finals = []
    for topic, identity, expected in (("checks", "check_id", checks), ("alerts", "alert_id", alerts)):
        stored = _once(found, topic, log.values(topic), lambda value, name=identity: _revision(value, name))
        found.compare(topic, expected, stored)
        _judge_order(found, log, topic, identity)
        finals.append({key: json.loads(value) for (key, _), value in sorted(expected.items())})
    from_watch = (value for value in log.values("dead-letters") if _place(value).startswith("timeline:"))
    letters = _once(found, "dead letters of watch", from_watch, _place)
    came = Counter(f"{place} {json.loads(value)['reason']}" for place, value in letters.items())
    found.compare_counts("dead letters of watch", refused, came)
    return finals[0], finals[1]


def _judge_order(found: Judgement, log: Log, topic: str, identity: str) -> None:
    """See that no revision stands before a lower one that came later for the first time, and which ones were overtaken."""
    seen: dict[str, int] = {}
    last: dict[str, int] = {}
    early = []
    for value in log.values(topic):
        name, revision = _revision(value, identity)
        if revision > seen.get(name, 0) + 1:
            early.append(f"{name} {revision}")
        seen[name] = max(revision, seen.get(name, 0))
        last[name] = revision
    found.fault(f"{topic} before their revision", early)
    found.overtaken += sum(last[name] < revision for name, revision in seen.items())


def _judge_ticks(found: Judgement, log: Log) -> None:
    """See that no record stands behind a tick that is later than its arrival, but as a repeat."""
    late = []
    for partition, records in log.partitions("timeline").items():
        clock, seen = "", set[str]()
        for record in records:
            document = json.loads(record.value or b"")
            if document["kind"] == "tick":
                clock = max(clock, document["at"])
            elif document["kind"] != "source_heard" and document["event_id"] not in seen:
                seen.add(document["event_id"])
                if _sortable(document["received_at"]) < _sortable(clock):
                    late.append(f"{partition}:{record.offset}")
    found.fault("records behind a later tick", late)


def _judge_truth(found: Judgement, scene: Scene, checks: Final, alerts: Final) -> None:
    """(4) What holds in the end is what the town planned, which knows nothing of what intake tells of sources."""
    town = Path(scene.plan.events).parent
    alerts = {key: alert for key, alert in alerts.items() if alert["rule"] not in ("sequence_gap", "source_silent")}
    for name, identity, final in (("checks", "check_id", checks), ("alerts", "alert_id", alerts)):
        truth = compare(name, identity, read_rows(town / f"truth-{name}.ndjson"), final.values())
        found.checked += truth.expected
        found.lose(f"{name} of the town", truth.missing)
        found.fault(f"{name} that the town has not", truth.extra)
        found.fault(f"{name} other than the town's", truth.different)


def _once(found: Judgement, what: str, values: Iterable[bytes], key: Any) -> dict[Any, bytes]:
    """Return the values by identity; the same bytes again are a repeat, other bytes a duplicate."""
    stored: dict[Any, bytes] = {}
    double = []
    for value in values:
        name = key(value)
        if stored.setdefault(name, value) != value:
            double.append(name)
        elif stored[name] is not value:
            found.repeats += 1
    found.double(what, double)
    return stored


def _revision(value: bytes, identity: str) -> tuple[str, int]:
    document = json.loads(value)
    return document[identity], document["revision"]


def _place(letter: bytes) -> str:
    document = json.loads(letter)
    return f"{document['topic']}:{document['partition']}:{document['offset']}"


def _is_tick(value: bytes) -> bool:
    return value.startswith(b'{"kind":"tick"')


def _is_policy(value: bytes) -> bool:
    return value.startswith(b'{"kind":"policy_changed"')


def _sortable(instant: str) -> str:
    # Written in UTC with a `Z`, a fraction only where there is one: the dot sorts before the letter.
    return instant if "." in instant else instant.replace("Z", ".")
