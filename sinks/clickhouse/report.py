"""The daily report of an area: figures from the views, for the area and for the areas of one level below it.

Every area that the log ever named appears, with zeros where nothing happened: a report of nothing is a report too.
`decided` counts checks with a verdict. What is still pending has none and is not in ClickHouse, so `expected` is given
once the day is closed: when every partition's clock has passed the last deadline of that day under the present policy.
It speaks of the log; a watch process that lags behind it may still owe verdicts.
"""

import json
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta
from typing import Any

from events.policy import Policy, parse_policy
from sinks.clickhouse.driver import Database

_AREA = re.compile(r"[A-Za-z0-9_-]+(/[A-Za-z0-9_-]+){0,7}")
_WHERE = "(area = {area:String} OR (startsWith(area, concat({area:String}, '/')) AND level = {level:UInt8}))"
_DAY = "date = {date:Date32}"

_CHECKS = f"""
SELECT area, check, window, decided, done, late, missed, waived, unknown FROM v_checks_by_area
WHERE {_DAY} AND {_WHERE} ORDER BY area, check, window
"""
_READINGS = f"""
SELECT area, sum(readings) AS readings, sum(fevers) AS fevers, sum(fevers_confirmed) AS fevers_confirmed
FROM v_readings_by_hour WHERE {_DAY} AND {_WHERE} GROUP BY area
"""
_SCANS = f"""
SELECT area, sum(s.scans) AS scans, sumIf(s.scans, decision = 'held') AS scans_held,
       sumIf(s.scans, decision = 'turned_back') AS scans_turned_back
FROM v_scans_by_day AS s WHERE {_DAY} AND {_WHERE} GROUP BY area
"""
_ALERTS = f"""
SELECT area, sum(alerts) AS alerts_open, sumIf(alerts, severity = 'critical') AS alerts_open_critical
FROM v_alerts_open WHERE {_WHERE} GROUP BY area
"""
_KNOWN = """
SELECT DISTINCT area FROM (SELECT DISTINCT area FROM timeline UNION ALL SELECT DISTINCT area FROM checks)
WHERE area = {area:String} OR startsWith(area, concat({area:String}, '/'))
"""
# A topic and partition without a single tick has no clock, and holds the day open.
_CLOCK = """
SELECT min(clock) AS clock, count() = (SELECT uniqExact(topic, partition) FROM timeline) AS is_complete FROM v_clock
"""

AREA_FIGURES = (
    "readings",
    "fevers",
    "fevers_confirmed",
    "scans",
    "scans_held",
    "scans_turned_back",
    "alerts_open",
    "alerts_open_critical",
)
CHECK_FIGURES = ("decided", "done", "late", "missed", "waived", "unknown")


class UnknownAreaError(Exception):
    """No record, check or alert ever named the area or one below it."""


@dataclass(frozen=True, slots=True)
class CheckFigures:
    """How the checks of one kind in one window ended; with empty names, all of them together."""

    check: str
    window: str
    decided: int = 0
    done: int = 0
    late: int = 0
    missed: int = 0
    waived: int = 0
    unknown: int = 0


@dataclass(slots=True)
class AreaFigures:
    """The figures of one area, everything below it included; alerts are those open now, whenever they were raised."""

    area: str
    checks: list[CheckFigures] = field(default_factory=list)
    figures: dict[str, int] = field(default_factory=lambda: dict.fromkeys(AREA_FIGURES, 0))

    @property
    def total(self) -> CheckFigures:
        """All checks and windows together."""
        return CheckFigures("", "", *(sum(getattr(row, name) for row in self.checks) for name in CHECK_FIGURES))


@dataclass(frozen=True, slots=True)
class Report:
    """A day of an area: the area first, then those of `level` below it, by name."""

    date: date
    area: str
    level: int
    timezone: str
    policy_version: str
    clock: datetime | None
    is_closed: bool
    areas: list[AreaFigures]

    def expected(self, figures: CheckFigures) -> int | None:
        """Return how many checks were expected; None while the day is not closed."""
        return figures.decided if self.is_closed else None


