"""Windows in which nobody comes, nobody opens, or nobody is reached for longer."""

from random import Random

from streams.town.calendar import CHECKS, GRACE, HOUR, MINUTE, WINDOWS, Slot, Span
from streams.town.draft import Draft
from streams.town.stay import Stay
from streams.town.truth import AlertTruth


def a_slot(day: int, rng: Random) -> Slot:
    """Draw one of the windows of a day."""
    return Slot(day, rng.choice(tuple(WINDOWS)))


def nothing(draft: Draft, stay: Stay, day: int, rng: Random) -> None:
    """Miss a whole window: neither visit nor reading."""
    draft.miss(stay, a_slot(day, rng))


def no_visit(draft: Draft, stay: Stay, day: int, rng: Random) -> None:
    """Miss the visit of a window; the reading is taken."""
    draft.miss(stay, a_slot(day, rng), "visit")


def no_reading(draft: Draft, stay: Stay, day: int, rng: Random) -> None:
    """Miss the reading of a window; the visit is made without it."""
    draft.miss(stay, a_slot(day, rng), "temperature")


def absent(draft: Draft, stay: Stay, day: int, rng: Random) -> None:
    """Find nobody at home in a window and not come back."""
    slot = a_slot(day, rng)
    _knock(draft, stay, slot, rng, "absent")
    draft.miss(stay, slot)


def refused(draft: Draft, stay: Stay, day: int, rng: Random) -> None:
    """Be refused at the door; the reading is taken on another way."""
    slot = a_slot(day, rng)
    _knock(draft, stay, slot, rng, "refused")
    draft.miss(stay, slot, "visit")


def absent_then_seen(draft: Draft, stay: Stay, day: int, rng: Random) -> None:
    """Find nobody at home, come back in the same window: done, and no alert."""
    _knock(draft, stay, a_slot(day, rng), rng, "absent")


def _knock(draft: Draft, stay: Stay, slot: Slot, rng: Random, outcome: str) -> None:
    at = draft.calendar.begin(slot) + rng.randint(5, 60) * MINUTE
    draft.visit(stay, at, at + rng.randint(3, 100), outcome=outcome)


def run_of_two(draft: Draft, stay: Stay, day: int, _rng: Random) -> None:
    """Miss a whole day: contact is lost in the evening and found the next morning."""
    _lose(draft, stay, [Slot(day, "am"), Slot(day, "pm")], CHECKS)


def run_overnight(draft: Draft, stay: Stay, day: int, _rng: Random) -> None:
    """Miss the visits of an evening and the next morning."""
    _lose(draft, stay, [Slot(day, "pm"), Slot(day + 1, "am")], ("visit",))


def run_of_four(draft: Draft, stay: Stay, day: int, _rng: Random) -> None:
    """Miss two days: one alert, from the second miss on."""
    _lose(draft, stay, [Slot(day + more, window) for more in (0, 1) for window in WINDOWS], CHECKS)


def _lose(draft: Draft, stay: Stay, slots: list[Slot], checks: tuple[str, ...]) -> None:
    """Miss windows in a row; the routine of the next window ends the run."""
    for slot in slots:
        draft.miss(stay, slot, *checks)
    for alert in draft.lose_contact(stay, slots[1], *checks):
        find_again(draft, alert, slots[-1])


def find_again(draft: Draft, alert: AlertTruth, last: Slot) -> None:
    """Note that the routine of the window after the last one missed brings the person back."""
    after = Slot(last.day, "pm") if last.window == "am" else Slot(last.day + 1, "am")
    calendar = draft.calendar
    alert.resolve(Span(calendar.begin(after), calendar.end(after) + GRACE + HOUR), "check_done")
