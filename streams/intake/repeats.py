"""Recognising repeats: what one raw partition has brought over the last hours.

A record with a sequence is known by its source and sequence, one without by its event id. The same source and sequence
with other content is no repeat but a counter that began again (devices do that when they are reset): nothing is lost, and
the core still knows the event id. A record that the core may have refused, for an observation or alert that was not there
yet, goes on to it under its own event id as often as it comes: the core knows those that it took, and only those were
arrivals (contract sections 2 and 6). Time here is the broker's timestamp of the raw record, so the memory is a function
of the raw log.
"""

import hashlib
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

from events.codec import encode
from events.records import CheckpointScanned, OutsideRecord, TemperatureTaken, VisitRecorded

_HOUR_MS = 3_600_000
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
# The core takes every one of these; all others refer to something, and are refused where it does not exist.
_NEVER_REFUSED = (VisitRecorded, TemperatureTaken, CheckpointScanned)


def repeat_key(record: OutsideRecord) -> tuple[str, str]:
    """Return what a repeat of the record would share with it, and a digest of the rest that must be the same.

    The event id and `received_at` of a repeat may differ where the sequence is the same.
    """
    if record.sequence is None:
        return f"e/{record.event_id}", ""
    bare: Any = replace(record, event_id="-", received_at=None)
    digest = hashlib.blake2b(encode(bare), digest_size=8).hexdigest()
    return f"s/{record.source_id}/{record.sequence}", digest


def _may_be_sent_again(record: OutsideRecord) -> bool:
    return not isinstance(record, _NEVER_REFUSED)


class RepeatMemory:
    """The keys of the last `hours` hours, gathered by the hour in which they came."""

    def __init__(self, hours: int, by_hour: dict[int, dict[str, str]] | None = None) -> None:
        """Begin empty, or with what `dump` gave."""
        self._hours = hours
        self._by_hour = by_hour or {}
        self._known: dict[str, str] = {}
        for hour in sorted(self._by_hour):
            self._known.update(self._by_hour[hour])

    def is_repeat(self, record: OutsideRecord, timestamp_ms: int) -> bool:
        """Tell whether the record came before, and remember it; `timestamp_ms` is the broker's, since 1970."""
        key, digest = repeat_key(record)
        if _may_be_sent_again(record):
            if record.sequence is None:
                return False
            known, _, event_id = self._known.get(key, "").partition("/")
            if known == digest:
                return event_id != record.event_id
            digest = f"{digest}/{record.event_id}"
        elif self._known.get(key) == digest:
            return True
        hour = timestamp_ms // _HOUR_MS
        if hour not in self._by_hour:
            self._forget_before(hour - self._hours)
        self._by_hour.setdefault(hour, {})[key] = digest
        self._known[key] = digest
        return False

    def _forget_before(self, hour: int) -> None:
        for old in [known for known in self._by_hour if known < hour]:
            for key, digest in self._by_hour.pop(old).items():
                if self._known.get(key) == digest:
                    del self._known[key]

    def dump(self) -> dict[str, dict[str, str]]:
        """Return the memory as JSON values."""
        return {str(hour): dict(keys) for hour, keys in sorted(self._by_hour.items())}


def load_repeats(hours: int, document: dict[str, dict[str, str]]) -> RepeatMemory:
    """Read a memory back."""
    return RepeatMemory(hours, {int(hour): dict(keys) for hour, keys in document.items()})


def received_at_of(timestamp_ms: int) -> datetime:
    """Return the broker's timestamp as the instant at which a record was received."""
    return _EPOCH + timedelta(milliseconds=timestamp_ms)
