"""The ledger's equation, from the rows of ClickHouse alone: expected = done + late + missed + waived + unknown + pending.

What was decided stands in `checks`. What was expected is counted from the openings of observations and the policy, without
the core: of a person whose days lie under one policy and who has no closing, every window of each day is promised, whatever
else comes. Such checks are certain, and most are. Left out, because only the core could tell, are those

    of an observation that was opened before the policy that holds,
    that begin before the opening or at or before the clock at that policy,
    that end after a closing of the person.

For each area and day three things must hold: a certain check whose time has come has a verdict; no verdict is about somebody
whom no exposure puts under observation on that day; and the figures of the views are those of the rows, in every area.
"""

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import Any, NamedTuple

from events.policy import CheckPolicy, Policy, Window, default_policy, parse_policy
from sinks.clickhouse.driver import Database
from sinks.clickhouse.report import local_instant

STATES = ("done", "late", "missed", "waived", "unknown")
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)

# Records that were refused, or that came before, have not changed the policy.
_POLICIES = """
SELECT partition, event_id, min(offset) AS first_offset, any(record) AS content
FROM timeline
WHERE topic = {topic:String} AND kind = 'policy_changed' AND offset < {before:Array(UInt64)}[partition + 1]
  AND (partition, offset) NOT IN
      (SELECT source_partition, source_offset FROM dead_letters WHERE source_topic = 'timeline')
GROUP BY partition, event_id ORDER BY partition, first_offset
"""
_CLOCK = """
SELECT partition, max(occurred_at) AS clock FROM timeline
WHERE topic = {topic:String} AND kind = 'tick' AND offset < {before:Array(UInt64)}[partition + 1]
GROUP BY partition
"""
_EXPOSED = "toInt32(toDate32(JSONExtractString(record, 'last_exposure_on')))"
# Openings and extensions with what was exposed before: an earlier exposure than that changes nothing.
_OPENINGS = f"""
SELECT person_id, area, kind, partition, offset, toUnixTimestamp64Micro(occurred_at) AS opened, {_EXPOSED} AS exposed,
       max(exposed) OVER (PARTITION BY person_id ORDER BY offset ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING) AS before
FROM timeline
WHERE topic = {{topic:String}} AND kind IN ('observation_opened', 'observation_extended')
  AND offset < {{ticked:Array(UInt64)}}[partition + 1]
"""
_CLOSINGS = """
SELECT person_id, min(toUnixTimestamp64Micro(occurred_at)) AS closed, min(offset) AS first_offset, count() AS closings
FROM timeline WHERE topic = {topic:String} AND kind = 'observation_closed' GROUP BY person_id
"""
_CERTAIN = f"""
SELECT o.person_id AS person_id, w.1 AS day, w.2 AS name, w.3 AS window, any(o.area) AS area, any(w.6) AS is_judged
FROM (SELECT *, arrayJoin(%(windows)s) AS w FROM ({_OPENINGS})) AS o
LEFT JOIN ({_CLOSINGS}) AS c ON c.person_id = o.person_id
WHERE o.kind = 'observation_opened' AND o.offset >= {{since_offset:Array(UInt64)}}[o.partition + 1] AND o.exposed > o.before
  AND day > o.exposed AND day <= o.exposed + {{period:Int32}}
  AND o.opened <= w.4 AND w.4 > {{since_clock:Array(Int64)}}[o.partition + 1]
  AND (c.closings = 0 OR (c.closed >= w.5 AND c.first_offset > o.offset))
GROUP BY person_id, day, name, window
"""
_VERDICTS = """
SELECT person_id, toInt32(date) AS day, toString(check) AS name, toString(window) AS window,
       toString(argMax(t.state, t.revision)) AS state
FROM checks AS t WHERE topic = {checks:String} AND date >= {first:Date32} AND date <= {last:Date32}
GROUP BY person_id, date, check, window
"""
_COUNTED = ", ".join(f"sum(state = '{state}') AS {state}" for state in STATES)
_EXPECTED = f"""
SELECT area, p.day AS day, count() AS expected, {_COUNTED},
       sum(is_judged = 0 AND state = '') AS pending, sum(is_judged = 1 AND state = '') AS lost
FROM ({_CERTAIN}) AS p
LEFT JOIN ({_VERDICTS}) AS v ON v.person_id = p.person_id AND v.day = p.day AND v.name = p.name AND v.window = p.window
GROUP BY area, day
"""
_UNFOUNDED = f"""
SELECT area, day, count() AS unfounded
FROM
(
    SELECT any(person_id) AS person_id, argMax(t.area, t.revision) AS area, toInt32(any(t.date)) AS day
    FROM checks AS t
    WHERE topic = {{checks:String}} AND date >= {{first:Date32}} AND date <= {{last:Date32}}
      AND offset < {{sunk:Array(UInt64)}}[partition + 1]
    GROUP BY check_id
) AS v
LEFT JOIN
(
    SELECT person_id, groupUniqArray({_EXPOSED}) AS exposures
    FROM timeline
    WHERE topic = {{topic:String}} AND kind IN ('observation_opened', 'observation_extended') GROUP BY person_id
) AS o ON o.person_id = v.person_id
WHERE NOT arrayExists(exposed -> day > exposed AND day <= exposed + {{period:Int32}}, o.exposures)
GROUP BY area, day
"""


class AreaDay(NamedTuple):
    """An area and a local date."""

    area: str
    date: date


