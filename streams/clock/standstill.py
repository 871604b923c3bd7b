"""What the log is told when its clock stood still for long: nobody is accused of what could not come meanwhile.

Brokers, intake or the clock itself may have been away, and devices with them. Everything that was received is read before
the next tick; what devices still hold back is not. So the time since the last tick becomes an outage of all areas, which
ends now and is settled when devices have had time to send what they kept.
"""

from datetime import UTC, datetime, timedelta

from events.codec import encode
from events.records import OutageClosed, OutageOpened
from events.vocabulary import OutageCause
from streams.broker.outputs import Output

SOURCE = "gridwatch-clock"


def outage_of(last_at: datetime, at: datetime, backfill: timedelta) -> list[Output]:
    """Return the records of an outage from one tick to the next; the same ticks give the same outage."""
    name = f"clock:{_stamp(last_at)}-{_stamp(at)}"
    opened = OutageOpened(
        event_id=f"{name}:o",
        source_id=SOURCE,
        occurred_at=at,
        outage_id=name,
        cause=OutageCause.CLOCK_STOOD_STILL,
        since=last_at,
    )
    closed = OutageClosed(
        event_id=f"{name}:c",
        source_id=SOURCE,
        occurred_at=at,
        outage_id=name,
        until=at,
        backfill_until=at + backfill,
    )
    return [Output(OutageOpened.topic, SOURCE.encode(), encode(record)) for record in (opened, closed)]


def _stamp(instant: datetime) -> str:
    return instant.astimezone(UTC).strftime("%Y%m%dT%H%M%S.%f")
