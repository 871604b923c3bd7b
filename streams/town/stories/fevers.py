"""Fevers: screened at a place that does not confirm, then confirmed or not, or seen at the armpit at once.

A screening lies in the last minutes of an hour and its confirmation in the first of the next one: between them stands a
tick of every size, and the deadline of 30 minutes has not passed at any.

    screened :51 ... :58 | tick :00 | confirmed :01 ... :18 | deadline :21 ... :28
"""

from random import Random
from typing import Any, Final

from streams.town.calendar import HOUR, MINUTE, Span, next_hour
from streams.town.draft import Draft, at_once
from streams.town.journal import PlannedRecord
from streams.town.stay import SCREEN_SITES, Stay, fever_temperature, normal_temperature
from streams.town.truth import AlertTruth

CONFIRM_WITHIN: Final = 30 * MINUTE
_SCREENING_HOURS: Final = (7, 8, 9, 10, 15, 16, 17, 18)


def screening_second(rng: Random) -> int:
    """Draw the second of the hour at which a screening is made."""
    return rng.randint(51 * MINUTE, 58 * MINUTE)


def confirming_second(rng: Random) -> int:
    """Draw how long after the full hour a confirmation is taken, in seconds."""
    return rng.randint(1 * MINUTE, 18 * MINUTE)


def deadline(screened_at: int) -> Span:
    """Return when a screening that nothing settles comes to its end."""
    due_at = screened_at + CONFIRM_WITHIN
    return Span(due_at, next_hour(due_at))


def fever_before_hospital(draft: Draft, stay: Stay, day: int, rng: Random) -> None:
    """Plan a fever of the early morning, confirmed within the hour; the story of the closing goes on from there."""
    hour = draft.calendar.at(day, 7)
    reading = draft.read_temperature(stay, hour + screening_second(rng), fever_temperature(rng), "forehead")
    alert = _note_fever(draft, stay, reading, "warning", "screened")
    _settle(draft, stay, alert, hour + HOUR + confirming_second(rng), is_fever=True, rng=rng)


def confirmed(draft: Draft, stay: Stay, day: int, rng: Random) -> None:
    """Screen a fever and confirm it at the armpit: critical, until staff resolve it."""
    alert, hour = _screen(draft, stay, _an_hour(draft, day, rng), rng)
    _settle(draft, stay, alert, hour + HOUR + confirming_second(rng), is_fever=True, rng=rng)


def not_confirmed(draft: Draft, stay: Stay, day: int, rng: Random) -> None:
    """Screen a fever and find none at the armpit: resolved."""
    alert, hour = _screen(draft, stay, _an_hour(draft, day, rng), rng)
    _settle(draft, stay, alert, hour + HOUR + confirming_second(rng), is_fever=False, rng=rng)


def unconfirmed(draft: Draft, stay: Stay, day: int, rng: Random) -> None:
    """Screen a fever that nobody measures again: critical, as the person is under observation."""
    _screen_unsettled(draft, stay, day, rng)


def confirmed_next_day(draft: Draft, stay: Stay, day: int, rng: Random) -> None:
    """Leave a fever unconfirmed until the next day's reading at the armpit confirms it."""
    alert = _screen_unsettled(draft, stay, day, rng)
    # Resolved by staff in between, the second reading would be a fever of its own.
    alert.staff_may = "acknowledge"
    _settle(draft, stay, alert, draft.calendar.at(day + 1, 9, rng.randint(0, 50)), is_fever=True, rng=rng)


def healthy_next_day(draft: Draft, stay: Stay, day: int, rng: Random) -> None:
    """Leave a fever unconfirmed until the next day's reading at the armpit finds none."""
    alert = _screen_unsettled(draft, stay, day, rng)
    _settle(draft, stay, alert, draft.calendar.at(day + 1, 9, rng.randint(0, 50)), is_fever=False, rng=rng)


def seen_at_armpit(draft: Draft, stay: Stay, day: int, rng: Random) -> None:
    """Take the first reading at the armpit: confirmed at once."""
    reading = draft.read_temperature(
        stay, _an_hour(draft, day, rng) + rng.randint(0, 55) * MINUTE, fever_temperature(rng), "axillary"
    )
    _note_fever(draft, stay, reading, "critical", "confirmed")


def _an_hour(draft: Draft, day: int, rng: Random) -> int:
    return draft.calendar.at(day, rng.choice(_SCREENING_HOURS))


def _screen(draft: Draft, stay: Stay, hour: int, rng: Random) -> tuple[AlertTruth, int]:
    """Plan a feverish reading in the last minutes of an hour, on its own or in a visit; return the alert and the hour."""
    at = hour + screening_second(rng)
    reading: dict[str, Any] = {"temperature_c": fever_temperature(rng), "site": rng.choice(SCREEN_SITES)}
    if rng.random() < 0.5:
        record = draft.visit(stay, at, at + 15, symptoms=["cough"], **reading)
    else:
        record = draft.read_temperature(stay, at, delay=15, **reading)
    return _note_fever(draft, stay, record, "warning", "screened"), hour


def _screen_unsettled(draft: Draft, stay: Stay, day: int, rng: Random) -> AlertTruth:
    alert, _ = _screen(draft, stay, _an_hour(draft, day, rng), rng)
    screened_at = alert.opened.earliest - 15
    alert.change(deadline(screened_at), "unconfirmed", "critical")
    return alert


def _settle(draft: Draft, stay: Stay, alert: AlertTruth, at: int, *, is_fever: bool, rng: Random) -> None:
    temperature_c = fever_temperature(rng) if is_fever else normal_temperature(rng)
    reading = draft.read_temperature(stay, at, temperature_c, "axillary")
    if is_fever:
        alert.change(at_once(reading), "confirmed", "critical")
    else:
        alert.resolve(at_once(reading), "not_confirmed")


def _note_fever(draft: Draft, stay: Stay, record: PlannedRecord, severity: str, reason: str) -> AlertTruth:
    stay.has_fever = True
    if stay.site == "axillary":
        stay.site = SCREEN_SITES[0]
    return draft.truth.alert("fever", stay.person_id, str(record.fields["event_id"]), at_once(record), severity, reason)
