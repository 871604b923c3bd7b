"""What people at desks do: records that refer to nothing, and alerts acknowledged or resolved."""

from random import Random
from typing import Any

from streams.town.calendar import HOUR
from streams.town.draft import Draft, at_once
from streams.town.stay import Stay
from streams.town.truth import AlertTruth, identity

_DESK = "command-1"
_TRIES = 12


def unknown_observation(draft: Draft, stay: Stay, at: int) -> None:
    """Close an observation that never was."""
    _mistake(
        draft, stay, "observation_closed", at, "no_such_observation", observation_id=_nothing(at), outcome="released"
    )


def unknown_extension(draft: Draft, stay: Stay, at: int) -> None:
    """Extend an observation that never was."""
    day = draft.calendar.date(draft.calendar.day(at))
    _mistake(
        draft,
        stay,
        "observation_extended",
        at,
        "no_such_observation",
        observation_id=_nothing(at),
        last_exposure_on=day,
    )


def unknown_check(draft: Draft, stay: Stay, at: int) -> None:
    """Waive a window that no policy has."""
    body = {
        "check": "visit",
        "date": draft.calendar.date(stay.last_day),
        "window": "midnight",
        "reason": "typing error",
    }
    _mistake(draft, stay, "check_waived", at, "no_such_check", **body)


def check_out_of_period(draft: Draft, stay: Stay, at: int) -> None:
    """Waive a check on a day that the observation never had."""
    body = {"check": "visit", "date": draft.calendar.date(stay.last_day + 40), "window": "am", "reason": "wrong year"}
    _mistake(draft, stay, "check_waived", at, "no_such_check", **body)


def unknown_alert(draft: Draft, stay: Stay, at: int) -> None:
    """Resolve an alert that never was."""
    body: dict[str, Any] = {"alert_id": identity("nothing", str(at)), "key": stay.person_id, "actor_id": "staff-02"}
    record = draft.command("alert_resolved", _DESK, at, **body)
    record.dead_letter = "no_such_alert"


def closed_twice(draft: Draft, stay: Stay, at: int) -> None:
    """Close an observation that is closed; where it is not closed in time, one that never was."""
    again_at = (stay.told_at or draft.ends_at) + 2 * HOUR
    if again_at + HOUR > draft.ends_at:
        unknown_observation(draft, stay, at)
        return
    body = {"observation_id": stay.observation_id, "outcome": "released"}
    _mistake(draft, stay, "observation_closed", again_at, "observation_is_closed", **body)


def _nothing(at: int) -> str:
    return f"obs-none-{at}"


def _mistake(draft: Draft, stay: Stay, kind: str, at: int, code: str, /, **fields: Any) -> None:
    record = draft.command(kind, stay.kit.office, at, person_id=stay.person_id, **fields)
    record.dead_letter = code


def make_mistakes(draft: Draft, rng: Random, count: int) -> None:
    """Plan records of the office that refer to nothing, the kinds of mistake in turn."""
    kinds = (unknown_check, closed_twice, unknown_alert, unknown_observation, check_out_of_period, unknown_extension)
    for number in range(count):
        stay = rng.choice(draft.stays)
        at = draft.calendar.at(rng.randrange(1, draft.settings.days), rng.uniform(8.0, 18.0))
        kinds[number % len(kinds)](draft, stay, at)
    draft.stories["office_mistakes"] += count


def attend_alerts(draft: Draft, rng: Random, share: float) -> None:
    """Let staff acknowledge or resolve a share of the alerts, at moments when nothing else happens to them."""
    for alert in list(draft.truth.alerts):
        if rng.random() >= share or not alert.staff_may:
            continue
        wanted = rng.choice(("acknowledge", "resolve", "both")) if alert.staff_may == "resolve" else "acknowledge"
        if wanted != "resolve":
            _act(draft, alert, rng, "alert_acknowledged")
        if wanted != "acknowledge":
            _act(draft, alert, rng, "alert_resolved")


def _act(draft: Draft, alert: AlertTruth, rng: Random, kind: str) -> None:
    """Plan a command at an hour's distance at least from everything else that happens to the alert."""
    at = _a_quiet_moment(draft, alert, rng)
    if at is None:
        return
    body: dict[str, Any] = {
        "alert_id": alert.alert_id,
        "key": alert.person_id,
        "actor_id": f"staff-{rng.randint(1, 9):02d}",
    }
    command = draft.command(kind, _DESK, at, **body)
    if kind == "alert_resolved":
        alert.resolve(at_once(command), "by_staff")
        draft.stories["resolved_by_staff"] += 1
    else:
        alert.acknowledge(at_once(command))
        draft.stories["acknowledged_by_staff"] += 1


def _a_quiet_moment(draft: Draft, alert: AlertTruth, rng: Random) -> int | None:
    spans = [alert.opened, *(step.span for step in alert.steps)]
    first, last = alert.opened.latest + HOUR, draft.ends_at - HOUR
    for _ in range(_TRIES if first < last else 0):
        at = rng.randint(first, min(last, first + 20 * HOUR))
        if all(at >= span.latest + HOUR or at + HOUR <= span.earliest for span in spans):
            return at
    return None