def normalised_area(text: str) -> str:
    """Return an area path without a slash at its end; raises ValueError that says what was expected."""
    area = text.rstrip("/")
    if _AREA.fullmatch(area) is None:
        raise ValueError("expected an area path of 1 to 8 segments, like jintang/huaikou/c012")
    return area


def daily_report(database: Database, day: date, area: str, level: int | None = None) -> Report:
    """Read the report of a local day; `level` counts segments from the top, by default one more than the area has.

    Raises UnknownAreaError, and ValueError for a level that is not below the area.
    """
    depth = area.count("/") + 1
    level = depth + 1 if level is None else level
    if not depth < level <= 9:
        raise ValueError(f"expected a level from {depth + 1} to 8, below the area")
    asked = {"date": day, "area": area, "level": level}
    areas = {name: AreaFigures(name) for name in [area, *sorted(_listed_areas(database, area, level))]}
    for row in database.query(_CHECKS, asked):
        _of(areas, row.pop("area")).checks.append(CheckFigures(**row))
    for query in (_READINGS, _SCANS, _ALERTS):
        for row in database.query(query, asked):
            _of(areas, row.pop("area")).figures.update(row)
    policy, clock = _policy(database), _clock(database)
    return Report(
        date=day,
        area=area,
        level=level,
        timezone=policy.timezone if policy else "UTC",
        policy_version=policy.policy_version if policy else "",
        clock=clock,
        is_closed=policy is not None and clock is not None and clock >= last_deadline(policy, day),
        areas=list(areas.values()),
    )


def _of(areas: dict[str, AreaFigures], area: str) -> AreaFigures:
    return areas.setdefault(area, AreaFigures(area))


def _listed_areas(database: Database, area: str, level: int) -> set[str]:
    known = [row["area"] for row in database.query(_KNOWN, {"area": area})]
    if not known:
        raise UnknownAreaError(f"no record of area {area} or of one below it is known")
    return {"/".join(segments[:level]) for path in known if len(segments := path.split("/")) >= level}


def _policy(database: Database) -> Policy | None:
    row = database.query("SELECT record FROM v_policy WHERE is_known")
    return parse_policy(json.loads(row[0]["record"])["policy"]) if row else None


def _clock(database: Database) -> datetime | None:
    (row,) = database.query(_CLOCK)
    return row["clock"] if row["is_complete"] else None


def last_deadline(policy: Policy, day: date) -> datetime:
    """Return the instant at which the last check of a local day is judged: end, grace and settle of its window."""
    return max(
        local_instant(policy, day, window.end) + check.grace + check.settle
        for check in policy.checks
        for window in check.windows
    )


def local_instant(policy: Policy, day: date, minute: int) -> datetime:
    """Return the instant at which a clock in the policy's zone shows `minute` minutes after midnight, 1440 at most."""
    clock_time = timedelta(minutes=minute)
    local = datetime.combine(day + timedelta(days=clock_time.days), time(), policy.zone) + timedelta(
        seconds=clock_time.seconds
    )
    return local.astimezone(UTC)


def report_rows(report: Report) -> Iterable[Mapping[str, Any]]:
    """Yield the report as flat rows: a line of an area has an empty check and window and holds its totals.

    Lines of a check and window leave the figures of the area empty, so that no column can be added up twice by mistake
    among the lines of one area.
    """
    nothing = dict.fromkeys(AREA_FIGURES)
    for area in report.areas:
        yield _row(report, area, area.total, area.figures)
        for checks in area.checks:
            yield _row(report, area, checks, nothing)


def _row(
    report: Report, area: AreaFigures, checks: CheckFigures, figures: Mapping[str, int | None]
) -> Mapping[str, Any]:
    return {
        "date": report.date.isoformat(),
        "area": area.area,
        "level": area.area.count("/") + 1,
        "check": checks.check,
        "window": checks.window,
        "expected": report.expected(checks),
        **{name: getattr(checks, name) for name in CHECK_FIGURES},
        **figures,
    }
