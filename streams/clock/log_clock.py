"""The clock as the log has it: how far its ticks go, partition by partition."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from faust.types import TP

from events.codec import Refusal, decode_from_timeline
from events.records import Tick
from streams.broker.offsets import OffsetReader
from streams.broker.tail import newest_records
from streams.logs import get_logger
from streams.settings import Settings

log = get_logger(__name__)

# Where intake caught up after a standstill, many records stand behind the last tick.
_STRETCHES = (20_000, 1_000_000, 1 << 62)


def _nothing() -> None:
    pass


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


async def read_log_clock(
    settings: Settings, offsets: OffsetReader, on_step: Callable[[], object] = _nothing
) -> LogClock:
    """Read the ticks near the ends, and further back where a partition has none there, in the end to where it begins.

    `on_step` is called each time that some records were read.
    """
    partitions = await offsets.partitions(["timeline"])
    found: dict[TP, datetime] = {}
    for look_back in _STRETCHES:
        lacking = [tp for tp in partitions if tp not in found]
        if lacking and look_back != _STRETCHES[0]:
            log.info("reading further back for the last tick", partitions=len(lacking), records=look_back)
        found |= await _read(settings, await offsets.ends(lacking), look_back, on_step)
    return LogClock([found.get(tp) for tp in partitions])


async def read_recent_ticks(settings: Settings, offsets: OffsetReader) -> LogClock:
    """Read the ticks among the last 20,000 records of each partition alone."""
    partitions = await offsets.partitions(["timeline"])
    found = await _read(settings, await offsets.ends(partitions), _STRETCHES[0], _nothing)
    return LogClock([found.get(tp) for tp in partitions])


async def _read(
    settings: Settings, ends: Mapping[TP, int], look_back: int, on_step: Callable[[], object]
) -> dict[TP, datetime]:
    newest = await newest_records(settings, ends, lambda value: _tick_in(value) is not None, look_back, on_step)
    return {tp: at for tp, value in newest.items() if (at := _tick_in(value)) is not None}


def _tick_in(value: bytes) -> datetime | None:
    if not value.startswith(b'{"kind":"tick"'):
        return None
    try:
        record = decode_from_timeline(value)
    except Refusal:
        return None
    return record.at if isinstance(record, Tick) else None
