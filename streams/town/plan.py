"""The whole plan of a town: who is observed, what happens to whom, and what must follow."""

from random import Random
from typing import Final

from streams.town.calendar import CHECKS, MINUTE, Span, TownCalendar
from streams.town.census import Census, person_id, take_census
from streams.town.draft import Draft
from streams.town.journal import Journal
from streams.town.settings import MIN_DAYS, PERIOD_DAYS, TownSettings
from streams.town.stay import ROUTINE_SITES, Kit, Stay
from streams.town.stories import catalogue, endings
from streams.town.stories.course import prolong
from streams.town.stories.enrolment import enrol
from streams.town.truth import Truth

_SPREAD_DAYS: Final = 5
_LONGEST_EXTENSION: Final = 4
_REPEATED_KINDS: Final = ("visit_recorded", "temperature_taken", "checkpoint_scanned", "check_waived")


def draw_plan(settings: TownSettings) -> Draft:
    """Plan every record that is not an everyday scan, and the truth of them all.

    Order matters: the course of an observation first, then stories on free days, then routine for every check that
    no story decided, then staff and repeats, which look at what is there.
    """
    calendar = TownCalendar(settings.start_on)
    draft = Draft(settings, calendar, take_census(settings), Journal(calendar), Truth(calendar))
    _choose_returnees(draft)
    _plan_courses(draft)
    catalogue.tell_day_stories(draft)
    for stay in draft.stays:
        _fill_with_routine(draft, stay)
        _note_checks(draft, stay)
    catalogue.tell_gate_stories(draft)
    catalogue.tell_desk_stories(draft)
    _repeat_some(draft)
    return draft


def _choose_returnees(draft: Draft) -> None:
    rng = draft.rng("returnees")
    workers: dict[str, int] = {}
    for number in range(draft.settings.returnees):
        resident = draft.draw_resident(rng)
        area = draft.census.home(resident).area
        workers[area] = workers.get(area, 0) + 1
        draft.stays.append(_arrive(draft.settings, draft.census, rng, resident, number, workers[area]))


def _arrive(settings: TownSettings, census: Census, rng: Random, resident: int, number: int, worker: int) -> Stay:
    """Draw one returnee: the last day of observation lies within the town's days, mostly near their end."""
    home = census.home(resident)
    early = min(rng.randint(0, _SPREAD_DAYS), rng.randint(0, max(_SPREAD_DAYS, settings.days - PERIOD_DAYS)))
    last_day = max(MIN_DAYS - 1, settings.days - 1 - early)
    exposure_day = last_day - PERIOD_DAYS
    grid = home.area.rsplit("/", 1)[-1]
    worker_id = f"{home.community}-{grid}-w{worker:02d}"
    return Stay(
        person_id=person_id(resident),
        household_id=census.household_id(resident),
        area=home.area,
        kit=Kit(home.gate, f"phone-{worker_id}", f"office-{home.community}", f"medic-{home.community}"),
        visitor_id=worker_id,
        observation_id=f"obs-{number + 1:05d}",
        category=rng.choices(("home", "centralised", "lockdown"), (8, 1, 1))[0],
        site=rng.choice(ROUTINE_SITES),
        exposure_day=exposure_day,
        opened_day=min(max(0, exposure_day + 1 + rng.randint(0, 3)), last_day - 2),
        clock_behind=rng.choice((0, 0, 0, 0, 0, 0, 0, 4, 10)) * MINUTE,
    )


def _plan_courses(draft: Draft) -> None:
    """Give each observation its beginning, its course and its end, in numbers set by the rates."""
    rates, total = draft.settings.rates, len(draft.stays)
    rng = draft.rng("courses")
    for stay in rng.sample(draft.stays, min(total, catalogue.how_many(rates.late_enrolment_rate, total))):
        stay.late_enrolment = True
    waiting = [stay for stay in rng.sample(draft.stays, total) if stay.last_day - stay.opened_day >= _LONGEST_EXTENSION]
    brief = [stay for stay in draft.stays if stay not in waiting]
    long = [stay for stay in waiting if stay.last_day - stay.opened_day >= 2 * _LONGEST_EXTENSION]
    extended = long[: catalogue.how_many(rates.extension_rate, total)]
    for number, stay in enumerate(extended):
        stay.course_days = rng.randint(2, _LONGEST_EXTENSION)
        stay.exposure_day -= stay.course_days
        enrol(draft, stay)
        prolong(draft, stay, number)
        endings.release_on_time(draft, stay)
    waiting = [stay for stay in waiting if not stay.course_days]
    _plan_endings(draft, waiting, brief)


def _plan_endings(draft: Draft, waiting: list[Stay], brief: list[Stay]) -> None:
    """End the observations that were not extended; brief ones, in a town of few days, end on time or are forgotten."""
    rates, total = draft.settings.rates, len(draft.stays)
    for stay in waiting + brief:
        enrol(draft, stay)
    for rate, end in ((rates.hospital_rate, endings.end_elsewhere), (rates.early_release_rate, endings.release_early)):
        count = min(len(waiting), catalogue.how_many(rate, total))
        chosen, waiting = waiting[:count], waiting[count:]
        for number, stay in enumerate(chosen):
            end(draft, stay, number)
    rest = waiting + brief
    forgotten = min(len(rest), catalogue.how_many(rates.forgotten_rate, total))
    for number, stay in enumerate(rest[:forgotten]):
        endings.forget(draft, stay, number)
    for stay in rest[forgotten:]:
        endings.release_on_time(draft, stay)


def _fill_with_routine(draft: Draft, stay: Stay) -> None:
    rng = draft.rng(f"routine/{stay.person_id}")
    for slot in stay.windows:
        open_checks = [check for check in CHECKS if (check, slot) not in stay.states]
        if open_checks:
            draft.routine(stay, slot, open_checks, rng)
            stay.decide(slot, "done", *open_checks)


def _note_checks(draft: Draft, stay: Stay) -> None:
    """Note every expected check, and let the closing end the alerts of the observation."""
    for slot in stay.windows:
        for check in CHECKS:
            draft.truth.check(stay.person_id, stay.area, check, slot.day, slot.window, stay.states[check, slot])
    if stay.told_at is not None:
        for alert in stay.closing_resolves:
            alert.resolve(Span(stay.told_at, stay.told_at), "observation_closed")


def _repeat_some(draft: Draft) -> None:
    """Send some good records twice, up to two hours apart: the second arrival changes nothing."""
    rng = draft.rng("repeats")
    for record in list(draft.journal.records):
        if rng.random() >= draft.settings.rates.repeat_rate or record.dead_letter or record.same_as:
            continue
        again_at = record.received_at + rng.randint(1, 120 * MINUTE)
        if record.fields["kind"] in _REPEATED_KINDS and again_at < draft.ends_at:
            draft.journal.send_again(record, again_at)
            draft.stories["repeats"] += 1
