"""The clock as the log has it: how far its ticks go."""

from datetime import datetime

from events.codec import Refusal, decode_from_timeline
from events.records import Tick
from streams.broker.offsets import OffsetReader
from streams.broker.tail import newest_records
from streams.settings import Settings

# Where intake caught up after a standstill, many records stand behind the last tick.
_LOOK_BACK_RECORDS = (20_000, 1_000_000)


async def last_tick(settings: Settings, offsets: OffsetReader) -> datetime | None:
    """Return the lowest clock of all partitions of the timeline, None where one has no tick in its last million records."""
    ends = await offsets.ends(await offsets.partitions(["timeline"]))
    for look_back in _LOOK_BACK_RECORDS:
        clocks = [
            tick for raw in (await newest_records(settings, ends, is_tick, look_back)).values() if (tick := _at(raw))
        ]
        if ends and len(clocks) == len(ends):
            return min(clocks)
    return None


def is_tick(raw: bytes) -> bool:
    """Tell whether a record of the timeline is a tick."""
    return _at(raw) is not None


def _at(raw: bytes) -> datetime | None:
    if not raw.startswith(b'{"kind":"tick"'):
        return None
    try:
        record = decode_from_timeline(raw)
    except Refusal:
        return None
    return record.at if isinstance(record, Tick) else None
