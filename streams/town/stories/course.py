"""What moves the last day of an observation: an extension, a second opening, an extension of an overdue one."""

from random import Random

from streams.town.calendar import RELEASE_HOUR, Span
from streams.town.draft import Draft
from streams.town.stay import Stay
from streams.town.stories.enrolment import open_observation
from streams.town.truth import AlertTruth


def prolong(draft: Draft, stay: Stay, variant: int) -> None:
    """Extend an observation by `stay.course_days`; `variant` rotates through the three ways it happens."""
    rng = draft.rng(f"course/{stay.person_id}")
    draft.stories["extension"] += 1
    story = (_extend, _open_again, _extend_overdue)[variant % 3]
    story(draft, stay, rng)


def _extend(draft: Draft, stay: Stay, rng: Random) -> None:
    day, occurred_at = _a_day_inside(draft, stay, rng)
    _move_last_day(draft, stay, occurred_at, rng)
    stay.reserve(day, 1, gap=False)


def _open_again(draft: Draft, stay: Stay, rng: Random) -> None:
    """Open a second observation of the same person: an extension of the first, closed under the second's name."""
    day, occurred_at = _a_day_inside(draft, stay, rng)
    first_new_day = stay.last_day + 1
    stay.exposure_day += stay.course_days
    stay.closing_id = f"{stay.observation_id}-b"
    open_observation(draft, stay, stay.closing_id, occurred_at, occurred_at + rng.randint(20, 240))
    stay.expect(draft.calendar, first_new_day, occurred_at)
    stay.reserve(day, 1, gap=False)


def _extend_overdue(draft: Draft, stay: Stay, rng: Random) -> None:
    """Forget the release, then extend: nothing is expected between the old last day and the extension."""
    forgotten_day = stay.last_day + 1
    alert = forget_release(draft, stay)
    occurred_at = draft.calendar.at(forgotten_day, rng.uniform(15.0, 17.0))
    received_at = _move_last_day(draft, stay, occurred_at, rng)
    alert.resolve(Span(received_at, received_at), "extended")
    stay.reserve(forgotten_day, 1, gap=True)


def _a_day_inside(draft: Draft, stay: Stay, rng: Random) -> tuple[int, int]:
    day = rng.randint(min(stay.opened_day + 3, stay.last_day - 1), stay.last_day - 1)
    return day, draft.calendar.at(day, rng.uniform(9.0, 17.0))


def _move_last_day(draft: Draft, stay: Stay, occurred_at: int, rng: Random) -> int:
    first_new_day = stay.last_day + 1
    stay.exposure_day += stay.course_days
    received_at = occurred_at + rng.randint(20, 240)
    draft.journal.add(
        "observation_extended",
        stay.kit.office,
        occurred_at,
        received_at,
        observation_id=stay.observation_id,
        person_id=stay.person_id,
        last_exposure_on=draft.calendar.date(stay.exposure_day),
    )
    stay.expect(draft.calendar, first_new_day, occurred_at)
    return received_at


def forget_release(draft: Draft, stay: Stay) -> AlertTruth:
    """Note that nobody closes the observation in time: `observation_overdue` opens at noon after the last day."""
    noon = draft.calendar.at(stay.last_day + 1, RELEASE_HOUR)
    occurrence = f"{stay.observation_id}/{draft.calendar.date(stay.last_day)}"
    return draft.truth.alert("observation_overdue", stay.person_id, occurrence, Span(noon, noon), "warning")
