"""Writes a town into a directory: the history in log order, and the truth beside it."""

import json
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import asdict, dataclass, field
from importlib import resources
from pathlib import Path
from tomllib import loads
from typing import Any, BinaryIO, Final

import msgspec

from streams.town.calendar import DAY, HOUR, MINUTE
from streams.town.draft import Draft
from streams.town.journal import PlannedRecord
from streams.town.plan import draw_plan
from streams.town.scans import EverydayScans, arrived_before
from streams.town.settings import TownSettings

FORMAT_VERSION: Final = 1
EVENTS: Final = "events.ndjson"
TRUTH_CHECKS: Final = "truth-checks.ndjson"
TRUTH_ALERTS: Final = "truth-alerts.ndjson"
TRUTH_DEAD_LETTERS: Final = "truth-dead-letters.ndjson"
TOWN: Final = "town.json"

Progress = Callable[[int, int, int], None]
"""Called after each day with the days written, the days in all, and the lines so far."""


@dataclass(slots=True)
class TownSummary:
    """What was written: counts of lines, records (lines that are no ticks), ticks, stories and expected outcomes."""

    settings: TownSettings
    lines: int = 0
    ticks: int = 0
    scans_written: int = 0
    scans_in_full: int = 0
    communities: int = 0
    grids: int = 0
    stories: dict[str, int] = field(default_factory=dict)
    checks: dict[str, int] = field(default_factory=dict)
    alerts: dict[str, int] = field(default_factory=dict)
    alert_states: dict[str, int] = field(default_factory=dict)
    dead_letters: dict[str, int] = field(default_factory=dict)

    def as_json(self) -> dict[str, Any]:
        """Return the content of `town.json`."""
        counts = asdict(self)
        counts.pop("settings")
        return {
            "format": FORMAT_VERSION,
            "settings": self.settings.as_json(),
            "records": self.lines - self.ticks,
            **counts,
        }


def write_town(settings: TownSettings, directory: Path, progress: Progress | None = None) -> TownSummary:
    """Write events, truth and `town.json`, the last one at the end: where it stands, the others are whole.

    Files of an earlier town in the directory are replaced. Memory holds the stories and one day of everyday scans.
    """
    directory.mkdir(parents=True, exist_ok=True)
    (directory / TOWN).unlink(missing_ok=True)
    draft = draw_plan(settings)
    summary = TownSummary(settings, stories=dict(sorted(draft.stories.items())))
    areas = {home.area for home in draft.census.compounds}
    summary.grids, summary.communities = len(areas), len({area.rsplit("/", 1)[0] for area in areas})
    with ExitStack() as files:
        events = files.enter_context((directory / EVENTS).open("wb"))
        dead_letters = files.enter_context((directory / TRUTH_DEAD_LETTERS).open("wb"))
        _History(draft, summary, events, dead_letters).write(progress)
    _write_truth(draft, summary, directory)
    (directory / TOWN).write_text(json.dumps(summary.as_json(), indent=2) + "\n", encoding="utf-8")
    return summary


def _write_truth(draft: Draft, summary: TownSummary, directory: Path) -> None:
    checks = sorted(
        draft.truth.checks, key=lambda check: (check["date"], check["window"], check["person_id"], check["check"])
    )
    alerts = sorted((alert.final() for alert in draft.truth.alerts), key=_alert_order)
    summary.checks = _counted(check["state"] for check in checks)
    summary.alerts = _counted(alert["rule"] for alert in alerts)
    summary.alert_states = _counted(alert["state"] for alert in alerts)
    for name, rows in ((TRUTH_CHECKS, checks), (TRUTH_ALERTS, alerts)):
        (directory / name).write_bytes(b"".join(msgspec.json.encode(row) + b"\n" for row in rows))


def _alert_order(alert: dict[str, Any]) -> tuple[str, str, str]:
    return alert["rule"], alert["subject"], alert["occurrence"]


def _counted(words: Iterator[str]) -> dict[str, int]:
    return dict(sorted(Counter(words).items()))


