"""How an observation begins: promptly, or with visits and readings that arrive before the opening."""

from random import Random
from typing import Final

from streams.town.calendar import HOUR, MINUTE, Slot
from streams.town.draft import Draft, at_once, by_next_tick
from streams.town.stay import Stay

# Local hours that leave at least an hour between the arrival of an opening and the first routine of a window it brings.
_OPENING_HOURS: Final = ((0.5, 5.0), (7.0, 12.5), (14.5, 19.0), (20.0, 23.0))


def enrol(draft: Draft, stay: Stay) -> None:
    """Open an observation; the day of the opening has no other story."""
    rng = draft.rng(f"enrolment/{stay.person_id}")
    if stay.late_enrolment:
        _enrol_late(draft, stay, rng)
    else:
        _enrol_at_once(draft, stay, rng)


def open_observation(draft: Draft, stay: Stay, observation_id: str, occurred_at: int, received_at: int) -> None:
    """Plan an `observation_opened` with the exposure that the stay has now."""
    draft.journal.add(
        "observation_opened",
        stay.kit.office,
        occurred_at,
        received_at,
        observation_id=observation_id,
        person_id=stay.person_id,
        area=stay.area,
        category=stay.category,
        last_exposure_on=draft.calendar.date(stay.exposure_day),
        household_id=stay.household_id,
    )


def _enrol_at_once(draft: Draft, stay: Stay, rng: Random) -> None:
    earliest, latest = rng.choice(_OPENING_HOURS)
    opened_at = draft.calendar.at(stay.opened_day, rng.uniform(earliest, latest))
    open_observation(draft, stay, stay.observation_id, opened_at, opened_at + rng.randint(20, 240))
    stay.expect(draft.calendar, max(stay.exposure_day + 1, stay.opened_day), opened_at)
    stay.reserve(stay.opened_day, 1, gap=False)
    if rng.random() < 0.4 and opened_at - 2 * HOUR > draft.calendar.start:
        _come_home(draft, stay, rng, opened_at - rng.randint(75, 110) * MINUTE)


def _come_home(draft: Draft, stay: Stay, rng: Random, at: int) -> None:
    """Scan a returnee who arrives at the gate and is not under observation yet: no breach."""
    code = "yellow" if rng.random() < 0.3 else "green"
    scan = draft.scan_returnee(stay, at, decision="held", health_code=code)
    if code == "yellow":
        occurrence = f"{draft.calendar.date(draft.calendar.day(at))}/{code}/1"
        draft.truth.alert("health_code", stay.person_id, occurrence, at_once(scan), "warning")


def _enrol_late(draft: Draft, stay: Stay, rng: Random) -> None:
    """Open before the first window, but let the opening arrive after it: records wait for it, or the check is missed."""
    draft.stories["late_enrolment"] += 1
    day = stay.opened_day
    opened_at = draft.calendar.at(day, rng.uniform(0.5, 5.0))
    arrives_days_later = rng.choice((0, 1, 2))
    hours = (15.2, 18.8) if arrives_days_later == 0 else (9.2, 11.5)
    received_at = draft.calendar.at(day + arrives_days_later, rng.uniform(*hours))
    open_observation(draft, stay, stay.observation_id, opened_at, received_at)
    stay.expect(draft.calendar, max(stay.exposure_day + 1, day), opened_at)
    first = Slot(day, "am")
    is_unseen = first in stay.windows and rng.random() < 0.5
    stay.reserve(day, arrives_days_later + 1, gap=is_unseen)
    if is_unseen:
        for alert in draft.miss(stay, first):
            alert.opened = by_next_tick(received_at)
