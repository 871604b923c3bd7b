"""Histories as values: their lines, what the core makes of them, and the random choices that belong to a seed."""

import json
from collections.abc import Iterable
from dataclasses import dataclass
from functools import lru_cache
from random import Random
from typing import Any

from events.codec import Refusal, decode, decode_under_fixed_policy
from events.policy import Policy, parse_policy
from events.records import Record, Tick
from events.results import encode_alert, encode_verdict
from streams.core.outcome import Outcome
from streams.replay import Replay
from tests.support.histories import history

Row = dict[str, Any]
CLOCKS = ("decided_at", "raised_at", "updated_at")


@dataclass(frozen=True)
class Log:
    """The history of a seed; `policy` holds throughout, or None for those in the log."""

    seed: int
    size: str
    lines: list[bytes]
    policy: Row | None

    def random(self, purpose: str) -> Random:
        """Return random choices of this seed and a purpose."""
        return Random(f"{self.seed}/{self.size}/{purpose}")

    def replay(self, lines: Iterable[bytes] | None = None) -> "Results":
        """Decide the log, or other lines under its policy."""
        return replay(self.lines if lines is None else lines, self.policy)


@dataclass(frozen=True)
class Results:
    """What the core made of a log; outcomes are by line, None for a blank one."""

    outcomes: list[Outcome | None]
    replay: Replay

    @property
    def verdicts(self) -> list[bytes]:
        """Every verdict in the order decided."""
        return [encode_verdict(each) for outcome in self.outcomes if outcome for each in outcome.verdicts]

    @property
    def alerts(self) -> list[bytes]:
        """Every alert revision in the order decided."""
        return [encode_alert(each) for outcome in self.outcomes if outcome for each in outcome.alerts]

    @property
    def refusals(self) -> dict[int, Refusal]:
        """The refused lines by number."""
        return {
            number: outcome.refusal
            for number, outcome in enumerate(self.outcomes)
            if outcome is not None and outcome.refusal is not None
        }


@lru_cache(maxsize=256)
def make_log(seed: int, size: str) -> Log:
    """Make the history of a seed."""
    lines, policy = history(seed, size)
    return Log(seed, size, lines, policy)


def replay(lines: Iterable[bytes], policy: Row | None = None) -> Results:
    """Decide lines from the beginning."""
    fixed: Policy | None = None if policy is None else parse_policy(policy)
    core = Replay(fixed)
    return Results([core.decide(line) if line.strip() else None for line in lines], core)


def read(line: bytes) -> Record | None:
    """Read a line; None where it is blank or refused. Policies are read."""
    try:
        return decode(line) if line.strip() else None
    except Refusal:
        return None


def tick_of(line: bytes) -> Tick | None:
    """Read a line that is a tick; None for any other."""
    if not line.startswith(b'{"kind":"tick"'):
        return None
    try:
        record = decode_under_fixed_policy(line)
    except Refusal:
        return None
    return record if isinstance(record, Tick) else None


def rows(results: Iterable[bytes]) -> list[Row]:
    """Read results as JSON."""
    return [json.loads(line) for line in results]


def without_clocks(results: Iterable[bytes]) -> list[Row]:
    """Read results as JSON, without the instants at which they were decided."""
    return [{name: value for name, value in row.items() if name not in CLOCKS} for row in rows(results)]


def of_people(alerts: Iterable[bytes]) -> list[bytes]:
    """Leave out what follows from when and where intake heard of sources."""
    return [line for line in alerts if json.loads(line)["rule"] not in ("source_silent", "sequence_gap")]


def by_identity(identity: str, results: Iterable[bytes]) -> dict[str, list[Row]]:
    """Gather the revisions of every id in the order decided."""
    found: dict[str, list[Row]] = {}
    for row in rows(results):
        found.setdefault(row[identity], []).append(row)
    return found


def final_revisions(identity: str, results: Iterable[bytes]) -> dict[str, Row]:
    """Return the highest revision of every id, whatever the order; two of one number must be the same bytes."""
    found: dict[str, dict[int, bytes]] = {}
    for line in results:
        row = json.loads(line)
        assert found.setdefault(row[identity], {}).setdefault(row["revision"], line) == line
    return {name: json.loads(revisions[max(revisions)]) for name, revisions in found.items()}
