"""The outages that follow from alerts about sources: while records of an area cannot come, nobody there is accused.

A function of the alert's revision alone, so that whoever decides it again writes the same records. They go through intake
like those of anybody else; the core raises no alert of its own for them.

    source_silent opens       outage_opened of each of its areas, from an hour before the silence began
    source_silent resolved    outage_closed, settled half an hour later
    sequence_gap opens        outage_opened and outage_closed of each, over the time in which the missing records were made;
                              settled a day later
"""

from collections.abc import Iterator
from datetime import datetime, timedelta
from hashlib import sha256

from events.codec import encode
from events.instants import parse_instant
from events.records import WATCH, OutageClosed, OutageOpened, OutageRecord
from events.results import Alert
from events.vocabulary import AlertState, OutageCause, RuleName
from streams.broker.outputs import Output

# Intake says of whom it heard to a half hour, and that this was so until the end of the next.
_UNSURE = timedelta(hours=1)
_BACKFILL_AFTER_SILENCE = timedelta(minutes=30)
_BACKFILL_OF_GAP = timedelta(hours=24)


def outages_of(alert: Alert) -> list[Output]:
    """Return the records of the outages that a revision of an alert opens or closes; of most there are none."""
    records: Iterator[OutageOpened | OutageClosed] = iter(())
    if alert.rule is RuleName.SOURCE_SILENT:
        records = _of_silence(alert)
    elif alert.rule is RuleName.SEQUENCE_GAP and alert.revision == 1:
        records = _of_gap(alert)
    return [Output(OutageRecord.topic, WATCH.encode(), encode(record)) for record in records]


def _of_silence(alert: Alert) -> Iterator[OutageOpened | OutageClosed]:
    assert alert.due_at is not None, "a silence is due"
    since = alert.due_at - timedelta(seconds=alert.detail["interval_seconds"]) - _UNSURE
    for area in alert.detail["areas"]:
        if alert.revision == 1:
            yield _opened(alert, area, OutageCause.SOURCE_SILENT, since)
        elif alert.state is AlertState.RESOLVED:
            yield _closed(alert, area, alert.updated_at, alert.updated_at + _BACKFILL_AFTER_SILENCE)


def _of_gap(alert: Alert) -> Iterator[OutageOpened | OutageClosed]:
    since, until = (parse_instant(alert.detail[name]) for name in ("since", "until"))
    for area in alert.detail["areas"]:
        yield _opened(alert, area, OutageCause.SEQUENCE_GAP, since)
        yield _closed(alert, area, until, alert.updated_at + _BACKFILL_OF_GAP)


def _opened(alert: Alert, area: str, cause: OutageCause, since: datetime) -> OutageOpened:
    name = _name(alert, area)
    return OutageOpened(
        event_id=f"{name}:o",
        source_id=WATCH,
        occurred_at=alert.updated_at,
        outage_id=name,
        cause=cause,
        area=area,
        concerned_source_id=alert.key.removeprefix("source:"),
        since=since,
    )


def _closed(alert: Alert, area: str, until: datetime, backfill_until: datetime) -> OutageClosed:
    name = _name(alert, area)
    return OutageClosed(
        event_id=f"{name}:c",
        source_id=WATCH,
        occurred_at=alert.updated_at,
        outage_id=name,
        until=until,
        backfill_until=backfill_until,
    )


def _name(alert: Alert, area: str) -> str:
    """Return the id of the outage of an area: the same for every revision of the alert."""
    digest = sha256(f"{alert.key}|{area}|{alert.occurrence}".encode()).hexdigest()[:32]
    return f"{'silent' if alert.rule is RuleName.SOURCE_SILENT else 'gap'}:{digest}"
