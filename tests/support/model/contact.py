"""The rule contact_lost: contract section 5."""

from datetime import datetime

from tests.support.model.results import change_alert, raise_alert
from tests.support.model.world import Alert, Check, Observation, World


def occurrence_of(check: Check) -> str:
    """Name a check within its person, as alerts do."""
    return f"{check.window.check}/{check.window.date.isoformat()}/{check.window.name}"


def count_missed(world: World, observation: Observation, check_name: str) -> int:
    """Count the misses in a row, from the latest due time backwards, up to the first `done` or `late`."""
    decided = [
        check
        for check in world.checks
        if check.observation is observation and check.window.check == check_name and check.state != "pending"
    ]
    decided.sort(key=lambda check: (check.window.due_at, check.window.date, check.window.name), reverse=True)
    count = 0
    for check in decided:
        if check.state in ("done", "late"):
            break
        if check.state == "missed":
            count += 1
    return count


def _open_alert(world: World, observation: Observation, check_name: str) -> Alert | None:
    for alert in world.alerts:
        if alert.rule != "contact_lost" or not alert.is_open:
            continue
        if alert.about.observation is observation and alert.about.window.check == check_name:
            return alert
    return None


def miss(world: World, check: Check, before: int, instant: datetime) -> None:
    """Open the alert if this miss brings the count, which was `before`, to the limit or beyond.

    Choice 9: a miss that does not raise the count, because a later check was done, opens nothing.
    """
    window, observation = check.window, check.observation
    lost_after = window.rule["lost_after"]
    count = count_missed(world, observation, window.check)
    if lost_after == 0 or count < lost_after or count <= before:
        return
    if _open_alert(world, observation, window.check) is not None:
        return
    raise_alert(
        world,
        rule="contact_lost",
        subject=f"person:{check.person}",
        occurrence=occurrence_of(check),
        person=check.person,
        area=observation.area,
        severity="critical",
        due_at=window.due_at,
        about=check,
        instant=instant,
    )


def review(world: World, check: Check, reason: str, event_id: str, position: int) -> None:
    """Resolve the alert if the count has fallen below its limit.

    Choice 10: the limit is that of the window whose miss opened the alert.
    """
    alert = _open_alert(world, check.observation, check.window.check)
    if alert is None:
        return
    count = count_missed(world, check.observation, check.window.check)
    if count < alert.about.window.rule["lost_after"]:
        change_alert(world, alert, reason=reason, state="resolved", event_id=event_id, position=position)
