"""From the bytes of messages to the columns of a table: a pure function of the messages alone.

The topics are our own, so only what the columns need is decoded; the whole record is kept beside it as it was written.
Nothing is made per row: a few hundred messages are decoded, each column takes its field from all of them, and they are
written as ClickHouse takes them while they are at hand.

A message that cannot be read is not dropped and does not stop the sink: its bytes go to the table `quarantine` with
its position. Stopping would trade one figure that is missing for all that come after it, and nothing but a hand on
the committed offset would start it again; the contract says of bad input that one bad record never stops the rest. A
topic that is unreadable as a whole is another matter, and ends the sink (`sinks.clickhouse.batches`).
"""

from base64 import b64encode
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from operator import attrgetter
from typing import Any, TypeVar, cast

import msgspec

from sinks.clickhouse.native import Block
from sinks.clickhouse.runs import Run
from sinks.clickhouse.tables import ALERTS, CHECKS, DEAD_LETTERS, QUARANTINE, TIMELINE, Columns, Table
from sinks.clickhouse.wire import Alert, DeadLetter, LogRecord, Verdict

T = TypeVar("T")
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)
# Decoded records live only as long as their group, in memory the processor has at hand: half the time of all at once.
_GROUP = 256
# The last one is of what is nested hundreds of levels deep.
_UNREADABLE = (msgspec.DecodeError, UnicodeDecodeError, RecursionError)

_Column = Callable[[Sequence[Any]], list[Any]]


def _field(name: str) -> _Column:
    get = attrgetter(name)
    return lambda records: list(map(get, records))


