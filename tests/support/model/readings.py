"""The rules on readings and scans: fever, implausible_reading, breach, health_code."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from tests.support.model.instants import local_day
from tests.support.model.ledger import is_plausible
from tests.support.model.results import change_alert, find_alert, raise_alert
from tests.support.model.world import Alert, Arrival, Observation, World

READING_KINDS = ("visit_recorded", "temperature_taken", "checkpoint_scanned")


@dataclass(frozen=True)
class Reading:
    """A plausible temperature, judged by a policy."""

    arrival: Arrival
    is_fever: bool
    is_confirming: bool  # taken at a confirm site

    @property
    def taken_at(self) -> datetime:
        return self.arrival.occurred_at

    @property
    def event_id(self) -> str:
        return str(self.arrival.record["event_id"])


def _plausible_reading(policy: dict[str, Any], arrival: Arrival) -> Reading | None:
    record, fever = arrival.record, policy["fever"]
    temperature_c = record.get("temperature_c") if record["kind"] in READING_KINDS else None
    if not temperature_c or not is_plausible(temperature_c, policy):
        return None
    site = record.get("site") or "unknown"
    return Reading(arrival, temperature_c >= fever["threshold_c"][site], site in fever["confirm_sites"])


def judge_reading(world: World, arrival: Arrival) -> None:
    """Apply fever and implausible_reading to a record that may carry a temperature."""
    if not arrival.record.get("temperature_c"):
        return
    reading = _plausible_reading(world.policy, arrival)
    if reading is None:
        _raise_implausible(world, arrival)
        return
    alert = _open_fever(world, arrival.record["person_id"])
    if alert is not None:
        if reading.is_confirming:
            _settle(world, alert, reading)
    elif reading.is_fever:
        _raise_fever(world, reading)


def _open_fever(world: World, person: str) -> Alert | None:
    for alert in world.alerts:
        if alert.rule == "fever" and alert.person == person and alert.is_open:
            return alert
    return None


def _raise_fever(world: World, reading: Reading) -> None:
    person = reading.arrival.record["person_id"]
    within = timedelta(minutes=world.policy["fever"]["confirm_within_minutes"])
    status = "confirmed" if reading.is_confirming else "screened"
    alert = raise_alert(
        world,
        rule="fever",
        subject=f"person:{person}",
        occurrence=reading.event_id,
        person=person,
        area=world.area_for(reading.arrival.record),
        severity="critical" if reading.is_confirming else "warning",
        due_at=None if reading.is_confirming else reading.taken_at + within,
        reason=status,
        event_id=reading.event_id,
    )
    alert.status, alert.first_at = status, reading.taken_at
    observation = world.open_observation(person)
    if status == "screened" and observation is not None:
        _settle_by_earlier_arrival(world, alert, observation)


def _settle_by_earlier_arrival(world: World, alert: Alert, observation: Observation) -> None:
    """Settle a new alert by the latest reading taken in `[first, due_at]` that came since the opening.

    Choice 14: it is plausible and at a confirm site by the policy that holds and by the one under which it came; of two
    taken at the same instant the later in the log counts.
    """
    assert alert.first_at is not None
    assert alert.due_at is not None
    found: list[Reading] = []
    for arrival in world.arrivals:
        if arrival.record.get("person_id") != alert.person or arrival.position <= observation.opened_position:
            continue
        then, reading = (
            _plausible_reading(arrival.policy or world.policy, arrival),
            _plausible_reading(world.policy, arrival),
        )
        if then is None or not then.is_confirming:
            continue
        if reading is not None and reading.is_confirming and alert.first_at <= reading.taken_at <= alert.due_at:
            found.append(reading)
    if found:
        _settle(world, alert, max(found, key=lambda reading: (reading.taken_at, reading.arrival.position)))


def _settle(world: World, alert: Alert, reading: Reading) -> None:
    assert alert.first_at is not None
    if alert.status == "confirmed":
        return
    position = reading.arrival.position
    if reading.is_fever and reading.taken_at >= alert.first_at - timedelta(hours=24):
        alert.status = "confirmed"
        change_alert(
            world, alert, reason="confirmed", severity="critical", event_id=reading.event_id, position=position
        )
    elif not reading.is_fever and reading.taken_at >= alert.first_at:
        change_alert(
            world, alert, reason="not_confirmed", state="resolved", event_id=reading.event_id, position=position
        )


def fever_is_due(world: World, alert: Alert) -> None:
    """Follow the clock past the `due_at` of a screened fever."""
    if world.open_observation(alert.person) is not None:
        alert.status = "unconfirmed"
        change_alert(world, alert, reason="unconfirmed", severity="critical", instant=alert.due_at)
    else:
        change_alert(world, alert, reason="lapsed", state="resolved", instant=alert.due_at)


def _raise_implausible(world: World, arrival: Arrival) -> None:
    record = arrival.record
    day = local_day(arrival.occurred_at, world.policy["timezone"])
    subject, occurrence = (f"source:{record['source_id']}", f"{day.isoformat()}/{record['person_id']}")
    if find_alert(world, "implausible_reading", subject, occurrence) is not None:
        return  # Choice 15: a second one on the same day adds nothing
    raise_alert(
        world,
        rule="implausible_reading",
        subject=subject,
        occurrence=occurrence,
        person=record["person_id"],
        area=world.area_for(record),
        severity="info",
        event_id=record["event_id"],
    )


def judge_scan(world: World, arrival: Arrival) -> None:
    """Apply breach and health_code to a scan."""
    record = arrival.record
    day = local_day(arrival.occurred_at, world.policy["timezone"]).isoformat()
    observation = _breached_observation(world, arrival)
    if observation is not None:
        about = (observation, day)
        alert = _raise_numbered(
            world, arrival, "breach", f"{observation.ids[0]}/{day}", "critical", observation.area, about
        )
        alert.scans.append(arrival.occurred_at)
    code = record.get("health_code")
    if code in ("yellow", "red"):
        severity = "warning" if code == "yellow" else "critical"
        about_code = (record["person_id"], day, code)
        _raise_numbered(world, arrival, "health_code", f"{day}/{code}", severity, world.area_for(record), about_code)


def _breached_observation(world: World, arrival: Arrival) -> Observation | None:
    """Choose the observation that a scan breaks (choice 16: of several the one opened last in the log)."""
    for observation in reversed(world.observations):
        if observation.person != arrival.record["person_id"]:
            continue
        if observation.category not in world.policy["observation"]["breach_categories"]:
            continue
        if arrival.occurred_at < observation.opened_at:
            continue
        if observation.closed_at is None or arrival.occurred_at < observation.closed_at:
            return observation
    return None


def _raise_numbered(
    world: World, arrival: Arrival, rule: str, prefix: str, severity: str, area: str, about: Any
) -> Alert:
    """Raise the alert with the next number, unless the one with the highest is still open."""
    former = [alert for alert in world.alerts if alert.rule == rule and alert.about == about]
    if former and former[-1].is_open:
        return former[-1]
    person = arrival.record["person_id"]
    return raise_alert(
        world,
        rule=rule,
        subject=f"person:{person}",
        occurrence=f"{prefix}/{len(former) + 1}",
        person=person,
        area=area,
        severity=severity,
        about=about,
        event_id=arrival.record["event_id"],
    )
