"""How large the town is, how long it is watched and how much goes wrong in it."""

import math
from dataclasses import asdict, dataclass, field, fields
from datetime import date
from typing import Any, Final

# Practice D25: one street, counted in 2020. The small one is for a first look and for tests.
SIZES: Final = {
    "full": {"compounds": 351, "households": 43_171, "residents": 125_587, "returnees": 54},
    "small": {"compounds": 12, "households": 1_500, "residents": 4_400, "returnees": 12},
}
MAX_RESIDENTS: Final = 1 << 24
MAX_DAYS: Final = 366
MIN_DAYS: Final = 3
PERIOD_DAYS: Final = 14
# Shanghai has kept one offset since 1992, so that local time is plain arithmetic; observations begin earlier than the town.
FIRST_START: Final = date(1992, 1, 1)
LAST_START: Final = date(2150, 1, 1)
TICK_MINUTES: Final = (5, 6, 10, 12, 15, 20, 30, 60)


class SettingsError(ValueError):
    """A setting cannot be used: `name` is the field, `message` says what was expected and what came."""

    def __init__(self, name: str, message: str) -> None:
        super().__init__(f"{name}: {message}")
        self.name = name
        self.message = message


def _rate(default: float, meaning: str) -> float:
    return field(default=default, metadata={"help": meaning})


@dataclass(frozen=True, slots=True, kw_only=True)
class Rates:
    """How often each trouble happens: 0 is never, 1 is once for each of what the meaning counts."""

    missed_rate: float = _rate(0.6, "single windows without visit or reading, per returnee")
    absent_rate: float = _rate(0.4, "visits absent or refused, per returnee")
    lost_rate: float = _rate(0.25, "runs of missed windows, per returnee")
    offline_rate: float = _rate(0.4, "terminals offline until after the deadline, per returnee")
    waiver_rate: float = _rate(0.25, "waivers before and after the miss, per returnee")
    fever_rate: float = _rate(0.3, "fevers, per returnee")
    implausible_rate: float = _rate(0.2, "implausible readings, per returnee")
    breach_rate: float = _rate(0.4, "days on which a returnee is scanned at a checkpoint, per returnee")
    wrong_clock_rate: float = _rate(0.3, "readings of terminals whose clock is wrong, per returnee")
    late_enrolment_rate: float = _rate(0.15, "share of returnees whose opening arrives after visits and readings")
    extension_rate: float = _rate(0.15, "share of returnees whose observation is extended")
    hospital_rate: float = _rate(0.15, "share of returnees whose observation ends in hospital or elsewhere")
    early_release_rate: float = _rate(0.08, "share of returnees released before the last day is over")
    forgotten_rate: float = _rate(0.2, "share of returnees whose release is forgotten or known late")
    resident_fever_rate: float = _rate(0.4, "fevers at the gates, per 1,000 residents")
    health_code_rate: float = _rate(0.3, "yellow and red codes, per 1,000 residents")
    gate_implausible_rate: float = _rate(0.4, "implausible readings at the gates, per 1,000 residents")
    gate_offline_rate: float = _rate(0.01, "share of gates offline for hours, per day")
    gate_clock_rate: float = _rate(0.03, "share of gates whose clock is some minutes wrong")
    gate_future_rate: float = _rate(0.005, "share of gates whose clock is far ahead for a while, per day")
    malformed_rate: float = _rate(0.05, "malformed records, per gate and day")
    mistake_rate: float = _rate(0.15, "records of the office that refer to nothing, per returnee")
    repeat_rate: float = _rate(0.01, "share of records sent twice")
    staff_rate: float = _rate(0.4, "share of alerts that staff acknowledge or resolve")

    def __post_init__(self) -> None:
        for rate in fields(self):
            value = getattr(self, rate.name)
            if not (math.isfinite(value) and 0 <= value <= 1):
                raise SettingsError(rate.name, f"expected a number from 0 to 1, got {value}")


@dataclass(frozen=True, slots=True, kw_only=True)
class TownSettings:
    """Everything a town follows from: equal settings give byte-identical files.

    `days` are the days of daily life; two more follow, in which what is still open comes to its end. `scan_share` is
    the share of everyday scans that is written; people under observation and people with a story are never thinned.
    Raises SettingsError with the field's name.
    """

    seed: int = 1
    start_on: date = date(2020, 2, 1)
    days: int = 14
    compounds: int = SIZES["full"]["compounds"]
    households: int = SIZES["full"]["households"]
    residents: int = SIZES["full"]["residents"]
    returnees: int = SIZES["full"]["returnees"]
    scan_share: float = 1.0
    tick_minutes: int = 60
    rates: Rates = Rates()

    def __post_init__(self) -> None:
        _expect("days", self.days, MIN_DAYS, MAX_DAYS)
        _expect("compounds", self.compounds, 1, 9_999)
        _expect("households", self.households, self.compounds, MAX_RESIDENTS)
        _expect("residents", self.residents, self.households, MAX_RESIDENTS)
        _expect("returnees", self.returnees, 0, self.residents // 4)
        if not (math.isfinite(self.scan_share) and 0 <= self.scan_share <= 1):
            raise SettingsError("scan_share", f"expected a number from 0 to 1, got {self.scan_share}")
        if self.tick_minutes not in TICK_MINUTES:
            allowed = ", ".join(str(minutes) for minutes in TICK_MINUTES)
            raise SettingsError("tick_minutes", f"expected one of {allowed}, got {self.tick_minutes}")
        if not FIRST_START <= self.start_on <= LAST_START:
            raise SettingsError("start_on", f"expected a day from {FIRST_START} to {LAST_START}, got {self.start_on}")

    def as_json(self) -> dict[str, Any]:
        """Return the settings as an object that JSON can carry, the rates under `rates`."""
        return asdict(self) | {"start_on": self.start_on.isoformat()}


def _expect(name: str, value: int, lowest: int, highest: int) -> None:
    if not lowest <= value <= highest:
        raise SettingsError(name, f"expected a whole number from {lowest} to {highest}, got {value}")
