"""People under observation at a checkpoint, and health codes that they show there."""

from random import Random
from typing import Any

from streams.town.calendar import HOUR, MINUTE, Span
from streams.town.draft import Draft, at_once
from streams.town.journal import PlannedRecord
from streams.town.stay import Stay, normal_temperature
from streams.town.truth import AlertTruth


def out_and_in(draft: Draft, stay: Stay, day: int, rng: Random) -> None:
    """Go shopping: out and in again are one breach."""
    at = draft.calendar.at(day, rng.uniform(7.0, 17.0))
    out = draft.scan_returnee(stay, at, direction="out")
    reading: dict[str, Any] = {"temperature_c": normal_temperature(rng), "site": "forehead"}
    back = draft.scan_returnee(stay, at + rng.randint(20, 110) * MINUTE, direction="in", **reading)
    _note(draft, stay, day, 1, out, back)


def turned_back(draft: Draft, stay: Stay, day: int, rng: Random) -> None:
    """Be stopped at the gate: a breach all the same."""
    at = draft.calendar.at(day, rng.uniform(7.0, 20.0))
    _note(draft, stay, day, 1, draft.scan_returnee(stay, at, direction="out", decision="turned_back"))


def twice(draft: Draft, stay: Stay, day: int, rng: Random) -> None:
    """Go out in the morning, which staff resolve, and once more in the evening: a second alert."""
    at = draft.calendar.at(day, rng.uniform(7.0, 9.0))
    first = _note(draft, stay, day, 1, draft.scan_returnee(stay, at, direction="out"))
    first.staff_may = ""
    resolved_at = draft.calendar.at(day, rng.uniform(11.0, 13.0))
    resolved = draft.command(
        "alert_resolved", "command-1", resolved_at, alert_id=first.alert_id, key=stay.person_id, actor_id="staff-01"
    )
    first.resolve(at_once(resolved), "by_staff")
    again_at = draft.calendar.at(day, rng.uniform(15.0, 19.0))
    _note(draft, stay, day, 2, draft.scan_returnee(stay, again_at, direction="out"))


def told_late(draft: Draft, stay: Stay, day: int, rng: Random) -> None:
    """Go out at a gate that is offline: the scan arrives hours later."""
    at = draft.calendar.at(day, rng.uniform(7.0, 14.0))
    arrives_at = at + rng.randint(2 * HOUR, 7 * HOUR)
    _note(draft, stay, day, 1, draft.scan_returnee(stay, at, arrives_at, direction="out"))


def with_code(draft: Draft, stay: Stay, day: int, rng: Random) -> None:
    """Be held at the gate with a yellow or red code: two alerts."""
    code, severity = rng.choice((("yellow", "warning"), ("red", "critical")))
    at = draft.calendar.at(day, rng.uniform(7.0, 20.0))
    scan = draft.scan_returnee(stay, at, direction="out", decision="held", health_code=code)
    _note(draft, stay, day, 1, scan)
    occurrence = f"{draft.calendar.date(day)}/{code}/1"
    draft.truth.alert("health_code", stay.person_id, occurrence, at_once(scan), severity)


def _note(draft: Draft, stay: Stay, day: int, number: int, *scans: PlannedRecord) -> AlertTruth:
    """Note the breach that scans of one day make; staff touch it after the last of them."""
    occurrence = f"{stay.observation_id}/{draft.calendar.date(day)}/{number}"
    opened = Span(scans[0].received_at, scans[-1].received_at)
    return draft.truth.alert("breach", stay.person_id, occurrence, opened, "critical")
