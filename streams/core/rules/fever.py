"""fever: a plausible reading at or above its site's threshold.

    begins        | next                                       | becomes
    screened      | high reading at a confirm site             | confirmed, critical
    screened      | low reading at a confirm site              | resolved, not_confirmed
    screened      | clock reaches due_at, person observed      | unconfirmed, critical
    screened      | clock reaches due_at, person not observed  | resolved, lapsed
    unconfirmed   | high or low reading at a confirm site      | confirmed; or resolved, not_confirmed
    confirmed     | -                                          | resolved by staff alone

A person has one open fever alert at a time; its first reading is the occurrence.
"""

from datetime import datetime, timedelta

from events.instants import format_instant
from events.records import Reading
from events.results import alert_id
from events.vocabulary import AlertReason, AlertState, RuleName, Severity, Site
from streams.core.alerting import area_of, person_subject, raise_alert, resolve, revise
from streams.core.confirm_readings import ConfirmReading
from streams.core.outcome import Step
from streams.core.person import FeverCase, Person

_CONFIRMS_BACK_TO = timedelta(hours=24)


def read(step: Step, person: Person, record: Reading, temperature_c: float) -> None:
    """Look at a plausible reading: it settles the open alert, or opens one."""
    policy = step.policy.fever
    site = record.site or Site.UNKNOWN
    case = _open_case(person)
    if case is not None:
        if site in policy.confirm_sites and not case.is_confirmed:
            _settle(step, person, case, ConfirmReading(record.event_id, record.occurred_at, site, temperature_c))
    elif policy.is_fever(temperature_c, site) and not _is_known(person, record):
        _open(step, person, record, site, temperature_c)
    observed = person.open_observation
    if observed is not None and site in policy.confirm_sites:
        person.note_reading(ConfirmReading(record.event_id, record.occurred_at, site, temperature_c))


def _open_case(person: Person) -> FeverCase | None:
    case = person.fever
    if case is not None and not person.is_open_alert(case.alert_id):
        person.fever = case = None
    return case


def _is_known(person: Person, record: Reading) -> bool:
    """Tell whether the reading has opened an alert already: a repeat that came after its id was forgotten."""
    return person.had_alert(alert_id(RuleName.FEVER, person_subject(person), record.event_id))


def _open(step: Step, person: Person, record: Reading, site: Site, temperature_c: float) -> None:
    policy = step.policy.fever
    is_confirmed = site in policy.confirm_sites
    confirm_by = record.occurred_at + timedelta(minutes=policy.confirm_within_minutes)
    due_at = None if is_confirmed else confirm_by
    observed = person.open_observation
    alert = raise_alert(
        step,
        person,
        rule=RuleName.FEVER,
        subject=person_subject(person),
        occurrence=record.event_id,
        severity=Severity.CRITICAL if is_confirmed else Severity.WARNING,
        reason=AlertReason.CONFIRMED if is_confirmed else AlertReason.SCREENED,
        area=area_of(person, record.area),
        due_at=due_at,
        detail={
            "observation_id": None if observed is None else observed.name,
            "site": site.value,
            "temperature_c": temperature_c,
            "taken_at": format_instant(record.occurred_at),
        },
    )
    person.fever = FeverCase(alert.alert_id, record.occurred_at, due_at, is_confirmed)
    if due_at is not None:
        _settle_by_earlier(step, person, person.fever, due_at)


def _settle_by_earlier(step: Step, person: Person, case: FeverCase, due_at: datetime) -> None:
    """Settle a new alert by the latest of the readings that came before it and were taken in `[first, due_at]`."""
    observed = person.open_observation
    if observed is None:
        return
    policy = step.policy.fever  # a reading was kept under the policy of its time
    timely = [
        reading
        for reading in person.readings_of(observed)
        if case.first_taken_at <= reading.taken_at <= due_at
        and reading.site in policy.confirm_sites
        and policy.is_plausible(reading.temperature_c)
    ]
    if timely:
        latest_at = max(reading.taken_at for reading in timely)
        _settle(step, person, case, [reading for reading in timely if reading.taken_at == latest_at][-1])


def _settle(step: Step, person: Person, case: FeverCase, reading: ConfirmReading) -> None:
    """Let a reading at a confirm site decide an alert that is screened or unconfirmed; evidence stays in log order."""
    alert = person.alert(case.alert_id)
    assert alert is not None, "an open case has its alert"
    evidence = alert.evidence
    if reading.event_id in step.event_ids:
        evidence = (*evidence, reading.event_id)
    else:
        evidence = (reading.event_id, *evidence)
    if step.policy.fever.is_fever(reading.temperature_c, reading.site):
        if reading.taken_at >= case.first_taken_at - _CONFIRMS_BACK_TO:
            case.is_confirmed, case.due_at = True, None
            reason = AlertReason.CONFIRMED
            revise(step, person, case.alert_id, reason=reason, severity=Severity.CRITICAL, evidence=evidence)
    elif reading.taken_at >= case.first_taken_at:
        person.fever = None
        reason = AlertReason.NOT_CONFIRMED
        revise(step, person, case.alert_id, reason=reason, state=AlertState.RESOLVED, evidence=evidence)


def fall_due(step: Step, person: Person) -> None:
    """Decide a screened alert whose time to be confirmed has passed."""
    case = _open_case(person)
    if case is None:
        return
    case.due_at = None
    if person.open_observation is not None:
        revise(step, person, case.alert_id, reason=AlertReason.UNCONFIRMED, severity=Severity.CRITICAL)
    else:
        person.fever = None
        resolve(step, person, case.alert_id, AlertReason.LAPSED)
