"""What intake tells of the sources that it hears: that they live, and which numbers came.

Decided is on the timeline, and there are too many scans to tell of each. So they are gathered by five minutes of the
broker's stamps (a bucket), and told with the next record that makes them due:

    10:01 a 7    the first of a in its bucket                 tells: a until 10:05, numbers 7
    10:02 a 8
    10:03 a 9
    10:06 b 4    the first of all in its bucket               tells: a until 10:05, numbers 8-9; b until 10:10, number 4
    10:07 a 10   the first of a in its bucket                 tells: a until 10:10, number 10

Of other topics every record is told of at once. What is told follows from the raw partition alone, so that who decides it
again tells the same.
"""

from collections.abc import Iterator, Mapping
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from math import inf

import msgspec

from events.codec import LARGEST_RECORD_BYTES, Refusal, encode, parse_object
from events.instants import parse_instant
from events.records import MOST_RUNS, CheckpointScanned, OutsideRecord, SequenceRun, SourceHeard, is_identifier
from events.scan_wire import WireScan
from streams.broker.outputs import Output

BUCKET_MS = 300_000
PREFIX = "heard/"
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_LARGEST_SEQUENCE = 2**63 - 1
_Came = tuple[int | None, float, float]  # a number, and when it happened and was received, in seconds since 1970


class Run(msgspec.Struct, array_like=True):
    """Consecutive numbers, and the least and greatest instant under them in seconds since 1970."""

    first: int
    last: int
    since_s: float
    until_s: float


class Gathered(msgspec.Struct, array_like=True):
    """What came of one source and is not told yet."""

    runs: list[Run] = []
    least_delay_s: float = inf

    def add(self, sequence: int | None, occurred_s: float, received_s: float) -> None:
        """Take a record; `sequence` is None where it has none."""
        self.least_delay_s = min(self.least_delay_s, received_s - occurred_s)
        if not sequence:
            return
        run = self.runs[-1] if self.runs else None
        if run is None or not run.first - 1 <= sequence <= run.last + 1:
            self.runs.append(Run(sequence, sequence, occurred_s, occurred_s))
            return
        if sequence > run.last:
            run.last = sequence
        elif sequence < run.first:
            run.first = sequence
        if occurred_s > run.until_s:
            run.until_s = occurred_s
        elif occurred_s < run.since_s:
            run.since_s = occurred_s


_pack = msgspec.msgpack.Encoder().encode
_unpack = msgspec.msgpack.Decoder(Gathered).decode


