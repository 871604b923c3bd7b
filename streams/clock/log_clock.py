"""The clock as the log has it: how far its ticks go, partition by partition."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from events.codec import Refusal, decode_from_timeline
from events.records import Tick
from streams.broker.offsets import OffsetReader
from streams.broker.tail import newest_records
from streams.settings import Settings

_NEAR_RECORDS = 20_000
# Where intake caught up after a standstill, many records stand behind the last tick.
_FAR_RECORDS = 1_000_000


@dataclass(frozen=True, slots=True)
class LogClock:
    """The last tick of each partition of the timeline, None for one in which none was found."""

    ticks: Sequence[datetime | None] = ()

    @property
    def lowest(self) -> datetime | None:
        """Return the last tick of the partition that is least far, None where one has no tick."""
        known = [at for at in self.ticks if at is not None]
        return min(known) if known and self.is_complete else None

    @property
    def is_complete(self) -> bool:
        """Tell whether every partition has a tick."""
        return None not in self.ticks


async def read_log_clock(settings: Settings, offsets: OffsetReader) -> LogClock:
    """Read the ticks near the ends; further back, up to a million records, where a partition has none there."""
    near = await _read(settings, offsets, _NEAR_RECORDS)
    return near if near.is_complete else await _read(settings, offsets, _FAR_RECORDS)


async def read_recent_ticks(settings: Settings, offsets: OffsetReader) -> LogClock:
    """Read the ticks among the last 20,000 records of each partition alone."""
    return await _read(settings, offsets, _NEAR_RECORDS)


async def _read(settings: Settings, offsets: OffsetReader, look_back: int) -> LogClock:
    partitions = await offsets.partitions(["timeline"])
    ends = await offsets.ends(partitions)
    newest = await newest_records(settings, ends, lambda value: _tick_in(value) is not None, look_back)
    return LogClock([None if (value := newest.get(tp)) is None else _tick_in(value) for tp in partitions])


def _tick_in(value: bytes) -> datetime | None:
    if not value.startswith(b'{"kind":"tick"'):
        return None
    try:
        record = decode_from_timeline(value)
    except Refusal:
        return None
    return record.at if isinstance(record, Tick) else None
