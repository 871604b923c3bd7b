"""The last tick of each partition of the timeline."""

from datetime import datetime

from events.codec import Refusal, decode_from_timeline
from events.records import Tick
from streams.broker.offsets import OffsetReader
from streams.broker.tail import newest_records
from streams.settings import Settings


async def newest_ticks(settings: Settings, offsets: OffsetReader) -> list[datetime | None]:
    """Return the last tick of each partition, None where there is none among its last 20,000 records."""
    partitions = await offsets.partitions(["timeline"])
    newest = await newest_records(settings, await offsets.ends(partitions), lambda value: _tick_in(value) is not None)
    return [None if (value := newest.get(tp)) is None else _tick_in(value) for tp in partitions]


def _tick_in(value: bytes) -> datetime | None:
    try:
        record = decode_from_timeline(value)
    except Refusal:
        return None
    return record.at if isinstance(record, Tick) else None
