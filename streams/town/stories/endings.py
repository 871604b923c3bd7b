"""How an observation ends: on time, early, in hospital, known late, or not at all."""

from random import Random

from streams.town.calendar import CHECKS, HOUR, MINUTE, WINDOWS, Slot, Span
from streams.town.draft import Draft, at_once
from streams.town.stay import Stay
from streams.town.stories.course import forget_release
from streams.town.stories.fevers import fever_before_hospital


def close(draft: Draft, stay: Stay, occurred_at: int, received_at: int, outcome: str) -> None:
    """Plan the closing and what it does to the checks that the clock has begun, and to those it has not.

    Windows that start after its arrival are taken away. Of those begun that end after it, what routine has not done
    (no hours are set for it) is waived. Alerts of the observation are resolved when everything is planned.
    """
    calendar = draft.calendar
    draft.journal.add(
        "observation_closed",
        stay.kit.office,
        occurred_at,
        received_at,
        observation_id=stay.closing_id or stay.observation_id,
        person_id=stay.person_id,
        outcome=outcome,
    )
    stay.told_at = received_at
    stay.windows = [slot for slot in stay.windows if calendar.begin(slot) <= received_at]
    for slot in stay.windows:
        if calendar.end(slot) > occurred_at and slot not in stay.hours:
            stay.decide(slot, "waived", *(check for check in CHECKS if stay.states.get((check, slot)) != "done"))


def release_on_time(draft: Draft, stay: Stay) -> None:
    """Release in the evening of the last day or in the morning after it; then the person walks freely."""
    rng = draft.rng(f"ending/{stay.person_id}")
    draft.stories["released_on_time"] += 1
    calendar = draft.calendar
    if rng.random() < 0.5:
        occurred_at = calendar.at(stay.last_day, rng.uniform(21.1, 23.5))
    else:
        occurred_at = calendar.at(stay.last_day + 1, rng.uniform(7.0, 11.0))
    close(draft, stay, occurred_at, occurred_at + rng.randint(20, 240), "released")
    stay.reserve(stay.last_day, 1, gap=True)
    _walk_freely(draft, stay, rng)


def _walk_freely(draft: Draft, stay: Stay, rng: Random) -> None:
    """Scan a released person: no breach, as the scans were made after the closing."""
    at = draft.calendar.at(stay.last_day + 1, rng.uniform(13.0, 15.0))
    draft.scan_returnee(stay, at, direction="out", health_code="green")
    draft.scan_returnee(stay, at + rng.randint(20, 200) * MINUTE, direction="in", health_code="green")


def release_early(draft: Draft, stay: Stay, variant: int) -> None:
    """Release before the last window ends: at noon of an earlier day, or in the afternoon of the last one."""
    rng = draft.rng(f"ending/{stay.person_id}")
    draft.stories["released_early"] += 1
    calendar = draft.calendar
    if variant % 2:
        day = rng.randint(max(stay.opened_day + 3, stay.last_day - 4), stay.last_day)
        occurred_at = calendar.at(day, rng.uniform(13.1, 13.8))
    else:
        day = stay.last_day
        occurred_at = calendar.at(day, rng.uniform(17.2, 19.5))
        begin = WINDOWS["pm"][0]
        stay.hours[Slot(day, "pm")] = (begin + 20 * MINUTE, begin + 2 * HOUR)
    received_at = occurred_at + rng.randint(20, 240)
    close(draft, stay, occurred_at, received_at, "released")
    _end_stories_at(stay, day)
    opened = Span(received_at, received_at)
    draft.truth.alert("released_early", stay.person_id, stay.observation_id, opened, "warning")


def end_elsewhere(draft: Draft, stay: Stay, variant: int) -> None:
    """End before the last day: in hospital (known at once, known a day late, after a fever), moved away, cancelled."""
    rng = draft.rng(f"ending/{stay.person_id}")
    draft.stories["ended_elsewhere"] += 1
    day = rng.randint(stay.opened_day + 3, stay.last_day - 1)
    variant %= 4
    if variant == 1:
        _hospital_known_late(draft, stay, day, rng)
    elif variant == 3:
        occurred_at = draft.calendar.at(day, rng.uniform(13.1, 13.8))
        close(draft, stay, occurred_at, occurred_at + 60, rng.choice(("moved", "cancelled")))
    else:
        _hospital_known_at_once(draft, stay, day, rng, has_fever=variant == 0)
    _end_stories_at(stay, day)


def _hospital_known_at_once(draft: Draft, stay: Stay, day: int, rng: Random, *, has_fever: bool) -> None:
    """Close in the middle of the morning: what was not done yet is waived, with a fever only the visit."""
    slot = Slot(day, "am")
    if has_fever:
        fever_before_hospital(draft, stay, day, rng)
        stay.decide(slot, "done", "temperature")
    elif rng.random() < 0.5:
        stay.hours[slot] = (6 * HOUR + 20 * MINUTE, 7 * HOUR + 40 * MINUTE)
    occurred_at = draft.calendar.at(day, rng.uniform(9.5, 11.0))
    close(draft, stay, occurred_at, occurred_at + rng.randint(20, 240), "hospital")


def _hospital_known_late(draft: Draft, stay: Stay, day: int, rng: Random) -> None:
    """Let workers find nobody for a day until the office learns of the hospital: misses are waived after all."""
    morning, evening = Slot(day, "am"), Slot(day, "pm")
    for slot in (morning, evening):
        draft.miss(stay, slot)
        at = draft.calendar.begin(slot) + rng.randint(20, 300) * MINUTE
        draft.visit(stay, at, at + 15, outcome="absent")
    draft.lose_contact(stay, evening)
    occurred_at = draft.calendar.at(day, rng.uniform(6.5, 11.0))
    close(draft, stay, occurred_at, draft.calendar.at(day + 1, rng.uniform(9.5, 11.0)), "hospital")


def forget(draft: Draft, stay: Stay, variant: int) -> None:
    """Forget the release: closed a day later, known late (with a walk in between), or never closed."""
    rng = draft.rng(f"ending/{stay.person_id}")
    draft.stories["forgotten_release"] += 1
    calendar, day = draft.calendar, stay.last_day + 1
    overdue = forget_release(draft, stay)
    stay.reserve(stay.last_day, 1, gap=True)
    variant %= 4
    if variant == 3:
        return
    stay.closing_resolves.append(overdue)
    if variant == 0:
        occurred_at = calendar.at(day, rng.uniform(14.5, 23.0))
        close(draft, stay, occurred_at, occurred_at + 60, "released")
        return
    occurred_at = calendar.at(day, rng.uniform(8.0, 8.9))
    if variant == 2:
        _walk_before_told(draft, stay, calendar.at(day, rng.uniform(9.5, 11.5)))
    close(draft, stay, occurred_at, calendar.at(day, rng.uniform(14.5, 18.0)), "released")


def _walk_before_told(draft: Draft, stay: Stay, at: int) -> None:
    """Scan a released person whose closing is still on its way: a breach, until the closing arrives."""
    scan = draft.scan_returnee(stay, at, direction="out")
    occurrence = f"{stay.observation_id}/{draft.calendar.date(draft.calendar.day(at))}/1"
    breach = draft.truth.alert("breach", stay.person_id, occurrence, at_once(scan), "critical")
    stay.closing_resolves.append(breach)


def _end_stories_at(stay: Stay, day: int) -> None:
    """Keep other stories away from the day of the closing; later days have no windows any more."""
    stay.reserve(day, 1, gap=True)
