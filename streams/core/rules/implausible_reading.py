"""implausible_reading: a source reported what no body has (info); once a day for each source and person."""

from events.records import Reading
from events.results import alert_id
from events.vocabulary import RuleName, Severity, Site
from streams.core.alerting import area_of, raise_alert
from streams.core.calendar import local_day
from streams.core.outcome import Step
from streams.core.person import Person


def read(step: Step, person: Person, record: Reading, temperature_c: float) -> None:
    """Raise the alert of an implausible reading unless it exists; it concerns the person who was read."""
    subject = f"source:{record.source_id}"
    occurrence = f"{local_day(record.occurred_at, step.policy.zone).isoformat()}/{person.person_id}"
    if person.had_alert(alert_id(RuleName.IMPLAUSIBLE_READING, subject, occurrence)):
        return
    raise_alert(
        step,
        person,
        rule=RuleName.IMPLAUSIBLE_READING,
        subject=subject,
        occurrence=occurrence,
        severity=Severity.INFO,
        area=area_of(person, record.area),
        detail={
            "source_id": record.source_id,
            "site": (record.site or Site.UNKNOWN).value,
            "temperature_c": temperature_c,
        },
    )
