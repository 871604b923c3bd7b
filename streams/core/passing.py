"""Scans that leave nothing: people of whom nothing is held pass a checkpoint, nine and a half of ten records.

They are told apart before anything is unpacked, laid out or collected.
"""

from collections.abc import Sequence
from itertools import islice
from typing import Protocol

from msgspec import UnsetType

from events.scan_wire import PassingScan, read_screening
from events.vocabulary import HealthCode, Site
from streams.core.passed_scans import KEPT
from streams.core.state import State


class Screened(Protocol):
    """What was measured and shown at a checkpoint; a field that is not there counts as null."""

    @property
    def temperature_c(self) -> float | UnsetType | None:
        """Return the reading in degrees Celsius; 0 is not measured."""

    @property
    def site(self) -> Site | UnsetType | None:
        """Return where it was measured."""

    @property
    def health_code(self) -> HealthCode | UnsetType | None:
        """Return the colour shown."""


class Scan(Screened, Protocol):
    """What decides whether a scan leaves anything."""

    @property
    def event_id(self) -> str:
        """Return the id of the event."""

    @property
    def person_id(self) -> str:
        """Return who was scanned."""


def passes_by(state: State, scan: Scan) -> bool:
    """Tell whether a scan leaves nothing behind, and remember it as one that did; or is the repeat of such a one.

    That is: nothing is held of the person, there is no alarming code, and the reading is absent, or plausible, below the
    threshold of its site, and taken at a site that can neither confirm nor refute. False before the first policy.
    """
    if state.policy is None:
        return False
    event_id, person_id, passed = scan.event_id, scan.person_id, state.passed_scans
    if person_id in state.people.held or ((scan.health_code or scan.temperature_c) and _is_remarkable(state, scan)):
        return (event_id, person_id) in passed
    passed.add(event_id, person_id)
    return True


class PassingError(RuntimeError):
    """Our fault: telling whether the scan at `index` passes raised."""

    def __init__(self, index: int) -> None:
        super().__init__(f"scan {index}")
        self.index = index


def pass_over(state: State, scans: Sequence[PassingScan], begin: int) -> int:
    """Let scans pass from `begin` on and return where one stands that does not, or is NO_SCAN; their number where all do.

    The same as `passes_by` of one after the other. Raises PassingError.
    """
    if state.policy is None:
        return begin
    held, unremarkable, passed, index = state.people.held, state.limits.unremarkable, state.passed_scans, begin
    newer = passed.newer
    try:
        for index, (event_id, person_id, screening) in enumerate(islice(scans, begin, None), begin):
            if person_id in held or screening not in unremarkable:
                if not event_id:
                    return index
                if person_id in held or _is_remarkable_text(state, screening):
                    if (event_id, person_id) not in passed:
                        return index
                    continue
            # What `passed.add` does: a call for each costs half as much as all else here.
            newer.setdefault(event_id, person_id)
            if len(newer) >= KEPT:
                passed.turn()
                newer = passed.newer
    except Exception as error:
        raise PassingError(index) from error
    return len(scans)


def _is_remarkable_text(state: State, screening: str) -> bool:
    """Tell whether a scan with this screening leaves something, whoever was scanned; if not, remember it as such a one."""
    is_remarkable = _is_remarkable(state, read_screening(screening))
    if not is_remarkable:
        state.limits.note_unremarkable(screening)
    return is_remarkable


def _is_remarkable(state: State, scan: Screened) -> bool:
    """Tell whether a scan leaves something, whoever was scanned."""
    code = scan.health_code
    if code and code is not HealthCode.GREEN:
        return True
    temperature_c = scan.temperature_c
    if not temperature_c:
        return False
    limits = state.limits
    below_c = limits.below_c.get(scan.site or Site.UNKNOWN)
    return below_c is None or not limits.from_c <= temperature_c < below_c