@dataclass(frozen=True, slots=True)
class Equation:
    """The certain checks of an area and day: what is expected, and what became of it.

    `lost` are those whose time has come and that have no verdict: there should be none. `unfounded` are verdicts about
    somebody who is not under observation on that day.
    """

    place: AreaDay
    expected: int = 0
    done: int = 0
    late: int = 0
    missed: int = 0
    waived: int = 0
    unknown: int = 0
    pending: int = 0
    lost: int = 0
    unfounded: int = 0


@dataclass(frozen=True, slots=True)
class Held:
    """How far the parts are; `topic` and `checks` are the names on the brokers.

    `ticked` is the offset of the tick to which watch has raised the clock, for every partition of the timeline, and `clock`
    the lowest of these; `sunk` is how far the sink is in every partition of the checks. ClickHouse must hold the timeline
    and all verdicts that watch wrote up to `ticked`, and all of the timeline from which the verdicts below `sunk` come.
    """

    topic: str
    checks: str
    ticked: Sequence[int]
    clock: datetime
    sunk: Sequence[int]


class Ledger(NamedTuple):
    """The equations of the local dates from `first` to `last`, by day and area."""

    first: date
    last: date
    equations: list[Equation]


def read_ledger(database: Database, held: Held, since: datetime) -> Ledger:
    """Return the equations of the local dates on which the clock was since an instant, 62 at most."""
    policies = _policies(database, held)
    policy = policies[0][-1].policy if policies[0] else default_policy()
    last = held.clock.astimezone(policy.zone).date()
    first = max(since.astimezone(policy.zone).date(), last - timedelta(days=_LONGEST_DAYS - 1))
    asked = {
        "topic": held.topic,
        "checks": held.checks,
        "ticked": list(held.ticked),
        "sunk": list(held.sunk),
        "since_offset": [_since(found, policy) for found in policies],
        "since_clock": _clocks_at_policies(database, held, policies),
        "first": first,
        "last": last,
    }
    windows = _windows(policy, first, last, held.clock)
    found: dict[AreaDay, dict[str, int]] = {}
    known = [default_policy(), *(each.policy for part in policies for each in part)]
    longest = max(each.observation.period_days for each in known)
    expected = _EXPECTED % {"windows": windows}
    for query, period in ((expected, policy.observation.period_days), (_UNFOUNDED, longest)):
        for row in database.query(query, asked | {"period": period}):
            found.setdefault(area_day(row), {}).update(numbers(row))
    return Ledger(first, last, [Equation(place, **found[place]) for place in sorted(found, key=by_date)])


class _InForce(NamedTuple):
    offset: int
    policy: Policy


_LONGEST_DAYS = 62
_NEVER = 2**63 - 1


def _policies(database: Database, held: Held) -> list[list[_InForce]]:
    """Return the policies that were taken, by partition, in their order."""
    found: list[list[_InForce]] = [[] for _ in held.ticked]
    for row in database.query(_POLICIES, {"topic": held.topic, "before": list(held.ticked)}):
        policy = parse_policy(json.loads(row["content"])["policy"])
        found[row["partition"]].append(_InForce(row["first_offset"], policy))
    return found


def _since(policies: Sequence[_InForce], policy: Policy) -> int:
    """Return the offset from which on a policy holds in a partition; beyond all where another one does."""
    if policies and policies[-1].policy != policy:
        return _NEVER
    return policies[-1].offset if policies else 0


def _clocks_at_policies(database: Database, held: Held, policies: Sequence[Sequence[_InForce]]) -> list[int]:
    """Return the clock of each partition at the policy that holds, in microseconds since 1970; -1 where there was none."""
    before = [found[-1].offset if found else 0 for found in policies]
    rows = database.query(_CLOCK, {"topic": held.topic, "before": before})
    clocks = {row["partition"]: _microseconds(row["clock"]) for row in rows}
    return [clocks.get(partition, -1) for partition in range(len(policies))]


def _windows(policy: Policy, first: date, last: date, clock: datetime) -> str:
    """Return the windows of all dates as an array of tuples: day, check, window, start, end, and whether it is judged.

    They stand in the text, because parameters travel in an address, which has a longest length. A policy has no name that
    could end a string.
    """
    days = [first + timedelta(days=number) for number in range((last - first).days + 1)]
    return (
        "["
        + ", ".join(_window(policy, check, window, day, clock) for day, check, window in _laid_out(policy, days))
        + "]"
    )


def _laid_out(policy: Policy, days: Sequence[date]) -> Iterator[tuple[date, CheckPolicy, Window]]:
    for day in days:
        for check in policy.checks:
            for window in check.windows:
                yield day, check, window


def _window(policy: Policy, check: CheckPolicy, window: Window, day: date, clock: datetime) -> str:
    start, end = local_instant(policy, day, window.start), local_instant(policy, day, window.end)
    is_judged = end + check.grace + check.settle <= clock
    number = (day - _EPOCH.date()).days
    return (
        f"({number}, '{check.name}', '{window.name}', {_microseconds(start)}, {_microseconds(end)}, {int(is_judged)})"
    )


def _microseconds(instant: datetime) -> int:
    return (instant - _EPOCH) // timedelta(microseconds=1)


def area_day(row: Mapping[str, Any]) -> AreaDay:
    """Return the place of a row, whose `day` counts from 1970."""
    return AreaDay(row["area"], _EPOCH.date() + timedelta(days=row["day"]))


def numbers(row: Mapping[str, Any]) -> dict[str, int]:
    """Return the figures of a row."""
    return {name: int(value) for name, value in row.items() if name not in ("area", "day")}


def by_date(place: AreaDay) -> tuple[date, str]:
    """Return what places are sorted by."""
    return place.date, place.area
