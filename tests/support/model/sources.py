"""Sources, their silence and their missing numbers: the addition **Sources** to contract section 4.

Nothing is put together: numbers that came are kept as they came, and holes are looked for anew each time.
"""

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from tests.support.model.instants import parse_instant
from tests.support.model.results import change_alert, raise_alert
from tests.support.model.world import Alert, Record, World

_GAP_AFTER = timedelta(minutes=10)
_RESTART = 100_000
_MOST_HOLES = 64

Range = tuple[int, int]


@dataclass(eq=False)
class Source:
    """One source; `seen` says when numbers were first known to be missing, `given_up` which are not asked for."""

    name: str
    definition: Record | None = None
    watched_since: datetime | None = None
    heard_until: datetime | None = None
    came: list[Range] = field(default_factory=list)
    seen: list[tuple[Range, datetime]] = field(default_factory=list)
    given_up: list[Range] = field(default_factory=list)
    told: set[str] = field(default_factory=set)

    @property
    def key(self) -> str:
        return f"source:{self.name}"

    @property
    def holes(self) -> list[Range]:
        """Find the numbers between the lowest and the highest that neither came nor were given up."""
        found: list[Range] = []
        reached = min((first for first, _ in self.came), default=0) - 1
        for first, last in sorted(self.came + self.given_up):
            if first > reached + 1:
                found.append((reached + 1, first - 1))
            reached = max(reached, last)
        return found

    def seen_at(self, hole: Range) -> datetime:
        (seen_at,) = [at for (first, last), at in self.seen if first <= hole[0] <= last]
        return seen_at

    @property
    def silent_since(self) -> datetime | None:
        if self.watched_since is None:
            return None
        return max(self.watched_since, self.heard_until or self.watched_since)


def define(world: World, record: Record) -> None:
    """Follow a definition."""
    source = _source(world, record["defined_source_id"])
    source.definition = record
    if not (record["is_active"] and record["interval_seconds"] > 0):
        source.watched_since = None
        _end(world, source, "source_silent", "source_changed", record["event_id"])
    elif source.watched_since is None:
        source.watched_since = world.now


def hear(world: World, record: Record) -> None:
    """Follow what intake tells of a source."""
    source = _source(world, record["source_id"])
    heard_until = parse_instant(record["heard_until"])
    if source.heard_until is None or heard_until > source.heard_until:
        source.heard_until = heard_until
        _end(world, source, "source_silent", "heard_again", record["event_id"])
    began_again = False
    for run in record["sequences"]:
        began_again = _add(world, source, (run["first"], run["last"])) or began_again
    if not source.holes:
        _end(world, source, "sequence_gap", "given_up" if began_again else "backfilled", record["event_id"])


def _source(world: World, name: str) -> Source:
    source: Source = world.sources.setdefault(name, Source(name))
    return source


def _add(world: World, source: Source, run: Range) -> bool:
    assert world.now is not None
    if not source.came:
        source.came.append(run)
        return False
    lowest, highest = min(first for first, _ in source.came), max(last for _, last in source.came)
    fills = any(first <= run[1] and run[0] <= last for first, last in source.holes)
    if run[1] < highest - _RESTART and not fills:
        source.came, source.seen, source.given_up = [run], [], []
        return True
    if run[1] < lowest - 1:
        return False
    source.came.append(run)
    if run[0] > highest + 1:
        source.seen.append(((highest + 1, run[0] - 1), world.now))
    while len(source.holes) > _MOST_HOLES:
        source.given_up.append(source.holes[0])
    return False


def _open_alert(world: World, source: Source, rule: str) -> Alert | None:
    for alert in world.alerts:
        if (alert.rule, alert.person, alert.is_open) == (rule, source.key, True):
            return alert
    return None


def _end(
    world: World,
    source: Source,
    rule: str,
    reason: str,
    event_id: str | None = None,
    instant: datetime | None = None,
) -> None:
    alert = _open_alert(world, source, rule)
    if alert is not None:
        change_alert(world, alert, reason=reason, state="resolved", event_id=event_id, instant=instant)


def write_off(world: World, alert: Alert) -> None:
    """Let go of all holes of a source when staff have resolved their alert."""
    if alert.rule == "sequence_gap" and not alert.is_open:
        source = world.sources[alert.person.removeprefix("source:")]
        source.given_up += source.holes


def fall_due(world: World, at: datetime) -> None:
    """Follow the clock."""
    for source in list(world.sources.values()):
        while True:
            due = [found for found in _due(world, source) if found[0] <= at]
            if not due:
                break
            instant, what = min(due)
            if what == "forget":
                del world.sources[source.name]
                break
            _decide(world, source, what, instant)


def _due(world: World, source: Source) -> list[tuple[datetime, str]]:
    memory = timedelta(days=max(30, world.policy["late_days"]))
    seen = [source.seen_at(hole) for hole in source.holes]
    found = [(at + memory, "give up") for at in seen]
    if _open_alert(world, source, "sequence_gap") is None:
        found += [(at + _GAP_AFTER, "gap") for at in seen]
    since = source.silent_since
    if since is not None and stamp(since) not in source.told:
        assert source.definition is not None
        found.append((since + timedelta(seconds=source.definition["interval_seconds"]), "silence"))
    if source.definition is None and source.heard_until is not None and not seen:
        found.append((source.heard_until + memory, "forget"))
    return found


def _decide(world: World, source: Source, what: str, instant: datetime) -> None:
    if what == "give up":
        memory = timedelta(days=max(30, world.policy["late_days"]))
        source.given_up += [hole for hole in source.holes if source.seen_at(hole) + memory <= instant]
        if not source.holes:
            _end(world, source, "sequence_gap", "given_up", instant=instant)
        return
    areas: list[Any] = [] if source.definition is None else source.definition["areas"]
    rule, due_at = "sequence_gap", None
    if what == "silence":
        since = source.silent_since
        assert since is not None
        rule, due_at, occurrence = "source_silent", instant, stamp(since)
        source.told.add(occurrence)
    else:
        occurrence = f"{source.holes[0][0]}/{stamp(min(map(source.seen_at, source.holes)))}"
    raise_alert(
        world,
        rule=rule,
        subject=source.key,
        occurrence=occurrence,
        person=source.key,
        area=areas[0] if areas else "",
        severity="warning",
        due_at=due_at,
        instant=instant,
    )


def stamp(instant: datetime) -> str:
    """Name an instant to the second."""
    return instant.strftime("%Y%m%dT%H%M%SZ")
