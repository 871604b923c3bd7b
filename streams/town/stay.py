"""One returnee's observation: its windows, what becomes of their checks, and which days already have a story."""

from dataclasses import dataclass, field
from random import Random
from typing import Final, NamedTuple

from streams.town.calendar import CHECKS, WINDOWS, Slot, TownCalendar
from streams.town.settings import PERIOD_DAYS
from streams.town.truth import AlertTruth


class Kit(NamedTuple):
    """The devices that look after one returnee; each is a source of its own."""

    gate: str
    terminal: str
    office: str
    medic: str


# Routine readings are taken here. Axillary readings settle fevers, so people with a fever story have none by routine.
SCREEN_SITES: Final = ("forehead", "wrist", "ear")
ROUTINE_SITES: Final = (*SCREEN_SITES, "axillary")


@dataclass(slots=True, eq=False)
class Stay:
    """One observation from opening to closing.

    `windows` are those in which checks are expected. `states` holds what a story decided; every other check is done by
    routine. `hours` narrows the routine of a window to seconds of the day. `last_day` is day 14 after the exposure.
    `told_at` is when the closing arrives. `closing_resolves` are the alerts that the closing ends, if nothing else did.
    """

    person_id: str
    household_id: str
    area: str
    kit: Kit
    visitor_id: str
    observation_id: str
    category: str
    site: str
    exposure_day: int
    opened_day: int
    windows: list[Slot] = field(default_factory=list)
    states: dict[tuple[str, Slot], str] = field(default_factory=dict)
    hours: dict[Slot, tuple[int, int]] = field(default_factory=dict)
    claims: dict[int, bool] = field(default_factory=dict)
    closing_id: str = ""
    told_at: int | None = None
    closing_resolves: list[AlertTruth] = field(default_factory=list)
    late_enrolment: bool = False
    course_days: int = 0
    has_fever: bool = False
    clock_behind: int = 0

    @property
    def last_day(self) -> int:
        """Return the last day of the period after the exposure that holds now."""
        return self.exposure_day + PERIOD_DAYS

    def expect(self, calendar: TownCalendar, first_day: int, since: int) -> None:
        """Add the windows from a day to the last day that start at or after an instant."""
        for day in range(first_day, self.last_day + 1):
            slots = (Slot(day, window) for window in WINDOWS)
            self.windows += [slot for slot in slots if calendar.begin(slot) >= since and slot not in self.windows]

    def decide(self, slot: Slot, state: str, *checks: str) -> None:
        """Set the final state of the checks of a window: of all, or of those named."""
        for check in checks or CHECKS:
            self.states[check, slot] = state

    def claim(self, first_day: int, days: int, *, gap: bool) -> bool:
        """Reserve days for one story, and say whether they were free and have both windows.

        A story with a gap leaves checks undone. Two of them never touch: a run of misses is planned as a run, or is none.
        """
        wanted = range(first_day, first_day + days)
        if any(day in self.claims or not self._is_whole(day) for day in wanted):
            return False
        if gap and (self.claims.get(first_day - 1) or self.claims.get(first_day + days)):
            return False
        self.reserve(first_day, days, gap=gap)
        return True

    def reserve(self, first_day: int, days: int, *, gap: bool) -> None:
        """Take days for the story of the opening, the course or the closing, which are planned first."""
        for day in range(first_day, first_day + days):
            self.claims[day] = gap or self.claims.get(day, False)

    def _is_whole(self, day: int) -> bool:
        return all(Slot(day, window) in self.windows for window in WINDOWS)


def normal_temperature(rng: Random) -> float:
    """Draw a reading that is plausible and below every threshold, in degrees Celsius."""
    return rng.randint(357, 369) / 10


def fever_temperature(rng: Random) -> float:
    """Draw a plausible reading at or above the threshold of every site that the stories use, in degrees Celsius."""
    return rng.randint(376, 395) / 10
