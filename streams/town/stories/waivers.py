"""Checks that the office waives, before they were missed and after."""

from random import Random

from streams.town.calendar import CHECKS, Slot
from streams.town.draft import Draft, at_once
from streams.town.journal import PlannedRecord
from streams.town.stay import Stay
from streams.town.stories.misses import a_slot, find_again


def before_window(draft: Draft, stay: Stay, day: int, rng: Random) -> None:
    """Waive a window before it begins: a hospital appointment, say."""
    slot = a_slot(day, rng)
    at = draft.calendar.at(day, rng.uniform(0.5, 4.8))
    for check in CHECKS:
        _waive(draft, stay, check, slot, at)


def in_window(draft: Draft, stay: Stay, day: int, rng: Random) -> None:
    """Waive the visit of a window that runs; the reading is taken."""
    slot = a_slot(day, rng)
    _waive(draft, stay, "visit", slot, draft.calendar.begin(slot) + rng.randint(300, 18_000))


def after_miss(draft: Draft, stay: Stay, day: int, rng: Random) -> None:
    """Waive a window after it was missed: the alerts are resolved."""
    slot = Slot(day, "am")
    missed = draft.miss(stay, slot)
    at = draft.calendar.at(day, rng.uniform(14.2, 23.0))
    for check, alert in zip(CHECKS, missed, strict=True):
        alert.resolve(at_once(_waive(draft, stay, check, slot, at)), "waived")


def after_contact_lost(draft: Draft, stay: Stay, day: int, rng: Random) -> None:
    """Waive the second of two visits missed: contact no longer counts as lost, the first miss stands."""
    draft.miss(stay, Slot(day, "am"), "visit")
    slot = Slot(day, "pm")
    (missed,) = draft.miss(stay, slot, "visit")
    (lost,) = draft.lose_contact(stay, slot, "visit")
    waiver = _waive(draft, stay, "visit", slot, draft.calendar.at(day, rng.uniform(22.1, 23.8)))
    missed.resolve(at_once(waiver), "waived")
    lost.resolve(at_once(waiver), "waived")


def between_misses(draft: Draft, stay: Stay, day: int, rng: Random) -> None:
    """Waive the morning between two evenings missed: it is passed over, and the two count as a row."""
    before, waived, after = Slot(day, "pm"), Slot(day + 1, "am"), Slot(day + 1, "pm")
    draft.miss(stay, before, "temperature")
    _waive(draft, stay, "temperature", waived, draft.calendar.at(day + 1, rng.uniform(0.5, 4.8)))
    draft.miss(stay, after, "temperature")
    (lost,) = draft.lose_contact(stay, after, "temperature")
    find_again(draft, lost, after)


def _waive(draft: Draft, stay: Stay, check: str, slot: Slot, at: int) -> PlannedRecord:
    stay.decide(slot, "waived", check)
    return draft.command(
        "check_waived",
        stay.kit.office,
        at,
        person_id=stay.person_id,
        check=check,
        date=draft.calendar.date(slot.day),
        window=slot.window,
        reason="agreed with the office",
    )
