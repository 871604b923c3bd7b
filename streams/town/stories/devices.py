"""Terminals that are offline, or whose clock is wrong."""

from random import Random

from streams.town.calendar import CHECKS, HOUR, MINUTE, Slot, Span
from streams.town.draft import Draft
from streams.town.journal import PlannedRecord
from streams.town.stay import Stay, normal_temperature
from streams.town.stories.misses import a_slot
from streams.town.truth import AlertTruth


def backlog_in_evening(draft: Draft, stay: Stay, day: int, rng: Random) -> None:
    """Be offline over the morning: missed at noon, late once the terminal is back in the afternoon."""
    slot = Slot(day, "am")
    missed = draft.miss(stay, slot)
    back_at = draft.calendar.at(day, rng.uniform(14.2, 21.8))
    _deliver(draft, stay, slot, back_at, missed, rng)


def backlog_next_morning(draft: Draft, stay: Stay, day: int, rng: Random) -> None:
    """Be offline over the evening: missed, and late the next morning."""
    slot = Slot(day, "pm")
    missed = draft.miss(stay, slot)
    back_at = draft.calendar.at(day + 1, rng.uniform(7.0, 11.0))
    _deliver(draft, stay, slot, back_at, missed, rng)


def backlog_of_a_day(draft: Draft, stay: Stay, day: int, rng: Random) -> None:
    """Be offline for a whole day: contact seems lost in the evening, until the backlog arrives at night."""
    back_at = draft.calendar.at(day, rng.uniform(22.2, 23.5))
    arrived = Span(back_at, back_at + HOUR)
    for slot in (Slot(day, "am"), Slot(day, "pm")):
        missed = draft.miss(stay, slot)
        _deliver(draft, stay, slot, back_at, missed, rng)
    for alert in draft.lose_contact(stay, Slot(day, "pm")):
        alert.resolve(arrived, "check_done")


def short_outage(draft: Draft, stay: Stay, day: int, rng: Random) -> None:
    """Be offline for an hour or two and back before the deadline: nobody is accused."""
    slot = Slot(day, "pm")
    stay.hours[slot] = (14 * HOUR + 20 * MINUTE, 17 * HOUR)
    back_at = draft.calendar.at(day, rng.uniform(18.1, 20.4))
    draft.routine(stay, slot, CHECKS, rng, held_until=back_at)
    stay.decide(slot, "done")


def _deliver(
    draft: Draft, stay: Stay, slot: Slot, back_at: int, missed: list[AlertTruth], rng: Random
) -> list[PlannedRecord]:
    """Deliver the records of a window after its deadline: its checks are late, its alerts resolved."""
    records = draft.routine(stay, slot, CHECKS, rng, held_until=back_at)
    stay.decide(slot, "late")
    for alert in missed:
        alert.resolve(Span(back_at, back_at + HOUR), "late_record")
    return records


def clock_ahead(draft: Draft, stay: Stay, day: int, rng: Random) -> None:
    """Take a reading with a clock far ahead: it is refused, and the check is missed; the visit is noted elsewhere."""
    slot = a_slot(day, rng)
    _read_in_future(draft, stay, slot, rng)
    draft.miss(stay, slot, "temperature")


def clock_ahead_mended(draft: Draft, stay: Stay, day: int, rng: Random) -> None:
    """Take a reading with a clock far ahead, and send it in again once the clock is set: done."""
    slot = a_slot(day, rng)
    true_at = draft.calendar.begin(slot) + rng.randint(30, 120) * MINUTE
    record = _read_in_future(draft, stay, slot, rng, true_at)
    draft.journal.send_again(record, true_at + rng.randint(65, 180) * MINUTE, occurred_at=draft.calendar.iso(true_at))
    draft.routine(stay, slot, ("visit",), rng)
    stay.decide(slot, "done")


def _read_in_future(draft: Draft, stay: Stay, slot: Slot, rng: Random, true_at: int | None = None) -> PlannedRecord:
    at = draft.calendar.begin(slot) + rng.randint(30, 300) * MINUTE if true_at is None else true_at
    ahead = rng.randint(8, 45) * MINUTE
    record = draft.read_temperature(stay, at + ahead, normal_temperature(rng), stay.site, delay=15 - ahead)
    record.dead_letter = "occurred_in_future"
    return record


def clock_behind(draft: Draft, stay: Stay, day: int, rng: Random) -> None:
    """Come in the first minutes of a window with a clock that is behind: the record lies before it and counts for none."""
    slot = a_slot(day, rng)
    draft.miss(stay, slot)
    true_at = draft.calendar.begin(slot) + rng.randint(60, 600)
    occurred_at = true_at - rng.randint(15, 50) * MINUTE
    draft.visit(stay, occurred_at, true_at + 20, temperature_c=normal_temperature(rng), site=stay.site)


def clock_little_ahead(draft: Draft, stay: Stay, day: int, rng: Random) -> None:
    """Take an extra reading with a clock ahead by less than five minutes: kept."""
    at = draft.calendar.begin(a_slot(day, rng)) + rng.randint(30, 300) * MINUTE
    ahead = rng.randint(60, 280)
    draft.read_temperature(stay, at + ahead, normal_temperature(rng), stay.site, delay=10 - ahead)
