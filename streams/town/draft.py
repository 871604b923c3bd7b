"""The plan while it is being written: what all stories share, and the few steps that many of them take."""

from collections import Counter
from collections.abc import Collection
from dataclasses import dataclass, field
from random import Random
from typing import Any

from streams.town.calendar import CHECKS, DAY, GRACE, HOUR, MINUTE, WINDOWS, Slot, Span, TownCalendar
from streams.town.census import Census, person_id
from streams.town.journal import Journal, PlannedRecord
from streams.town.settings import TownSettings
from streams.town.stay import Stay, normal_temperature
from streams.town.truth import AlertTruth, Truth


@dataclass(slots=True)
class Draft:
    """Records, truth and people of a town in the making. `busy_gates` are gates and days that stories already use."""

    settings: TownSettings
    calendar: TownCalendar
    census: Census
    journal: Journal
    truth: Truth
    stays: list[Stay] = field(default_factory=list)
    taken_residents: set[int] = field(default_factory=set)
    busy_gates: set[tuple[str, int]] = field(default_factory=set)
    stories: Counter[str] = field(default_factory=Counter)

    @property
    def ends_at(self) -> int:
        """Return the instant of the last tick; every record arrives before it."""
        return self.calendar.at(self.settings.days + 2, 0)

    def rng(self, purpose: str) -> Random:
        """Return a stream of chance of its own for a purpose, so that purposes do not disturb each other."""
        return Random(f"{self.settings.seed}/{purpose}")

    def draw_resident(self, rng: Random) -> int:
        """Draw a resident who has no story yet."""
        while True:
            resident = rng.randrange(self.settings.residents)
            if resident not in self.taken_residents:
                self.taken_residents.add(resident)
                return resident

    def scan(
        self, gate: str, area: str, person: str, occurred_at: int, received_at: int | None = None, **fields: Any
    ) -> PlannedRecord:
        """Plan a scan at a gate; it arrives two seconds later where nothing else is said."""
        self.busy_gates.add((gate, self.calendar.day(occurred_at)))
        arrives_at = occurred_at + 2 if received_at is None else received_at
        body: dict[str, Any] = {"direction": "in", "decision": "passed"} | fields
        return self.journal.add(
            "checkpoint_scanned", gate, occurred_at, arrives_at, person_id=person, area=area, checkpoint_id=gate, **body
        )

    def scan_returnee(
        self, stay: Stay, occurred_at: int, received_at: int | None = None, **fields: Any
    ) -> PlannedRecord:
        """Plan a scan of a returnee at the gate of the compound."""
        return self.scan(stay.kit.gate, stay.area, stay.person_id, occurred_at, received_at, **fields)

    def scan_resident(self, resident: int, occurred_at: int, **fields: Any) -> PlannedRecord:
        """Plan a scan of a resident at the gate of the compound."""
        home = self.census.home(resident)
        return self.scan(home.gate, home.area, person_id(resident), occurred_at, **fields)

    def read_temperature(
        self, stay: Stay, occurred_at: int, temperature_c: float, site: str, delay: int = 20
    ) -> PlannedRecord:
        """Plan a reading of a returnee by the grid worker."""
        return self.journal.add(
            "temperature_taken",
            stay.kit.terminal,
            occurred_at,
            occurred_at + delay,
            person_id=stay.person_id,
            area=stay.area,
            temperature_c=temperature_c,
            site=site,
        )

    def visit(
        self, stay: Stay, occurred_at: int, received_at: int, outcome: str = "seen", **fields: Any
    ) -> PlannedRecord:
        """Plan a visit to a returnee by the grid worker."""
        body: dict[str, Any] = {"outcome": outcome, "symptoms": []} | fields
        return self.journal.add(
            "visit_recorded",
            stay.kit.terminal,
            occurred_at,
            received_at,
            person_id=stay.person_id,
            area=stay.area,
            visitor_id=stay.visitor_id,
            **body,
        )

    def miss(self, stay: Stay, slot: Slot, *checks: str) -> list[AlertTruth]:
        """Plan that checks of a window are missed: nothing satisfies them before they are judged."""
        alerts = []
        for check in checks or CHECKS:
            stay.decide(slot, "missed", check)
            occurrence = f"{check}/{self.calendar.date(slot.day)}/{slot.window}"
            opened = self.calendar.judging(slot)
            alerts.append(self.truth.alert("missed_check", stay.person_id, occurrence, opened, "warning"))
        stay.closing_resolves += alerts
        return alerts

    def lose_contact(self, stay: Stay, slot: Slot, *checks: str) -> list[AlertTruth]:
        """Plan that the second miss in a row, in the window given, opens `contact_lost`.

        Staff only acknowledge it: were it resolved, a further miss would open another.
        """
        alerts = []
        for check in checks or CHECKS:
            occurrence = f"{check}/{self.calendar.date(slot.day)}/{slot.window}"
            opened = self.calendar.judging(slot)
            alert = self.truth.alert(
                "contact_lost", stay.person_id, occurrence, opened, "critical", staff_may="acknowledge"
            )
            alerts.append(alert)
        stay.closing_resolves += alerts
        return alerts

    def routine(
        self, stay: Stay, slot: Slot, checks: Collection[str], rng: Random, *, held_until: int | None = None
    ) -> list[PlannedRecord]:
        """Plan the records that satisfy checks of a window: a visit, a reading, or a visit that carries the reading.

        With `held_until` the terminal is offline and they arrive from that instant on.
        """
        occurred_at = self._moment(stay, slot, rng)
        delay = rng.randint(3, 100)
        arrives_at = occurred_at + stay.clock_behind + delay if held_until is None else held_until
        assert held_until is not None or arrives_at < self.calendar.judging(slot).earliest
        reading: dict[str, Any] = {"temperature_c": normal_temperature(rng), "site": stay.site}
        if "temperature" not in checks:
            return [self.visit(stay, occurred_at, arrives_at)]
        if "visit" in checks and rng.random() < 0.3:
            return [self.visit(stay, occurred_at, arrives_at, **reading)]
        taken = self.read_temperature(stay, occurred_at, delay=arrives_at - occurred_at, **reading)
        if "visit" not in checks:
            return [taken]
        return [taken, self.visit(stay, occurred_at + 40, arrives_at + 40)]

    def _moment(self, stay: Stay, slot: Slot, rng: Random) -> int:
        """Draw when the worker is there: well inside the window, now and then as late as the grace allows."""
        begin, end = WINDOWS[slot.window]
        first, last = stay.hours.get(slot, (begin + 20 * MINUTE, end - 20 * MINUTE))
        if slot not in stay.hours and rng.random() < 0.04:
            first, last = end + MINUTE, end + GRACE - 5 * MINUTE
        second = rng.randint(first, last) - stay.clock_behind
        return self.calendar.start + slot.day * DAY + second

    def command(self, kind: str, source: str, at: int, delay: int = 3, **fields: Any) -> PlannedRecord:
        """Plan a record of the office or of staff that arrives at once."""
        return self.journal.add(kind, source, at, at + delay, **fields)


def at_once(record: PlannedRecord) -> Span:
    """Return when something happens that a record brings by its arrival."""
    return Span(record.received_at, record.received_at)


def by_next_tick(instant: int) -> Span:
    """Return when something happens that the first tick after an instant brings; ticks stand at least on the hour."""
    return Span(instant, (instant // HOUR + 1) * HOUR)
