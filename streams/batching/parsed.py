"""Records of a fetch as aiokafka's C code parsed them, a wire batch at a time.

aiokafka's own way makes a ConsumerRecord of each record in Python, which is half of what a fetch costs. This takes the
parsed records out of the same buffer, with the same rules: checksums verified, control records and what was read before
left out, positions moved as far as was taken.
"""

from __future__ import annotations

from typing import Any, NamedTuple

from aiokafka.consumer.fetcher import READ_UNCOMMITTED, FetchResult
from aiokafka.errors import CorruptRecordException


class _Ahead(NamedTuple):
    """Records that were parsed and not taken yet, and the offset after the wire batch that they end."""

    records: list[Any]
    next_offset: int | None


_NOTHING_AHEAD = _Ahead([], None)


def is_parsed_here(result: Any) -> bool:
    """Tell whether a result of aiokafka's fetcher can be taken here; not an error, nor where transactions are looked at."""
    records = getattr(result, "_partition_records", None)
    return type(result) is FetchResult and records is not None and records._isolation_level == READ_UNCOMMITTED


def take_parsed(result: Any, tp: Any, records_max: int | None) -> tuple[list[Any], int | None]:
    """Return at most `records_max` records of a fetch, and a bound for the bytes of keys and values where one is known.

    A wire batch is parsed as a whole; what goes beyond `records_max` stays with the result and comes next, unless a seek
    or a pause throws the result away. Raises CorruptRecordException.
    """
    if not result.check_assignment(tp) or not result.has_more():
        return [], 0
    parts = result._partition_records
    buffer, ahead = parts._records, getattr(parts, "parsed_ahead", _NOTHING_AHEAD)
    bytes_max: int | None = buffer.size_in_bytes()
    records, next_offset = ahead.records, ahead.next_offset
    while buffer.has_next() and (records_max is None or len(records) < records_max):
        batch = buffer.next_batch()
        if parts._check_crcs and not batch.validate_crc():
            result._partition_records = None  # or a second try would go on behind what is broken
            raise CorruptRecordException(f"Invalid CRC - {tp}")
        if getattr(batch, "compression_type", 1):
            bytes_max = None
        if not batch.is_control_batch:
            fresh = list(batch)
            if fresh and fresh[0].offset < parts.next_fetch_offset:
                fresh = [record for record in fresh if record.offset >= parts.next_fetch_offset]
            records = records + fresh if records else fresh
        next_offset = batch.next_offset
    if records_max is not None and len(records) > records_max:
        parts.parsed_ahead = _Ahead(records[records_max:], next_offset)
        records = records[:records_max]
        next_offset = records[-1].offset + 1
    else:
        parts.parsed_ahead = _NOTHING_AHEAD
    if next_offset is not None:
        parts.next_fetch_offset = next_offset
    result._update_position()
    if not parts.parsed_ahead.records and not buffer.has_next():
        result._partition_records = None
    return records, bytes_max
