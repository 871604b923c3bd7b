"""What each part of a process shows of itself, to any thread and at any time."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import NamedTuple, Protocol

from streams.health.beats import LoopBeat
from streams.health.pulses import Pulse, StalledError


@dataclass(frozen=True, slots=True)
class Check:
    """One thing that readiness asks for: whether it is so, and where not, why; places and counts, nothing about people."""

    part: str
    name: str
    is_good: bool
    reason: str = ""


class Sample(NamedTuple):
    """The value of a metric of the catalogue; labels in the order of the catalogue."""

    metric: str
    labels: tuple[str, ...]
    value: float


class Vitals(Protocol):
    """A part of a process as its watchdog and its health server see it. They ask from threads of their own.

    Nothing here waits, takes a lock or changes anything: what the part counts anyway is read.
    """

    @property
    def part(self) -> str:
        """Return intake, watch, clock, sink or gateway."""

    def beats(self) -> Iterable[LoopBeat]:
        """Return the event loops that must answer for the part to go on."""

    def pulses(self) -> Iterable[Pulse]:
        """Return all that must go on, the most telling first."""

    def checks(self) -> Iterable[Check]:
        """Return what must be so before the part counts as ready."""

    def samples(self) -> Iterable[Sample]:
        """Return the part's metrics as they are now."""

    def end(self, reason: StalledError) -> None:
        """Have the part end with a reason, in good order."""
