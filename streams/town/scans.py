"""Everyday scans: residents who leave their compound and come back. Nothing follows from them, and there are millions.

A day is drawn, sorted and written before the next one, so that memory holds one day. A scan is one integer until it is
written; sorting these integers sorts by arrival:

    arrival (17 bits) | occurrence (17) | resident (24) | variant (9) | mark (2)       seconds of the local day
"""

import sys
from bisect import bisect_left
from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import accumulate
from typing import Final

from streams.town.calendar import DAY, HOUR, MINUTE
from streams.town.census import person_id
from streams.town.draft import Draft

_ARRIVAL_SHIFT: Final = 52
_OCCURRENCE_SHIFT: Final = 35
_RESIDENT_SHIFT: Final = 11
_VARIANT_SHIFT: Final = 2
_BITS_17: Final = (1 << 17) - 1
_BITS_24: Final = (1 << 24) - 1
_BITS_9: Final = (1 << 9) - 1
_ONCE, _FIRST, _AGAIN = 0, 1, 2

# Of 256 residents and days: so many stay at home, so many go out twice.
_STAY_AT_HOME: Final = 20
_GO_OUT_TWICE: Final = 30
_LAST_SECOND: Final = 23 * HOUR + 20 * MINUTE
# How many leave in each hour from five in the morning to eight in the evening.
_LEAVING: Final = (2, 8, 18, 16, 10, 8, 6, 5, 6, 7, 5, 4, 4, 3, 2, 1)
_FIRST_HOUR: Final = 5
_SPREAD: Final = 0x9E3779B97F4A7C15
_BITS_64: Final = (1 << 64) - 1


@dataclass(frozen=True, slots=True)
class GateDay:
    """How a gate behaves on a day: seconds that its clock is ahead, and when it is offline."""

    clock_ahead: int = 0
    offline_from: int = DAY
    online_from: int = DAY


_FINE: Final = GateDay()


def _leaving_seconds() -> list[int]:
    """Return 1,024 seconds of the day, as dense as people leave."""
    reached = list(accumulate(_LEAVING))
    seconds = []
    for step in range(1024):
        share = (step + 0.5) / 1024 * reached[-1]
        hour = next(index for index, total in enumerate(reached) if total > share)
        inside = (share - (reached[hour] - _LEAVING[hour])) / _LEAVING[hour]
        seconds.append(int((_FIRST_HOUR + hour + inside) * HOUR))
    return seconds


def _variants() -> list[str]:
    """Return how a scan ends as JSON, for each of 512 draws: direction, reading now and then, code now and then."""
    variants = []
    for draw in range(512):
        direction = "in" if draw & 1 else "out"
        reading = ""
        if draw % 16 < 6:
            site = "wrist" if draw % 16 == 5 else "forehead"
            reading = f',"temperature_c":{35.6 + draw // 16 % 14 / 10:.1f},"site":"{site}"'
        code = ',"health_code":"green"' if draw // 16 % 8 == 0 else ""
        variants.append(f'"direction":"{direction}","decision":"passed"{reading}{code}}}\n')
    return variants


