"""Recognising repeats: what one raw partition has brought over the last hours.

A record with a sequence is known by its source, its sequence and all else that it says, event id and `received_at` apart,
which a repeat may have of its own; one without a sequence by its event id. The same source and sequence with other content
is no repeat but a counter that began again (devices do that when they are reset): nothing is lost, and the core still
knows the event id. A record that the core may have refused, for an observation or alert that was not there yet, goes on to
it under its own event id as often as it comes: the core knows those that it took, and only those were arrivals (contract
sections 2 and 6). Time here is the broker's timestamp of the raw record, so the memory is a function of the raw log.

What is remembered of a record is a fingerprint of 96 bits. With 50 million records in memory at once, one that is taken for
another and lost comes about once in 10^13 such memories. It takes about 100 bytes (95 to 107 measured, for a moment more
while the set grows), 12 of them the copy that is written down.

    known      all fingerprints, each in exactly one hour
    segments   the same, by the hour in which they came, joined: "438288/0000" -> 12 bytes a fingerprint, never changed
    pending    those that no segment holds yet
"""

from collections.abc import Mapping
from hashlib import blake2b

from events.records import CheckpointScanned, OutsideRecord, TemperatureTaken, VisitRecorded
from events.scan_wire import WireScan

_HOUR_MS = 3_600_000
_FINGERPRINT_BYTES = 12
# A segment is one entry of the state, and that must go into one record of the state's log.
_SEGMENT_FINGERPRINTS = 16_384
# The core takes every one of these; all others refer to something, and are refused where it does not exist.
NEVER_REFUSED = (VisitRecorded, TemperatureTaken, CheckpointScanned)


def fingerprint(record: OutsideRecord | WireScan, content: bytes) -> bytes:
    """Return what is remembered of a record; `content` is what `content_of` gives."""
    if not record.sequence:
        content = b"event/" + record.event_id.encode()
    return blake2b(content, digest_size=_FINGERPRINT_BYTES).digest()


def content_of(line: bytes) -> bytes:
    """Return a line of the timeline without event id and `received_at`: what a repeat of the record shares.

    Nothing before them can hold a quote or comma of its own, so these are where they are first found:

        {"kind":"K","event_id":"E","source_id":"S","sequence":1,"occurred_at":"T","received_at":"T","person_id":...
        ---------- .............. ~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~ ................. ~~~~~~~~~~~~~~~~~
    """
    kind_ends = line.index(b',"event_id":')
    begins = line.index(b',"source_id":', kind_ends)
    pauses = line.index(b',"received_at":', begins)
    return line[:kind_ends] + line[begins:pauses] + line[line.index(b",", pauses + 1) :]


class RepeatMemory:
    """The fingerprints of the last `hours` hours, gathered by the hour in which they came."""

    def __init__(self, hours: int, entries: dict[str, bytes] | None = None) -> None:
        """Begin empty, or with all entries as they were; they belong to the memory from then on."""
        self._hours = hours
        self._entries = {} if entries is None else entries
        self._segments: dict[int, list[str]] = {}
        self._pending: dict[int, list[bytes]] = {}
        self._changes: dict[str, bytes | None] = {}
        self._known: set[bytes] = set()
        for key in sorted(self._entries):
            self._segments.setdefault(int(key.partition("/")[0]), []).append(key)
            self._known.update(_split(self._entries[key]))

    def is_repeat(self, record: OutsideRecord, content: bytes, timestamp_ms: int) -> bool:
        """Tell whether the record came before, and remember it; `timestamp_ms` is the broker's, since 1970."""
        digest = fingerprint(record, content)
        if isinstance(record, NEVER_REFUSED):
            return self.knows(digest, timestamp_ms)
        if record.sequence is None:
            return False
        # Two memories: of the content, and of the content under this event id, which may come again.
        under_its_id = blake2b(digest + record.event_id.encode(), digest_size=_FINGERPRINT_BYTES).digest()
        if not self.knows(digest, timestamp_ms):
            self.knows(under_its_id, timestamp_ms)
            return False
        return under_its_id not in self._known

    def knows(self, digest: bytes, timestamp_ms: int) -> bool:
        """Tell whether a fingerprint was there before, and remember it if it was not."""
        if digest in self._known:
            return True
        hour = timestamp_ms // _HOUR_MS
        pending = self._pending.get(hour)
        if pending is None:
            if hour not in self._segments:
                self._forget_before(hour - self._hours)
            pending = self._pending[hour] = []
        pending.append(digest)
        self._known.add(digest)
        return False

    def _forget_before(self, first_hour: int) -> None:
        for hour in [hour for hour in self._pending if hour < first_hour]:
            self._known.difference_update(self._pending.pop(hour))
        for hour in [hour for hour in self._segments if hour < first_hour]:
            for key in self._segments.pop(hour):
                self._known.difference_update(_split(self._entries.pop(key)))
                self._changes[key] = None

    def _write_down(self) -> None:
        """Make segments of what no segment holds yet."""
        for hour, pending in self._pending.items():
            keys = self._segments.setdefault(hour, [])
            for begin in range(0, len(pending), _SEGMENT_FINGERPRINTS):
                key = f"{hour}/{len(keys):06d}"
                keys.append(key)
                segment = b"".join(pending[begin : begin + _SEGMENT_FINGERPRINTS])
                self._entries[key] = self._changes[key] = segment
        self._pending.clear()

    def changes(self) -> Mapping[str, bytes | None]:
        """Return the segments that came since this was last asked, and None for those of hours that were forgotten."""
        self._write_down()
        changes, self._changes = self._changes, {}
        return changes

    def keys(self) -> list[str]:
        """Return the keys of all segments."""
        self._write_down()
        return list(self._entries)

    def entry(self, key: str) -> bytes | None:
        """Return a segment; None where its hour was forgotten."""
        return self._entries.get(key)


def _split(segment: bytes) -> list[bytes]:
    return [segment[at : at + _FINGERPRINT_BYTES] for at in range(0, len(segment), _FINGERPRINT_BYTES)]
