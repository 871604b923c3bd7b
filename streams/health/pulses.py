"""What must go on, and how a stall is told from idleness. Pure: without a clock, without threads.

A pulse is one thing that must go on. Its mark differs as soon as it did. It is due while there is something to do and
nothing is rightly waited for. The watchdog looks once a second:

    look         1   2   3   4   5   6   7   8
    due          -   x   x   x   x   x   -   x
    mark         a   a   a   a   b   b   b   b
    stood for    0   1   2   3   0   1   0   1     looks in a row; a stall once they make up the limit

Time is counted in looks and not on a clock: a process that was stopped, or a machine that slept, took no look meanwhile,
however far the clock has gone. So waking up is never a stall, and a machine that is too busy to look is given more time.
"""

from collections.abc import Container, Hashable, Iterable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import NamedTuple

from streams.batching.worker import EXIT_STUCK


class Ending(StrEnum):
    """How a process is ended that stands still."""

    ASKED = "asked"  # its part raises StalledError: it leaves its group, and what is acknowledged is committed
    AT_ONCE = "at once"  # nobody would hear


@dataclass(frozen=True, slots=True)
class Pulse:
    """One thing that must go on: `what` of a `part` (intake, watch, clock, sink, process), `timeline:3` for example.

    Stands still for `limit_s` seconds of looks: a stall; 0 is never. `detail` goes into the log: places and counts, nothing
    about people.
    """

    part: str
    what: str
    mark: Hashable
    is_due: bool
    limit_s: float
    detail: Mapping[str, object] = field(default_factory=dict)
    ending: Ending = Ending.ASKED
    exit_status: int = EXIT_STUCK

    @property
    def name(self) -> tuple[str, str]:
        """Return by what it is known from look to look."""
        return self.part, self.what


class Standing(NamedTuple):
    """What the last look at a pulse has left: its mark, and at how many looks in a row it was due and had not moved."""

    mark: Hashable
    looks: int


Standings = Mapping[tuple[str, str], Standing]


@dataclass(frozen=True, slots=True)
class Stall:
    """A pulse that has stood still for its limit."""

    pulse: Pulse
    seconds: float

    def __str__(self) -> str:
        detail = ", ".join(f"{name} {value}" for name, value in self.pulse.detail.items())
        return f"{self.pulse.part}: {self.pulse.what} stands still for {self.seconds:.0f} s" + (
            detail and f" ({detail})"
        )


class StalledError(RuntimeError):
    """A part cannot go on; the message says which, where and for how long."""

    def __init__(self, stall: Stall) -> None:
        """Say what stands still."""
        super().__init__(str(stall))
        self.exit_status = stall.pulse.exit_status


def take_look(
    before: Standings, pulses: Iterable[Pulse], unheard: Container[str] = ()
) -> dict[tuple[str, str], Standing]:
    """Return for how many looks each pulse stands still, this one counted; one that is gone is forgotten.

    Of parts that are `unheard` nothing can be told at this look: there all stays as it was.
    """
    kept = {name: standing for name, standing in before.items() if name[0] in unheard}
    return kept | {pulse.name: _look_at(pulse, before.get(pulse.name)) for pulse in pulses}


def _look_at(pulse: Pulse, before: Standing | None) -> Standing:
    stands_still = pulse.is_due and before is not None and before.mark == pulse.mark
    return Standing(pulse.mark, before.looks + 1 if stands_still and before is not None else 0)


def find_stall(standings: Standings, pulses: Iterable[Pulse], look_s: float) -> Stall | None:
    """Return the first pulse that has stood still for its limit, where each look counts for `look_s` seconds."""
    for pulse in pulses:
        seconds = standings[pulse.name].looks * look_s
        if 0 < pulse.limit_s <= seconds:
            return Stall(pulse, seconds)
    return None
