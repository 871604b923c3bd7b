"""All stories of a day, by the rate that governs them, and how they are given to people and days."""

from collections.abc import Callable
from dataclasses import dataclass
from random import Random
from typing import Final

from streams.town.draft import Draft
from streams.town.stay import Stay
from streams.town.stories import breaches, devices, fevers, malformed, misses, office, readings, residents, waivers

# So many returnees are asked for room before a story is left out.
_MOST_TRIED: Final = 60

Play = Callable[[Draft, Stay, int, Random], None]
GatePlay = Callable[[Draft, Random], None]


@dataclass(frozen=True, slots=True)
class DayStory:
    """A story of one returnee that takes `days` days; one with a gap leaves checks undone."""

    play: Play
    days: int = 1
    gap: bool = False


def _gap(play: Play, days: int = 1) -> DayStory:
    return DayStory(play, days, gap=True)


# Stories of one rate are told in turn, so that a town with enough room shows each of them.
DAY_STORIES: Final[dict[str, tuple[DayStory, ...]]] = {
    "lost_rate": (_gap(misses.run_of_two), _gap(misses.run_overnight, 2), _gap(misses.run_of_four, 2)),
    "fever_rate": (
        DayStory(fevers.confirmed),
        DayStory(fevers.not_confirmed),
        DayStory(fevers.unconfirmed),
        DayStory(fevers.confirmed_next_day, 2),
        DayStory(fevers.healthy_next_day, 2),
        DayStory(fevers.seen_at_armpit),
    ),
    "offline_rate": (
        _gap(devices.backlog_in_evening),
        _gap(devices.backlog_next_morning, 2),
        _gap(devices.backlog_of_a_day),
        DayStory(devices.short_outage),
    ),
    "waiver_rate": (
        _gap(waivers.before_window),
        _gap(waivers.after_miss),
        _gap(waivers.after_contact_lost),
        _gap(waivers.between_misses, 2),
        _gap(waivers.in_window),
    ),
    "breach_rate": (
        DayStory(breaches.out_and_in),
        DayStory(breaches.turned_back),
        DayStory(breaches.twice),
        DayStory(breaches.told_late),
        DayStory(breaches.with_code),
    ),
    "wrong_clock_rate": (
        _gap(devices.clock_ahead),
        DayStory(devices.clock_ahead_mended),
        _gap(devices.clock_behind),
        DayStory(devices.clock_little_ahead),
    ),
    "implausible_rate": (DayStory(readings.taken_again), _gap(readings.not_taken_again)),
    "absent_rate": (_gap(misses.absent), DayStory(misses.absent_then_seen), _gap(misses.refused)),
    "missed_rate": (_gap(misses.nothing), _gap(misses.no_visit), _gap(misses.no_reading)),
}
GATE_STORIES: Final[dict[str, tuple[GatePlay, ...]]] = {
    "resident_fever_rate": (
        residents.fever_lapsed,
        residents.fever_confirmed,
        residents.fever_not_confirmed,
        residents.fever_at_clinic,
        residents.fever_told_late,
    ),
    "health_code_rate": (residents.code,),
    "gate_implausible_rate": (residents.implausible,),
}


def how_many(rate: float, of: float) -> int:
    """Return how often a trouble happens: once at least where its rate is above 0 and there is anybody at all."""
    return max(1, round(rate * of)) if rate and of else 0


def tell_day_stories(draft: Draft) -> None:
    """Give each returnee and day at most one story; what finds no room is left out."""
    for rate, stories in DAY_STORIES.items():
        rng = draft.rng(f"stories/{rate}")
        for number in range(how_many(getattr(draft.settings.rates, rate), len(draft.stays))):
            story = stories[number % len(stories)]
            if _find_room(draft, story, rng, avoid_fever=rate == "fever_rate"):
                draft.stories[story.play.__name__] += 1


def _find_room(draft: Draft, story: DayStory, rng: Random, *, avoid_fever: bool) -> bool:
    for stay in rng.sample(draft.stays, min(len(draft.stays), _MOST_TRIED)):
        if avoid_fever and stay.has_fever:
            continue
        for day in rng.sample(range(draft.settings.days), draft.settings.days):
            if stay.claim(day, story.days, gap=story.gap):
                story.play(draft, stay, day, rng)
                return True
    return False


def tell_gate_stories(draft: Draft) -> None:
    """Tell what happens to residents who are not under observation, and what the gates send that is spoiled."""
    rates = draft.settings.rates
    for rate, stories in GATE_STORIES.items():
        rng = draft.rng(f"stories/{rate}")
        for number in range(how_many(getattr(rates, rate), _spare_thousands(draft))):
            story = stories[number % len(stories)]
            story(draft, rng)
            draft.stories[f"gate_{story.__name__}"] += 1
    gate_days = draft.settings.compounds * draft.settings.days
    malformed.spoil(draft, draft.rng("stories/malformed"), how_many(rates.malformed_rate, gate_days))
    malformed.clocks_far_ahead(draft, draft.rng("stories/future"), how_many(rates.gate_future_rate, gate_days))


def _spare_thousands(draft: Draft) -> float:
    """Return the residents without a story, in thousands; 0 where too few are left to draw from at random."""
    spare = draft.settings.residents - len(draft.taken_residents)
    return spare / 1_000 if spare > draft.settings.residents // 100 + 50 else 0


def tell_desk_stories(draft: Draft) -> None:
    """Tell what the office and the command staff do, once all alerts are known."""
    rates = draft.settings.rates
    office.make_mistakes(draft, draft.rng("stories/mistakes"), how_many(rates.mistake_rate, len(draft.stays)))
    office.attend_alerts(draft, draft.rng("stories/staff"), rates.staff_rate)