def _instant(name: str) -> _Column:
    """Take whole microseconds since 1970-01-01T00:00Z, exactly; null stays null."""
    get = attrgetter(name)
    return lambda records: [at if at is None else (at - _EPOCH) // _MICROSECOND for at in map(get, records)]


def _occurred(records: Sequence[Any]) -> list[Any]:
    instants = [record.occurred_at or record.at or record.heard_until for record in records]
    if None in instants:
        raise msgspec.ValidationError("expected occurred_at, at in a tick, or heard_until")
    return [(at - _EPOCH) // _MICROSECOND for at in instants]


def _received(records: Sequence[Any]) -> list[Any]:
    instants = [record.received_at or record.occurred_at or record.at or record.heard_until for record in records]
    return [(at - _EPOCH) // _MICROSECOND for at in instants]


def _temperature(records: Sequence[Any]) -> list[Any]:
    return [record.temperature_c or 0.0 for record in records]


def _site(records: Sequence[Any]) -> list[Any]:
    return [(record.site or "unknown") if record.temperature_c else "" for record in records]


def _or_empty(name: str) -> _Column:
    get = attrgetter(name)
    return lambda records: [found or "" for found in map(get, records)]


def _of_policy(name: str) -> _Column:
    get = attrgetter(name)
    return lambda records: [get(record.policy) if record.policy else "" for record in records]


def _detail(records: Sequence[Any]) -> list[Any]:
    return [bytes(record.detail).decode() for record in records]


_SPECIAL: Mapping[str, Mapping[str, _Column]] = {
    "timeline": {
        "occurred_at": _occurred,
        "received_at": _received,
        "area": _or_empty("area"),
        "temperature_c": _temperature,
        "site": _site,
        "health_code": _or_empty("health_code"),
        "policy_version": _of_policy("policy_version"),
        "timezone": _of_policy("timezone"),
    },
    "checks": {"due_at": _instant("due_at"), "decided_at": _instant("decided_at")},
    "alerts": {
        "person_id": _or_empty("person_id"),
        "due_at": _instant("due_at"),
        "raised_at": _instant("raised_at"),
        "updated_at": _instant("updated_at"),
        "detail": _detail,
    },
    "dead-letters": {
        "source_topic": _field("topic"),
        "source_partition": _field("partition"),
        "source_offset": _field("offset"),
    },
}
_RECORD = "record"
_POSITION_COLUMNS = 4


@dataclass(frozen=True, slots=True)
class _Reader:
    """How the messages of a topic become columns, those of the position left out; `record` is the message itself."""

    table: Table
    decode: Callable[[bytes], Any]
    columns: tuple[_Column, ...]
    keeps_record: bool

    def groups(self, runs: Sequence[Run]) -> Iterator[Columns]:
        """Yield the columns of some messages after the other; raises one of _UNREADABLE when any cannot be read.

        There must be no tombstone among them.
        """
        for run in runs:
            for start in range(0, len(run), _GROUP):
                part = run.part(start, start + _GROUP)
                yield [
                    [part.topic] * len(part),
                    [part.partition] * len(part),
                    part.offsets,
                    part.appended_ms,
                    *self.fields(cast("list[bytes]", part.values)),
                ]

    def fields(self, values: Sequence[bytes]) -> Columns:
        """Return the columns that come after the position; raises one of _UNREADABLE when any message cannot be read."""
        if self.keeps_record:
            _demand_utf8(values)
        records = list(map(self.decode, values))
        columns = [take(records) for take in self.columns]
        if self.keeps_record:
            columns.append(list(values))
        return columns


def _reader(topic: str, table: Table, record: type[msgspec.Struct]) -> _Reader:
    names = [name for name in list(table.columns)[_POSITION_COLUMNS:] if name != _RECORD]
    columns = tuple(_SPECIAL[topic].get(name) or _field(name) for name in names)
    return _Reader(table, msgspec.json.Decoder(record).decode, columns, _RECORD in table.columns)


def _demand_utf8(values: Sequence[bytes]) -> None:
    # A line feed is no part of any longer character, so what is right together is right one by one.
    together = b"\n".join(values)
    if not together.isascii():
        together.decode()


_READERS: Mapping[str, _Reader] = {
    "timeline": _reader("timeline", TIMELINE, LogRecord),
    "checks": _reader("checks", CHECKS, Verdict),
    "alerts": _reader("alerts", ALERTS, Alert),
    "dead-letters": _reader("dead-letters", DEAD_LETTERS, DeadLetter),
}
TOPICS = tuple(_READERS)


def read_columns(topic: str, runs: Sequence[Run]) -> dict[Table, Columns]:
    """Read messages into the columns of their table, and the unreadable ones into those of `quarantine`.

    Rows stand in the order of the messages; a table without a row is left out. `topic` is the name in the catalogue,
    without the prefix that the topics of the runs may have.
    """
    return _read(topic, runs, _columns)


def read_blocks(topic: str, runs: Sequence[Run]) -> dict[Table, Block]:
    """Read messages as `read_columns` does, into the blocks that are inserted."""
    return _read(topic, runs, _block)


def _columns(table: Table, groups: Iterable[Columns]) -> Columns:
    columns: Columns = [[] for _ in table.columns]
    for group in groups:
        for column, values in zip(columns, group, strict=True):
            column.extend(values)
    return columns


def _block(table: Table, groups: Iterable[Columns]) -> Block:
    block = Block(table.columns)
    for group in groups:
        block.add(group)
    return block


def _read(topic: str, runs: Sequence[Run], gather: Callable[[Table, Iterable[Columns]], T]) -> dict[Table, T]:
    reader = _READERS[topic]
    if not any(None in run.values for run in runs):
        try:
            return {reader.table: gather(reader.table, reader.groups(runs))}
        except _UNREADABLE:
            pass
    readable, refused = _told_apart(topic, reader, runs)
    tables = {reader.table: gather(reader.table, reader.groups(readable))} if any(map(len, readable)) else {}
    if refused:
        tables[QUARANTINE] = gather(QUARANTINE, [[list(column) for column in zip(*refused, strict=True)]])
    return tables


def _told_apart(topic: str, reader: _Reader, runs: Sequence[Run]) -> tuple[list[Run], list[tuple[Any, ...]]]:
    """Read messages one by one; return the readable, and rows for the others. Slow, so only where one cannot be read."""
    readable: list[Run] = []
    refused: list[tuple[Any, ...]] = []
    for run in runs:
        kept: list[int] = []
        for index, value in enumerate(run.values):
            if refusal := _refusal(topic, reader, value):
                position = (run.topic, run.partition, run.offsets[index], run.appended_ms[index])
                refused.append((*position, *refusal, b64encode(value or b"").decode()))
            else:
                kept.append(index)
        readable.append(run.only(kept))
    return readable, refused


def _refusal(topic: str, reader: _Reader, value: bytes | None) -> tuple[str, str] | None:
    """Return reason and explanation, without personal data, where a message cannot be read."""
    if value is None:
        return "empty", "expected a record, came a tombstone"
    try:
        reader.fields([value])
    except _UNREADABLE:
        return "not_readable", f"expected a record of {topic} as JSON"
    return None
