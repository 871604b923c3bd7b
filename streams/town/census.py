"""Who lives where: street, communities, grids, compounds, households and residents, all by number."""

from array import array
from dataclasses import dataclass
from itertools import accumulate
from random import Random
from typing import Final

from streams.town.settings import TownSettings

_STREET: Final = "jintang/huaikou"
_COMPOUNDS_PER_COMMUNITY: Final = 9
_HOUSEHOLDS_PER_GRID: Final = 300


@dataclass(frozen=True, slots=True)
class Compound:
    """A walled group of houses with one gate; residents and households are numbered through the town."""

    area: str
    community: str
    gate: str
    first_resident: int
    residents: int
    first_household: int
    households: int


@dataclass(frozen=True, slots=True)
class Census:
    """The compounds of the town, and for each resident the index of the compound."""

    compounds: tuple[Compound, ...]
    compound_of: "array[int]"

    def home(self, resident: int) -> Compound:
        """Return the compound in which a resident lives."""
        return self.compounds[self.compound_of[resident]]

    def household_id(self, resident: int) -> str:
        """Return the household of a resident: neighbours by number live together."""
        home = self.home(resident)
        return f"h{home.first_household + (resident - home.first_resident) * home.households // home.residents:06d}"


def person_id(resident: int) -> str:
    """Return the pseudonym under which a resident stands in records."""
    return f"p{resident:07d}"


def take_census(settings: TownSettings) -> Census:
    """Lay out the town: sizes of compounds vary, the totals are those of the settings exactly."""
    rng = Random(f"{settings.seed}/census")
    weights = [rng.lognormvariate(0, 0.5) for _ in range(settings.compounds)]
    households = _share_out(settings.households, weights)
    people = _share_out(settings.residents - settings.households, [float(count) for count in households])
    residents = [own + more for own, more in zip(households, people, strict=True)]
    first_households = [0, *accumulate(households)]
    first_residents = [0, *accumulate(residents)]
    compounds = tuple(
        Compound(
            area=f"{_STREET}/{community}/{grid}",
            community=community,
            gate=f"gate-{index + 1:04d}",
            first_resident=first_residents[index],
            residents=residents[index],
            first_household=first_households[index],
            households=households[index],
        )
        for index, (community, grid) in enumerate(_areas(households))
    )
    return Census(compounds, array("H", (index for index, count in enumerate(residents) for _ in range(count))))


def _areas(households: list[int]) -> list[tuple[str, str]]:
    """Group neighbouring compounds into communities, and within them into grids of a few hundred households."""
    areas = []
    for first in range(0, len(households), _COMPOUNDS_PER_COMMUNITY):
        grid, size = 1, 0
        for count in households[first : first + _COMPOUNDS_PER_COMMUNITY]:
            if size and size + count > _HOUSEHOLDS_PER_GRID:
                grid, size = grid + 1, 0
            size += count
            areas.append((f"c{first // _COMPOUNDS_PER_COMMUNITY + 1:03d}", f"g{grid:02d}"))
    return areas


def _share_out(total: int, weights: list[float]) -> list[int]:
    """Split a total by weight into whole parts, none below 1 where the total allows it; the parts add up exactly."""
    least = 1 if total >= len(weights) else 0
    rest = total - least * len(weights)
    reached = list(accumulate(weights))
    ends = [int(rest * part / reached[-1]) for part in reached]
    ends[-1] = rest
    return [least + end - begin for begin, end in zip([0, *ends[:-1]], ends, strict=True)]
