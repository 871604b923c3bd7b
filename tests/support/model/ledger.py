"""The ledger of expected checks: contract section 4."""

from datetime import date, datetime, timedelta
from typing import Any

from tests.support.model import contact
from tests.support.model.layout import Window, layout_of
from tests.support.model.results import change_alert, decide, find_alert, raise_alert
from tests.support.model.validation import DeadLetter
from tests.support.model.world import Arrival, Check, Observation, World

CheckKey = tuple[str, str, date, str]


def covered_dates(exposures: list[date], period_days: int) -> list[date]:
    """List the dates in day 1 .. day `period_days` after any of the exposures.

    Choice 5: an observation has one period, also for its earlier exposures.
    """
    days = {exposure + timedelta(days=number) for exposure in exposures for number in range(1, period_days + 1)}
    return sorted(days)


def days(number: int) -> timedelta:
    """Measure days of 24 hours, as late_days and early_days are."""
    return timedelta(hours=24 * number)


def lay_out_checks(world: World, observation: Observation) -> list[Check]:
    """Bring the ledger in line with the dates of an observation and the policies; return the checks that are new."""
    expected = _expected_windows(world, observation)
    for check in [c for c in world.checks if c.observation is observation]:
        if check.state != "pending" or check.window.has_begun(world.clock):
            continue
        if check.key in expected:
            check.window = expected[check.key]
        else:
            world.checks.remove(check)
    known = [check.key for check in world.checks]
    new = [Check(observation, window) for key, window in expected.items() if key not in known]
    world.checks.extend(new)
    return new


def _expected_windows(world: World, observation: Observation) -> dict[CheckKey, Window]:
    expected: dict[CheckKey, Window] = {}
    for day, since in observation.dates.items():
        for window in layout_of(world.history, day).values():
            if window.start < since:
                continue
            if observation.closed_at is not None and window.start >= observation.closed_at:
                continue
            expected[observation.person, window.check, day, window.name] = window
    return expected


def lay_out_all_anew(world: World) -> None:
    """Follow a change of policy.

    Choice 6: what a closing left to be judged is laid out anew too, within the closing's limits.
    """
    for observation in world.observations:
        lay_out_checks(world, observation)
        if not observation.is_open:
            take_away_or_waive(world, observation, only_pending=True)


def take_away_or_waive(world: World, observation: Observation, *, only_pending: bool = False) -> None:
    """Do to the checks of a closed observation what its closing asks."""
    closed_at = observation.closed_at
    assert closed_at is not None
    for check in [c for c in world.checks if c.observation is observation]:
        if check.window.end <= closed_at or check.state in ("done", "late", "waived"):
            continue
        if check.state == "pending":
            if check.window.start >= closed_at and not check.window.has_begun(world.clock):
                world.checks.remove(check)
            else:
                decide(world, check, "waived", observation.closed_by)
        elif check.state in ("missed", "unknown") and not only_pending and not is_fixed(world, check):
            decide(world, check, "waived", observation.closed_by)


def is_fixed(world: World, check: Check) -> bool:
    """Tell whether a verdict on the check is too old to change."""
    return world.clock is not None and check.window.fixed_at <= world.clock


def apply_arrival(world: World, arrival: Arrival, checks: list[Check]) -> None:
    """Let a visit, reading or scan satisfy those of the checks that it can.

    Choice 18: it does so when it comes, and at openings if it waited; a check that an extension or a change of policy
    brings later does not look back.
    """
    for check in sorted(checks, key=lambda c: c.key):
        if check.person != arrival.record["person_id"] or not is_satisfied_by(check.window, arrival):
            continue
        event_id = arrival.record["event_id"]
        if check.state == "pending" or (check.state == "unknown" and not is_fixed(world, check)):
            decide(world, check, "done", event_id)
            contact.review(world, check, "check_done", event_id, arrival.position)
        elif check.state == "missed" and not is_fixed(world, check):
            decide(world, check, "late", event_id)
            _resolve_missed_check(world, check, "late_record", event_id)
            contact.review(world, check, "check_done", event_id, arrival.position)


def is_satisfied_by(window: Window, arrival: Arrival) -> bool:
    """Tell whether a record satisfies the checks of a window.

    Choice 7: whether a temperature is plausible is a matter of the policy of the window.
    """
    record, kinds = arrival.record, window.rule["satisfied_by"]
    if not window.start <= arrival.occurred_at < window.due_at or record["kind"] not in kinds:
        return False
    temperature_c = record.get("temperature_c") or None
    has_plausible = temperature_c is not None and is_plausible(temperature_c, window.policy)
    if record["kind"] == "visit_recorded":
        return record["outcome"] == "seen" and (has_plausible or "temperature_taken" not in kinds)
    return has_plausible


def is_plausible(temperature_c: float, policy: dict[str, Any]) -> bool:
    """Tell whether a temperature is within the plausible range, bounds included."""
    fever = policy["fever"]
    return bool(fever["implausible_below_c"] <= temperature_c <= fever["implausible_above_c"])


def waive(world: World, record: dict[str, Any]) -> None:
    """Follow a `check_waived`."""
    key = (record["person_id"], record["check"], date.fromisoformat(record["date"]), record["window"])
    for check in world.checks:
        if check.key == key:
            _waive_check(world, check, record["event_id"])
            return
    raise DeadLetter("no_such_check")


def _waive_check(world: World, check: Check, event_id: str) -> None:
    if check.state == "pending" or (check.state in ("missed", "unknown") and not is_fixed(world, check)):
        decide(world, check, "waived", event_id)
        contact.review(world, check, "waived", event_id, world.position)
    # Choice 8: "whatever becomes of the verdict" holds for a waiver that comes too late to change it.
    _resolve_missed_check(world, check, "waived", event_id)


def hold(world: World, check: Check, event_ids: list[str]) -> None:
    """Judge a check of which nobody can know."""
    decide(world, check, "unknown", instant=check.window.judged_at, evidence=event_ids)


def miss(world: World, check: Check, instant: datetime) -> None:
    """Judge a check whose deadline the clock has reached, at the instant that it had to reach."""
    window, observation = check.window, check.observation
    before = contact.count_missed(world, observation, window.check)
    decide(world, check, "missed", instant=instant)
    if not observation.is_open:
        return
    raise_alert(
        world,
        rule="missed_check",
        subject=f"person:{check.person}",
        occurrence=contact.occurrence_of(check),
        person=check.person,
        area=observation.area,
        severity="warning",
        due_at=window.due_at,
        about=check,
        instant=instant,
    )
    contact.miss(world, check, before, instant)


def _resolve_missed_check(world: World, check: Check, reason: str, event_id: str) -> None:
    alert = find_alert(world, "missed_check", f"person:{check.person}", contact.occurrence_of(check))
    if alert is not None and alert.is_open:
        change_alert(world, alert, reason=reason, state="resolved", event_id=event_id)