@dataclass(slots=True)
class _History:
    """The log while it is written. Sequences of gates are shared between stories and everyday scans."""

    draft: Draft
    summary: TownSummary
    events: BinaryIO
    dead_letters: BinaryIO
    scans: EverydayScans = field(init=False)
    gates: dict[str, int] = field(default_factory=dict)
    sequences: Counter[str] = field(default_factory=Counter)

    def __post_init__(self) -> None:
        self.scans = EverydayScans(self.draft)
        self.gates = {home.gate: index for index, home in enumerate(self.draft.census.compounds)}

    def write(self, progress: Progress | None) -> None:
        """Write the policy, then day after day ticks, records of stories and everyday scans in the order of arrival."""
        self._write_policy()
        days = self.draft.settings.days + 2
        records = self._records_by_day()
        for day in range(days):
            self._write_day(day, records.pop(day, []))
            if progress is not None:
                progress(day + 1, days, self.summary.lines)
        assert not records
        self._write_tick(self.draft.ends_at)
        self.summary.scans_written, self.summary.scans_in_full = self.scans.written, self.scans.in_full
        self.summary.dead_letters = dict(sorted(self.summary.dead_letters.items()))

    def _records_by_day(self) -> dict[int, list[PlannedRecord]]:
        days: dict[int, list[PlannedRecord]] = {}
        for record in self.draft.journal.records:
            days.setdefault(self.draft.calendar.day(record.received_at), []).append(record)
        return days

    def _write_day(self, day: int, records: list[PlannedRecord]) -> None:
        """Write a day: everyday scans between the marks, which are ticks and records of stories.

        A tick stands before what arrives at its very instant; records that arrive together keep the order of the plan.
        """
        draft = self.draft
        midnight, date = draft.calendar.at(day, 0), draft.calendar.date(day)
        step = draft.settings.tick_minutes * MINUTE
        ticks = [(at, -1, None) for at in range(midnight, midnight + DAY, step)]
        marks = sorted(
            [*ticks, *((record.received_at, record.order, record) for record in records)], key=lambda mark: mark[:2]
        )
        scans, written = self.scans.of_day(day), 0
        for at, _, record in [*marks, (midnight + DAY, -1, None)]:
            reached = arrived_before(scans, at - midnight)
            if reached > written:
                self.events.write(self.scans.write_lines(scans, written, reached, date).encode())
                self.summary.lines += reached - written
                written = reached
            if record is not None:
                self._write_record(record)
            elif at < midnight + DAY:
                self._write_tick(at)

    def _write_tick(self, at: int) -> None:
        self.events.write(f'{{"kind":"tick","at":"{self.draft.calendar.iso(at)}"}}\n'.encode())
        self.summary.ticks += 1
        self.summary.lines += 1

    def _write_record(self, record: PlannedRecord) -> None:
        record.sequence = record.same_as.sequence if record.same_as else self._next_sequence(record.source)
        self.events.write(record.line(self.draft.calendar))
        if record.dead_letter is not None:
            row = {"line": self.summary.lines, "reason": record.dead_letter}
            self.dead_letters.write(msgspec.json.encode(row) + b"\n")
            self.summary.dead_letters[record.dead_letter] = self.summary.dead_letters.get(record.dead_letter, 0) + 1
        self.summary.lines += 1

    def _next_sequence(self, source: str) -> int:
        gate = self.gates.get(source)
        if gate is None:
            self.sequences[source] += 1
            return self.sequences[source]
        self.scans.counters[gate] += 1
        return self.scans.counters[gate]

    def _write_policy(self) -> None:
        """Begin the log with the default policy, as a live log does."""
        text = resources.files("events").joinpath("default_policy.toml").read_text(encoding="utf-8")
        at = self.draft.calendar.start - HOUR
        record = self.draft.journal.add("policy_changed", "command-0", at, at + 1, policy=loads(text))
        self.draft.journal.records.remove(record)
        self._write_record(record)
