"""How much is measured, in full and quickly."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Scope:
    """Sizes of the inputs and the number of rounds."""

    is_quick: bool = False
    rounds: int = 3
    people: int = 70_000
    faust_records: int = 60_000
    quix_records: int = 400_000
    scale_people: tuple[int, ...] = (10_000, 100_000, 1_000_000)
    latency_seconds: float = 20.0


QUICK = Scope(
    is_quick=True,
    rounds=2,
    people=8_000,
    faust_records=10_000,
    scale_people=(5_000, 50_000),
    latency_seconds=5.0,
)
