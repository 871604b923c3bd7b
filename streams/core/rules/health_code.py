"""health_code: a yellow (warning) or red (critical) code was shown at a checkpoint.

Counted per person, local date of the scan and colour, as breaches are.
"""

from events.records import CheckpointScanned
from events.vocabulary import HealthCode, RuleName, Severity
from streams.core.alerting import area_of, person_subject, raise_alert
from streams.core.calendar import local_day
from streams.core.outcome import Step
from streams.core.person import CodeCount, Person

_SEVERITY = {HealthCode.YELLOW: Severity.WARNING, HealthCode.RED: Severity.CRITICAL}


def scan(step: Step, person: Person, record: CheckpointScanned) -> None:
    """Look at the code that a scan carries."""
    code = record.health_code
    if code is None or code not in _SEVERITY:
        return
    day = local_day(record.occurred_at, step.policy.zone)
    count = person.code_counts.get((day, code))
    if count is not None and person.is_open_alert(count.alert_id):
        return
    number = 1 if count is None else count.number + 1
    alert = raise_alert(
        step,
        person,
        rule=RuleName.HEALTH_CODE,
        subject=person_subject(person),
        occurrence=f"{day.isoformat()}/{code.value}/{number}",
        severity=_SEVERITY[code],
        area=area_of(person, record.area),
        detail={"code": code.value, "checkpoint_id": record.checkpoint_id},
    )
    person.code_counts[day, code] = CodeCount(number, alert.alert_id)
