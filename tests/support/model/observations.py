"""Openings, extensions and closings, and the alerts that follow from them."""

from datetime import date, datetime
from typing import Any

from tests.support.model import ledger
from tests.support.model.instants import parse_day
from tests.support.model.layout import layout_of
from tests.support.model.results import change_alert, find_alert, raise_alert
from tests.support.model.validation import DeadLetter
from tests.support.model.world import Check, Observation, World


def _find(world: World, person: str, observation_id: str) -> Observation | None:
    """Find an observation by any of its names (choice 11: names are the person's own)."""
    for observation in world.observations:
        if observation.person == person and observation_id in observation.ids:
            return observation
    return None


def _find_open(world: World, record: dict[str, Any]) -> Observation:
    observation = _find(world, record["person_id"], record["observation_id"])
    if observation is None:
        raise DeadLetter("no_such_observation")
    if not observation.is_open:
        raise DeadLetter("observation_is_closed")
    return observation


def open_observation(world: World, record: dict[str, Any], occurred_at: datetime) -> None:
    """Follow an `observation_opened`."""
    person = record["person_id"]
    named = _find(world, person, record["observation_id"])
    if named is not None and not named.is_open:
        raise DeadLetter("observation_is_closed")
    current = world.open_observation(person)
    if current is None:
        new = ledger.lay_out_checks(world, _begin(world, record, occurred_at))
    else:
        current.area, current.category = record["area"], record["category"]
        if record["observation_id"] not in current.ids:
            current.ids.append(record["observation_id"])
        new = _extend(world, current, record, occurred_at)
    for arrival in world.arrivals:
        # Choice 12: before the first tick no time has passed, so that every record still waits.
        is_early = world.clock is None or world.clock < arrival.clock + ledger.days(world.policy["early_days"])
        if arrival.is_waiting and is_early:
            ledger.apply_arrival(world, arrival, new)


def _begin(world: World, record: dict[str, Any], occurred_at: datetime) -> Observation:
    exposure, rules = parse_day(record["last_exposure_on"]), world.policy["observation"]
    observation = Observation(
        person=record["person_id"],
        ids=[record["observation_id"]],
        area=record["area"],
        category=record["category"],
        opened_at=occurred_at,
        opened_position=world.position,
        exposures=[exposure],
        period_days=rules["period_days"],
        overdue_grace_minutes=rules["overdue_grace_minutes"],
        dates=dict.fromkeys(ledger.covered_dates([exposure], rules["period_days"]), occurred_at),
    )
    world.observations.append(observation)
    return observation


def extend_observation(world: World, record: dict[str, Any], occurred_at: datetime) -> None:
    """Follow an `observation_extended`."""
    _extend(world, _find_open(world, record), record, occurred_at)


def _extend(world: World, observation: Observation, record: dict[str, Any], occurred_at: datetime) -> list[Check]:
    exposure = parse_day(record["last_exposure_on"])
    if exposure <= observation.exposures[-1]:
        return []
    former_last_day = observation.last_day
    rules = world.policy["observation"]
    observation.exposures.append(exposure)
    observation.period_days = rules["period_days"]
    observation.overdue_grace_minutes = rules["overdue_grace_minutes"]
    covered = ledger.covered_dates(observation.exposures, observation.period_days)
    observation.dates = {day: observation.dates.get(day, occurred_at) for day in covered}
    if observation.last_day != former_last_day:
        _resolve_overdue(world, observation, former_last_day, "extended", record["event_id"])
    return ledger.lay_out_checks(world, observation)


def _resolve_overdue(world: World, observation: Observation, last_day: date, reason: str, event_id: str) -> None:
    occurrence = f"{observation.ids[0]}/{last_day.isoformat()}"
    alert = find_alert(world, "observation_overdue", f"person:{observation.person}", occurrence)
    if alert is not None and alert.is_open:
        change_alert(world, alert, reason=reason, state="resolved", event_id=event_id)


def close_observation(world: World, record: dict[str, Any], occurred_at: datetime) -> None:
    """Follow an `observation_closed`."""
    observation = _find_open(world, record)
    observation.closed_at, observation.closed_by = occurred_at, record["event_id"]
    ledger.take_away_or_waive(world, observation)
    for alert in list(world.alerts):
        if alert.is_open and _is_ended_by_closing(alert, observation):
            change_alert(world, alert, reason="observation_closed", state="resolved", event_id=record["event_id"])
    if record["outcome"] == "released":
        _judge_release(world, observation, record)


def _is_ended_by_closing(alert: Any, observation: Observation) -> bool:
    if alert.rule in ("missed_check", "contact_lost"):
        return alert.about.observation is observation
    if alert.rule == "observation_overdue":
        return alert.about is observation
    if alert.rule == "breach" and alert.about[0] is observation:
        return all(observation.closed_at <= scanned_at for scanned_at in alert.scans)
    return False


def _judge_release(world: World, observation: Observation, record: dict[str, Any]) -> None:
    """Raise released_early (choice 13: by the layout of the last day, whether or not the person had those checks)."""
    assert observation.closed_at is not None
    ends = [window.end for window in layout_of(world.history, observation.last_day).values()]
    if not ends or max(ends) <= observation.closed_at:
        return
    raise_alert(
        world,
        rule="released_early",
        subject=f"person:{observation.person}",
        occurrence=observation.ids[0],
        person=observation.person,
        area=observation.area,
        severity="warning",
        about=observation,
        event_id=record["event_id"],
    )


def raise_overdue(world: World, observation: Observation, due_at: datetime) -> None:
    """Raise observation_overdue for the present last day, unless that was done before."""
    occurrence = f"{observation.ids[0]}/{observation.last_day.isoformat()}"
    subject = f"person:{observation.person}"
    if find_alert(world, "observation_overdue", subject, occurrence) is not None:
        return
    raise_alert(
        world,
        rule="observation_overdue",
        subject=subject,
        occurrence=occurrence,
        person=observation.person,
        area=observation.area,
        severity="warning",
        due_at=due_at,
        about=observation,
        instant=due_at,
    )
