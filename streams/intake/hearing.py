"""What intake tells of the sources that it hears: that they live, and which numbers came.

Decided is on the timeline, and there are too many scans to tell of each. So they are gathered by half hours of the broker's
stamps, and told at the first record that makes them due. Told at once is what cannot wait: a source that was not heard
in this half hour or the one before, and a number that does not follow the one before it.

    10:01 a 7    was not heard for long                       tells: a until 11:00, number 7
    10:02 a 8
    10:03 a 9
    10:04 a 12   does not follow 9                            tells: a until 11:00, numbers 8-9 and 12
    10:05 a 13
    10:31 b 4    the first of all in its half hour            tells: a until 11:00, number 13; b until 11:30, number 4
    10:32 a 14   was heard in the half hour before
    11:05 b 5    the first of all in its half hour            tells: a until 11:30, number 14

`until` is the end of the half hour that follows: as long the source may have been heard without anything being told of
it. Of other topics every record is told of at once. What is told follows from the raw partition alone, so that who decides
it again tells the same.
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

BUCKET_MS = 1_800_000
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
    """What came of one source and is not told yet.

    `bucket` is the last half hour in which it was heard, `last` its last number, told or not; `is_told` says that it was
    not heard since it was told of.
    """

    bucket: int = -1
    last: int = 0
    runs: list[Run] = []
    least_delay_s: float = inf
    is_told: bool = False

    def add(self, sequence: int | None, occurred_s: float, received_s: float) -> bool:
        """Take a record and return whether its number follows the one before; `sequence` is None where it has none."""
        self.least_delay_s = min(self.least_delay_s, received_s - occurred_s)
        if not sequence:
            return True
        follows = self.last in (0, sequence - 1)
        run = self.runs[-1] if self.runs else None
        if run is None or sequence != run.last + 1:
            self.runs.append(Run(sequence, sequence, occurred_s, occurred_s))
        else:
            run.last = sequence
            run.until_s, run.since_s = max(run.until_s, occurred_s), min(run.since_s, occurred_s)
        self.last = sequence
        return follows

    def take_out(self) -> "Gathered":
        """Return what is not told yet, and begin to gather anew."""
        told = Gathered(self.bucket, self.last, self.runs, self.least_delay_s)
        self.runs, self.least_delay_s, self.is_told = [], inf, True
        return told


_pack = msgspec.msgpack.Encoder().encode
_unpack = msgspec.msgpack.Decoder(Gathered).decode


class Hearing:
    """Hears the records of one raw partition in offset order; `bucket` is the half hour of the newest."""

    def __init__(
        self, topic: str, partition: int, bucket: int = -1, entries: Mapping[str, bytes] | None = None
    ) -> None:
        """Begin with nothing, or with the bucket and the entries as they were."""
        self.bucket = bucket
        self._name = f"heard:{topic}:{partition}"
        self._gathers = topic == CheckpointScanned.topic
        self._ends_ms = (bucket + 1) * BUCKET_MS
        self._gathered = {key.removeprefix(PREFIX): _unpack(value) for key, value in (entries or {}).items()}
        self._changed: dict[str, None] = {}

    def hear_scan(self, scan: WireScan, offset: int, timestamp_ms: int) -> tuple[Output, ...]:
        """Hear a scan that is no repeat; returns what is told now, most often nothing."""
        occurred_s, received_at, sequence = _seconds_of(scan.occurred_at), scan.received_at, scan.sequence
        received_s = _seconds_of(received_at) if received_at else timestamp_ms / 1000
        gathered = self._gathered.get(scan.source_id)
        if gathered is None or timestamp_ms >= self._ends_ms or not gathered.runs or sequence != gathered.last + 1:
            return self._hear(scan.source_id, offset, timestamp_ms, (sequence or None, occurred_s, received_s))
        # What nearly every scan is: the next one of its source. The same as `_hear`, and `Gathered.add`.
        run = gathered.runs[-1]
        run.last = gathered.last = sequence
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
            gathered = Gathered(bucket)
            if came is not None:
                gathered.add(*came)
            return self._tell({source_id: gathered}, offset)
        due = self._turn(bucket) if bucket > self.bucket else {}
        known = self._gathered.get(source_id)
        gathered = self._gathered[source_id] = Gathered() if known is None else known
        self._changed[source_id] = None
        follows = gathered.add(*came) if came is not None else True
        gathered.bucket, gathered.is_told = self.bucket, False
        if known is None or not follows:
            before = due.get(source_id)
            due[source_id] = gathered.take_out() if before is None else _joined(before, gathered.take_out())
        return self._tell(due, offset)

    def _turn(self, bucket: int) -> dict[str, Gathered]:
        """Begin a bucket; returns what is not told of the one before, and forgets who was not heard in it."""
        due: dict[str, Gathered] = {}
        for source_id, gathered in list(self._gathered.items()):
            if not gathered.is_told:
                due[source_id] = gathered.take_out()
                self._changed[source_id] = None
            if gathered.bucket < bucket - 1:
                del self._gathered[source_id]
                self._changed[source_id] = None
        self.bucket, self._ends_ms = bucket, (bucket + 1) * BUCKET_MS
        return due

    def _tell(self, due: Mapping[str, Gathered], offset: int) -> tuple[Output, ...]:
        """Return the records that tell of sources, by their ids; the offset is that of the record that made them due."""
        parts = [part for source_id in sorted(due) for part in _parts(source_id, due[source_id])]
        records = [
            SourceHeard(
                event_id=f"{self._name}:{offset}:{number}",
                source_id=source_id,
                heard_until=_EPOCH + timedelta(milliseconds=(gathered.bucket + 2) * BUCKET_MS),
                least_delay_ms=None if gathered.least_delay_s == inf else round(gathered.least_delay_s * 1000),
                sequences=tuple(map(_told, gathered.runs)),
            )
            for number, (source_id, gathered) in enumerate(parts)
        ]
        return tuple(Output("timeline", record.key.encode(), encode(record)) for record in records)

    # -- written down

    def changes(self) -> dict[str, bytes | None]:
        """Return the entries that changed since this was last asked, and None for those that are forgotten."""
        changed, self._changed = self._changed, {}
        # What the quick way adds to is not noted there: it goes on where nothing was told.
        names = sorted(changed.keys() | {name for name, gathered in self._gathered.items() if not gathered.is_told})
        return {PREFIX + name: self.entry(PREFIX + name) for name in names}

    def keys(self) -> list[str]:
        """Return the keys of all that is gathered."""
        return [PREFIX + source_id for source_id in self._gathered]

    def entry(self, key: str) -> bytes | None:
        """Return what is gathered of a source, None where nothing is."""
        gathered = self._gathered.get(key.removeprefix(PREFIX))
        return None if gathered is None else _pack(gathered)


def _joined(earlier: Gathered, later: Gathered) -> Gathered:
    """Return what is told of two half hours as one."""
    least_delay_s = min(earlier.least_delay_s, later.least_delay_s)
    return Gathered(later.bucket, later.last, earlier.runs + later.runs, least_delay_s)


def _parts(source_id: str, gathered: Gathered) -> Iterator[tuple[str, Gathered]]:
    """Yield what was gathered in parts that a record can hold."""
    for begin in range(0, len(gathered.runs) or 1, MOST_RUNS):
        runs = gathered.runs[begin : begin + MOST_RUNS]
        yield source_id, Gathered(gathered.bucket, gathered.last, runs, gathered.least_delay_s)


def _told(run: Run) -> SequenceRun:
    return SequenceRun(first=run.first, last=run.last, since=_instant(run.since_s), until=_instant(run.until_s))


@lru_cache(maxsize=4096)
def _seconds_of(instant: str) -> float:
    """Return an instant as seconds since 1970; most scans come to the second, and many share one."""
    return datetime.fromisoformat(instant).timestamp()


def _instant(seconds: float) -> datetime:
    return _EPOCH + timedelta(microseconds=round(seconds * 1_000_000))