class Hearing:
    """Hears the records of one raw partition in offset order; `gathered` has the sources of the present bucket."""

    def __init__(
        self, topic: str, partition: int, bucket: int = -1, entries: Mapping[str, bytes] | None = None
    ) -> None:
        """Begin with nothing, or with the bucket and the entries as they were."""
        self.bucket = bucket
        self._name = f"heard:{topic}:{partition}"
        self._gathers = topic == CheckpointScanned.topic
        self._ends_ms = (bucket + 1) * BUCKET_MS
        self._gathered = {key.removeprefix(PREFIX): _unpack(value) for key, value in (entries or {}).items()}
        self._written = set(self._gathered)

    def hear_scan(self, scan: WireScan, offset: int, timestamp_ms: int) -> tuple[Output, ...]:
        """Hear a scan that is no repeat; returns what is told now, most often nothing."""
        occurred_s, received_at, sequence = _seconds_of(scan.occurred_at), scan.received_at, scan.sequence
        received_s = _seconds_of(received_at) if received_at else timestamp_ms / 1000
        gathered = self._gathered.get(scan.source_id)
        if gathered is None or timestamp_ms >= self._ends_ms or not gathered.runs:
            return self._hear(scan.source_id, offset, timestamp_ms, (sequence or None, occurred_s, received_s))
        run = gathered.runs[-1]
        if sequence != run.last + 1:
            return self._hear(scan.source_id, offset, timestamp_ms, (sequence or None, occurred_s, received_s))
        # What nearly every scan is: the next one of its source. The same as `_hear`, and `Gathered.add`.
        run.last += 1
        if occurred_s > run.until_s:
            run.until_s = occurred_s
        elif occurred_s < run.since_s:
            run.since_s = occurred_s
        if received_s - occurred_s < gathered.least_delay_s:
            gathered.least_delay_s = received_s - occurred_s
        return ()

    def hear(self, record: OutsideRecord, offset: int, timestamp_ms: int) -> tuple[Output, ...]:
        """Hear a record that is no repeat and was received; returns what is told now."""
        assert record.received_at is not None, "intake says when"
        came = record.sequence, record.occurred_at.timestamp(), record.received_at.timestamp()
        return self._hear(record.source_id, offset, timestamp_ms, came)

    def hear_repeat(self, source_id: str, offset: int, timestamp_ms: int) -> tuple[Output, ...]:
        """Hear what came before: the source lives, and that is all."""
        return self._hear(source_id, offset, timestamp_ms)

    def hear_refused(self, raw: bytes, offset: int, timestamp_ms: int) -> tuple[Output, ...]:
        """Hear what was refused, as far as it says whose it is: a number under a dead letter is not missing."""
        try:
            document = parse_object(raw) if len(raw) <= LARGEST_RECORD_BYTES else {}
        except Refusal:
            return ()
        source_id, sequence = document.get("source_id"), document.get("sequence")
        if not isinstance(source_id, str) or not is_identifier(source_id):
            return ()
        is_number = type(sequence) is int and 1 <= sequence <= _LARGEST_SEQUENCE
        occurred_s = received_s = timestamp_ms / 1000
        try:
            occurred_s = parse_instant(document.get("occurred_at")).timestamp()
        except ValueError:
            received_s = inf  # then it says nothing of the clock
        return self._hear(source_id, offset, timestamp_ms, (sequence if is_number else None, occurred_s, received_s))

    def _hear(self, source_id: str, offset: int, timestamp_ms: int, came: _Came | None = None) -> tuple[Output, ...]:
        bucket = timestamp_ms // BUCKET_MS
        if not self._gathers:
            gathered = Gathered()
            if came is not None:
                gathered.add(*came)
            return self._tell({source_id: (gathered, bucket)}, offset)
        due = self._turn(bucket) if bucket > self.bucket else {}
        if source_id in due:
            gathered = due[source_id][0]
        else:
            gathered = self._gathered.get(source_id) or Gathered()
        is_first = source_id not in self._gathered
        if came is not None:
            gathered.add(*came)
        if is_first or len(gathered.runs) >= MOST_RUNS:
            due[source_id] = gathered, self.bucket
            self._gathered[source_id] = Gathered()
        return self._tell(due, offset)

    def _turn(self, bucket: int) -> dict[str, tuple[Gathered, int]]:
        """Begin a bucket; returns the sources of which numbers of the one before are not told."""
        due = {source_id: (gathered, self.bucket) for source_id, gathered in self._gathered.items() if gathered.runs}
        self.bucket, self._ends_ms = bucket, (bucket + 1) * BUCKET_MS
        self._gathered = {}
        return due

    def _tell(self, due: Mapping[str, tuple[Gathered, int]], offset: int) -> tuple[Output, ...]:
        """Return the records that tell of sources, by their ids; the offset is that of the record that made them due."""
        parts = [part for source_id in sorted(due) for part in _parts(source_id, *due[source_id])]
        records = [
            SourceHeard(
                event_id=f"{self._name}:{offset}:{number}",
                source_id=source_id,
                heard_until=_EPOCH + timedelta(milliseconds=(bucket + 1) * BUCKET_MS),
                least_delay_ms=None if gathered.least_delay_s == inf else round(gathered.least_delay_s * 1000),
                sequences=tuple(map(_told, gathered.runs)),
            )
            for number, (source_id, gathered, bucket) in enumerate(parts)
        ]
        return tuple(Output("timeline", record.key.encode(), encode(record)) for record in records)

    # -- written down

    def changes(self) -> dict[str, bytes | None]:
        """Return what is gathered now, and None for what was told since this was last asked."""
        gone = self._written - self._gathered.keys()
        self._written = set(self._gathered)
        return {PREFIX + source_id: None for source_id in sorted(gone)} | {
            PREFIX + source_id: _pack(gathered) for source_id, gathered in self._gathered.items()
        }

    def keys(self) -> list[str]:
        """Return the keys of all that is gathered."""
        return [PREFIX + source_id for source_id in self._gathered]

    def entry(self, key: str) -> bytes | None:
        """Return what is gathered of a source, None where nothing is."""
        gathered = self._gathered.get(key.removeprefix(PREFIX))
        return None if gathered is None else _pack(gathered)


def _parts(source_id: str, gathered: Gathered, bucket: int) -> Iterator[tuple[str, Gathered, int]]:
    """Yield what was gathered in parts that a record can hold."""
    for begin in range(0, len(gathered.runs) or 1, MOST_RUNS):
        yield source_id, Gathered(gathered.runs[begin : begin + MOST_RUNS], gathered.least_delay_s), bucket


def _told(run: Run) -> SequenceRun:
    return SequenceRun(first=run.first, last=run.last, since=_instant(run.since_s), until=_instant(run.until_s))


@lru_cache(maxsize=4096)
def _seconds_of(instant: str) -> float:
    """Return an instant as seconds since 1970; most scans come to the second, and many share one."""
    return datetime.fromisoformat(instant).timestamp()


def _instant(seconds: float) -> datetime:
    return _EPOCH + timedelta(microseconds=round(seconds * 1_000_000))
