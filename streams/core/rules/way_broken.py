"""way_broken: records of an area, or of all, cannot come, or could not (warning, critical for all).

Opened by the record of the outage, resolved by that of its end. It lives under the outage's own key. An outage that watch
opens follows from the alert of a source, which names it.
"""

from msgspec.structs import replace

from events.instants import format_instant
from events.records import WATCH, OutageClosed, OutageOpened, OutageRecord
from events.results import Alert, alert_id
from events.vocabulary import AlertReason, AlertState, RuleName, Severity
from streams.core.outages import Outage, Outages
from streams.core.outcome import Step

_KEY = "outage:"  # as in `OutageRecord.key`


def take(step: Step, record: OutageRecord) -> None:
    """Take an opening or closing, or a copy of one; of several under one id the first counts."""
    outages = step.state.outages.known
    outage = outages.setdefault(record.outage_id, Outage(outage_id=record.outage_id))
    if isinstance(record, OutageOpened) and outage.since is None:
        outage.opened_by, outage.area, outage.since = record.event_id, record.area, record.since
    if isinstance(record, OutageClosed) and outage.until is None:
        outage.closed_by = record.event_id
        outage.until, outage.settled_at = record.until, max(record.until, record.backfill_until)
    if not record.is_copy:
        _tell(step, record, outage)


def _tell(step: Step, record: OutageRecord, outage: Outage) -> None:
    if isinstance(record, OutageOpened) and outage.alert is None and record.source_id != WATCH:
        outage.alert = _raised(step, record)
        step.add_alert(outage.alert)
        if outage.until is not None:  # the closing came before
            _revise(step, outage, AlertState.RESOLVED, AlertReason.WAY_RESTORED, (outage.closed_by, record.event_id))
    elif isinstance(record, OutageClosed):
        revise(step, outage, AlertState.RESOLVED, AlertReason.WAY_RESTORED)


def _raised(step: Step, record: OutageOpened) -> Alert:
    subject = f"outage:{record.outage_id}" if record.area is None else f"area:{record.area}"
    if record.concerned_source_id is not None:
        subject = f"source:{record.concerned_source_id}"
    return Alert(
        alert_id=alert_id(RuleName.WAY_BROKEN, subject, record.outage_id),
        revision=1,
        rule=RuleName.WAY_BROKEN,
        state=AlertState.OPEN,
        severity=Severity.CRITICAL if record.area is None else Severity.WARNING,
        reason=AlertReason.OPENED,
        subject=subject,
        person_id=None,
        key=record.key,
        area=record.area or "",
        occurrence=record.outage_id,
        due_at=None,
        raised_at=step.now,
        updated_at=step.now,
        evidence=step.event_ids,
        policy_version=step.policy.policy_version,
        detail={
            "outage_id": record.outage_id,
            "cause": record.cause.value,
            "since": format_instant(record.since),
            "concerned_source_id": record.concerned_source_id,
        },
    )


def revise(step: Step, outage: Outage, state: AlertState, reason: AlertReason) -> None:
    """Give the alert of an outage its next revision; one that is not there or is resolved stays as it is."""
    if outage.alert is not None and outage.alert.state is not AlertState.RESOLVED:
        _revise(step, outage, state, reason, outage.alert.evidence + step.event_ids)


def _revise(step: Step, outage: Outage, state: AlertState, reason: AlertReason, evidence: tuple[str, ...]) -> None:
    assert outage.alert is not None, "who revises has looked"
    outage.alert = replace(
        outage.alert,
        revision=outage.alert.revision + 1,
        state=state,
        reason=reason,
        updated_at=step.now,
        evidence=evidence,
        policy_version=step.policy.policy_version,
    )
    step.add_alert(outage.alert)


def of_alert(outages: Outages, key: str, identity: str) -> Outage | None:
    """Return the outage whose alert has this id and lives under this key, None where there is none."""
    outage = outages.known.get(key.removeprefix(_KEY)) if key.startswith(_KEY) else None
    return outage if outage is not None and outage.alert is not None and outage.alert.alert_id == identity else None