@dataclass(slots=True)
class EverydayScans:
    """The everyday scans of a town, one day at a time.

    `written` counts the scans that were kept, `in_full` those that there would be without thinning; repeats are not counted.
    """

    draft: Draft
    counters: list[int] = field(default_factory=list)
    written: int = 0
    in_full: int = 0
    _observed: set[int] = field(default_factory=set)
    _clocks: dict[int, int] = field(default_factory=dict)
    _people: list[str] = field(default_factory=list)
    _heads: list[str] = field(default_factory=list)
    _again: dict[int, int] = field(default_factory=dict)
    _leaving: list[int] = field(default_factory=_leaving_seconds)
    _variants: list[str] = field(default_factory=_variants)
    _times: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        census = self.draft.census
        self.counters = [0] * len(census.compounds)
        self._observed = {int(stay.person_id[1:]) for stay in self.draft.stays}
        self._times = [f"{s // 3600:02d}:{s // 60 % 60:02d}:{s % 60:02d}+08:00" for s in range(DAY)]
        for home in census.compounds:
            tail = f'","area":"{home.area}","checkpoint_id":"{home.gate}",'
            people = range(home.first_resident, home.first_resident + home.residents)
            self._people += [f'"person_id":"{person_id(resident)}{tail}' for resident in people]
            self._heads.append(f'{{"kind":"checkpoint_scanned","event_id":"{home.gate}:')
        self._choose_clocks()

    def _choose_clocks(self) -> None:
        rng = self.draft.rng("gates/clocks")
        rate = self.draft.settings.rates.gate_clock_rate
        for gate in range(len(self._heads)):
            if rng.random() < rate:
                self._clocks[gate] = rng.choice((-9, -6, -3, 2, 4)) * MINUTE

    def of_day(self, day: int) -> list[int]:
        """Draw the scans of a day, in the order of their arrival; two tail days of the history have none."""
        if day >= self.draft.settings.days:
            return []
        gates = self._gates_of(day)
        scans: list[int] = []
        for resident, leave_at, back_at, draw in self._trips(day):
            gate = gates[self.draft.census.compound_of[resident]]
            for at, variant in ((leave_at, draw & 0xFE), (back_at, draw >> 8 & 0xFF | 1)):
                self._add(scans, gate, resident, at, variant | (draw >> 16 & 1) << 8, draw)
        scans.sort()
        return scans

    def _trips(self, day: int) -> Iterator[tuple[int, int, int, int]]:
        """Yield who goes out, when, when back, and 64 bits of chance for the rest; thinned as the settings say."""
        settings = self.draft.settings
        share = int(settings.scan_share * 65_536)
        leaving, observed = self._leaving, self._observed
        for resident, draw in enumerate(self._draws(day)):
            trips = draw & 0xFF
            if trips < _STAY_AT_HOME or resident in observed:
                continue
            is_kept = draw >> 8 & 0xFFFF < share
            leave_at = leaving[draw >> 24 & 0x3FF] + (draw >> 34 & 0x3F)
            back_at = leave_at + (15 + (draw >> 40 & 0x7F)) * MINUTE
            self.in_full += 2
            mixed = draw * _SPREAD & _BITS_64
            if is_kept:
                yield resident, leave_at, back_at, mixed >> 24
            if trips >= 256 - _GO_OUT_TWICE:
                leave_at = back_at + (10 + (draw >> 47 & 0x7F)) * MINUTE
                back_at = leave_at + (10 + (draw >> 54 & 0x3F)) * MINUTE
                if back_at < _LAST_SECOND:
                    self.in_full += 2
                    if is_kept:
                        yield resident, leave_at, back_at, mixed * _SPREAD >> 20 & _BITS_64

    def _draws(self, day: int) -> memoryview:
        """Return 64 bits of chance for every resident, the same on every machine."""
        drawn = bytearray(self.draft.rng(f"scans/{day}").randbytes(8 * self.draft.settings.residents))
        draws = memoryview(drawn).cast("Q")
        if sys.byteorder == "big":
            for index, draw in enumerate(draws):
                draws[index] = int.from_bytes(draw.to_bytes(8, "little"), "big")
        return draws

    def _add(self, scans: list[int], gate: GateDay, resident: int, at: int, variant: int, draw: int) -> None:
        arrives_at = at + 1 + (draw >> 17 & 3)
        if gate.offline_from <= at < gate.online_from:
            # The backlog is sent in the order of occurrence, an hour of it in a minute.
            arrives_at = gate.online_from + (at - gate.offline_from) // 60
        content = (at + gate.clock_ahead) << _OCCURRENCE_SHIFT | resident << _RESIDENT_SHIFT | variant << _VARIANT_SHIFT
        self.written += 1
        if draw >> 19 & 0xFFF < self.draft.settings.rates.repeat_rate * 0x1000:
            again_at = arrives_at + 5 + (draw >> 31 & 0xFF)
            scans.append(again_at << _ARRIVAL_SHIFT | content | _AGAIN)
            content |= _FIRST
        scans.append(arrives_at << _ARRIVAL_SHIFT | content)

    def _gates_of(self, day: int) -> list[GateDay]:
        """Draw which gates are offline for some hours of a day; those that a story needs are not."""
        draft, rng = self.draft, self.draft.rng(f"gates/{day}")
        gates = []
        for index, home in enumerate(draft.census.compounds):
            is_offline = rng.random() < draft.settings.rates.gate_offline_rate
            offline_from = rng.randint(7 * HOUR, 15 * HOUR)
            online_from = offline_from + rng.randint(HOUR, 6 * HOUR)
            if not is_offline or (home.gate, day) in draft.busy_gates:
                offline_from = online_from = DAY
            is_fine = offline_from == DAY and index not in self._clocks
            gates.append(_FINE if is_fine else GateDay(self._clocks.get(index, 0), offline_from, online_from))
        return gates

    def write_lines(self, scans: list[int], first: int, last: int, date: str) -> str:
        """Return scans `first` to `last` (exclusive) of a day as lines, numbered by gate."""
        compound_of, counters, heads = self.draft.census.compound_of, self.counters, self._heads
        people, variants, times = self._people, self._variants, self._times
        gates = [home.gate for home in self.draft.census.compounds]
        lines = []
        for scan in scans[first:last]:
            resident = scan >> _RESIDENT_SHIFT & _BITS_24
            gate = compound_of[resident]
            mark = scan & 3
            if mark == _AGAIN:
                sequence = self._again.pop(scan >> _VARIANT_SHIFT & (1 << 50) - 1)
            else:
                counters[gate] = sequence = counters[gate] + 1
                if mark == _FIRST:
                    self._again[scan >> _VARIANT_SHIFT & (1 << 50) - 1] = sequence
            lines.append(
                f'{heads[gate]}{sequence}","source_id":"{gates[gate]}","sequence":{sequence}'
                f',"occurred_at":"{date}T{times[scan >> _OCCURRENCE_SHIFT & _BITS_17]}"'
                f',"received_at":"{date}T{times[scan >> _ARRIVAL_SHIFT]}"'
                f",{people[resident]}{variants[scan >> _VARIANT_SHIFT & _BITS_9]}"
            )
        return "".join(lines)


def arrived_before(scans: list[int], second: int) -> int:
    """Return how many scans of a day arrive before a second of that day."""
    return bisect_left(scans, second << _ARRIVAL_SHIFT)
