"""Readings that no body has: too cold in winter, too hot by a broken meter, with and without a second try."""

from random import Random
from typing import Final

from streams.town.calendar import MINUTE
from streams.town.draft import Draft, at_once
from streams.town.journal import PlannedRecord
from streams.town.stay import Stay
from streams.town.stories.misses import a_slot

IMPLAUSIBLE_C: Final = (33.8, 34.1, 34.4, 42.6, 43.9)


def taken_again(draft: Draft, stay: Stay, day: int, rng: Random) -> None:
    """Take an implausible reading, then a good one by routine: done."""
    at = draft.calendar.begin(a_slot(day, rng)) + rng.randint(20, 240) * MINUTE
    _note(draft, stay, draft.read_temperature(stay, at, rng.choice(IMPLAUSIBLE_C), "forehead"))


def not_taken_again(draft: Draft, stay: Stay, day: int, rng: Random) -> None:
    """Carry an implausible reading in the only visit: the visit is done, the reading missed."""
    slot = a_slot(day, rng)
    at = draft.calendar.begin(slot) + rng.randint(20, 240) * MINUTE
    record = draft.visit(stay, at, at + 30, temperature_c=rng.choice(IMPLAUSIBLE_C), site="wrist")
    _note(draft, stay, record)
    draft.miss(stay, slot, "temperature")
    stay.decide(slot, "done", "visit")


def _note(draft: Draft, stay: Stay, record: PlannedRecord) -> None:
    day = draft.calendar.day(record.received_at)
    draft.truth.alert(
        "implausible_reading",
        stay.person_id,
        f"{draft.calendar.date(day)}/{stay.person_id}",
        at_once(record),
        "info",
        source=record.source,
    )
