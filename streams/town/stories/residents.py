"""What happens at the gates to people who are not under observation: fevers, health codes, implausible readings."""

from random import Random
from typing import Any, Final

from streams.town.calendar import HOUR, MINUTE
from streams.town.census import person_id
from streams.town.draft import Draft, at_once
from streams.town.journal import PlannedRecord
from streams.town.stay import SCREEN_SITES, fever_temperature, normal_temperature
from streams.town.stories.fevers import confirming_second, deadline, screening_second
from streams.town.stories.readings import IMPLAUSIBLE_C
from streams.town.truth import AlertTruth

_LATEST_HOUR: Final = 19


def fever_lapsed(draft: Draft, rng: Random) -> None:
    """Screen a fever at the gate that nobody confirms: it lapses."""
    _screen(draft, rng, settled=None)


def fever_not_confirmed(draft: Draft, rng: Random) -> None:
    """Screen a fever at the gate; the medic finds none: resolved."""
    _screen(draft, rng, settled=False)


def fever_confirmed(draft: Draft, rng: Random) -> None:
    """Screen a fever at the gate; the medic confirms it."""
    _screen(draft, rng, settled=True)


def fever_at_clinic(draft: Draft, rng: Random) -> None:
    """Take a fever at the armpit at once."""
    resident = draft.draw_resident(rng)
    at = _an_hour(draft, rng) + rng.randint(0, 55) * MINUTE
    reading = _read_at_armpit(draft, resident, at, fever_temperature(rng))
    _note_fever(draft, resident, reading, "critical", "confirmed")


def fever_told_late(draft: Draft, rng: Random) -> None:
    """Screen a fever at a gate that is offline: its deadline has passed when it arrives, and it lapses at once."""
    resident = draft.draw_resident(rng)
    at = draft.calendar.at(rng.randrange(draft.settings.days), rng.uniform(7.0, 15.0))
    reading = {"temperature_c": fever_temperature(rng), "site": "forehead"}
    scan = draft.scan_resident(
        resident, at, received_at=at + rng.randint(2 * HOUR, 6 * HOUR), decision="held", **reading
    )
    _note_fever(draft, resident, scan, "warning", "screened").resolve(deadline(scan.received_at), "lapsed")


def _screen(draft: Draft, rng: Random, *, settled: bool | None) -> None:
    resident = draft.draw_resident(rng)
    hour = _an_hour(draft, rng)
    at = hour + screening_second(rng)
    reading = {"temperature_c": fever_temperature(rng), "site": rng.choice(SCREEN_SITES)}
    scan = draft.scan_resident(resident, at, decision="held", **reading)
    alert = _note_fever(draft, resident, scan, "warning", "screened")
    if settled is None:
        alert.resolve(deadline(at), "lapsed")
        return
    temperature_c = fever_temperature(rng) if settled else normal_temperature(rng)
    second = _read_at_armpit(draft, resident, hour + HOUR + confirming_second(rng), temperature_c)
    if settled:
        alert.change(at_once(second), "confirmed", "critical")
    else:
        alert.resolve(at_once(second), "not_confirmed")


def code(draft: Draft, rng: Random) -> None:
    """Show a yellow or red code, be held, and show it again a while later: one alert."""
    resident = draft.draw_resident(rng)
    day = rng.randrange(draft.settings.days)
    colour, severity = rng.choice((("yellow", "warning"), ("yellow", "warning"), ("red", "critical")))
    at = draft.calendar.at(day, rng.uniform(6.0, 18.0))
    first = draft.scan_resident(resident, at, decision="held", health_code=colour)
    alert = draft.truth.alert(
        "health_code", person_id(resident), f"{draft.calendar.date(day)}/{colour}/1", at_once(first), severity
    )
    if rng.random() < 0.3:
        again = draft.scan_resident(
            resident, at + rng.randint(5, 90) * MINUTE, decision="turned_back", health_code=colour
        )
        alert.opened = alert.opened._replace(latest=again.received_at)


def implausible(draft: Draft, rng: Random) -> None:
    """Measure at the gate what no body has."""
    resident = draft.draw_resident(rng)
    day = rng.randrange(draft.settings.days)
    at = draft.calendar.at(day, rng.uniform(6.0, 21.0))
    reading = {"temperature_c": rng.choice(IMPLAUSIBLE_C), "site": rng.choice(SCREEN_SITES)}
    scan = draft.scan_resident(resident, at, **reading)
    person = person_id(resident)
    occurrence = f"{draft.calendar.date(day)}/{person}"
    draft.truth.alert("implausible_reading", person, occurrence, at_once(scan), "info", source=scan.source)


def _an_hour(draft: Draft, rng: Random) -> int:
    return draft.calendar.at(rng.randrange(draft.settings.days), rng.randint(6, _LATEST_HOUR))


def _read_at_armpit(draft: Draft, resident: int, at: int, temperature_c: float) -> PlannedRecord:
    home = draft.census.home(resident)
    body: dict[str, Any] = {"temperature_c": temperature_c, "site": "axillary"}
    return draft.command(
        "temperature_taken", f"medic-{home.community}", at, person_id=person_id(resident), area=home.area, **body
    )


def _note_fever(draft: Draft, resident: int, record: PlannedRecord, severity: str, reason: str) -> AlertTruth:
    return draft.truth.alert(
        "fever", person_id(resident), str(record.fields["event_id"]), at_once(record), severity, reason
    )
