"""Records of a fetch as aiokafka's C code parsed them, a wire batch at a time.

aiokafka's own way makes a ConsumerRecord of each record in Python, which is half of what a fetch costs. This takes the
parsed records out of the same buffer, with the same rules: checksums verified, control records and what was read before
left out, positions moved as far as was taken.
"""

from __future__ import annotations

from typing import Any

from aiokafka.consumer.fetcher import READ_UNCOMMITTED, FetchResult
from aiokafka.errors import CorruptRecordException


def is_parsed_here(result: Any) -> bool:
    """Tell whether a result of aiokafka's fetcher can be taken here; not an error, nor where transactions are looked at."""
    records = getattr(result, "_partition_records", None)
    return type(result) is FetchResult and records is not None and records._isolation_level == READ_UNCOMMITTED


def take_parsed(result: Any, tp: Any, records_max: int | None) -> tuple[list[Any], int | None]:
    """Return what was fetched of a partition, and a bound for the bytes of its keys and values where one is known.

    Stops at the end of the wire batch that brings `records_max` records or more. Raises CorruptRecordException.
    """
    if not result.check_assignment(tp) or not result.has_more():
        return [], 0
    parts = result._partition_records
    buffer = parts._records
    bytes_max: int | None = buffer.size_in_bytes()
    records: list[Any] = []
    while buffer.has_next() and (records_max is None or len(records) < records_max):
        batch = buffer.next_batch()
        if parts._check_crcs and not batch.validate_crc():
            raise CorruptRecordException(f"Invalid CRC - {tp}")
        if getattr(batch, "compression_type", 1):
            bytes_max = None
        if not batch.is_control_batch:
            fresh = list(batch)
            if fresh and fresh[0].offset < parts.next_fetch_offset:
                fresh = [record for record in fresh if record.offset >= parts.next_fetch_offset]
            records += fresh
        parts.next_fetch_offset = batch.next_offset
    result._update_position()
    if not buffer.has_next():
        result._partition_records = None
    return records, bytes_max
