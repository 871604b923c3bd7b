"""Any bytes in the topics that the sink reads (`sinks/clickhouse/columns.py`): a row, or a row that says it is unreadable.

An input is some messages, one a line; each topic gets all of them. Rows must be those of the plain reader that takes one
message after the other, and can be written as ClickHouse takes them.
"""

from base64 import b64decode
from collections.abc import Sequence
from functools import cache
from random import Random
from typing import Any
from zlib import crc32

from events.codec import Refusal, decode, encode
from events.results import encode_alert, encode_verdict
from sinks.clickhouse.columns import TOPICS, read_blocks, read_columns
from sinks.clickhouse.runs import Run
from sinks.clickhouse.tables import QUARANTINE, Table
from streams.dead_letters import dead_letter, encode_dead_letter
from streams.replay import Replay
from tests.fuzz.corpus import logs, records
from tests.fuzz.log_mutation import mutate_log
from tests.fuzz.mutation import mutate_record
from tests.fuzz.target import Found
from tests.support.sink_rows import Message, Row, read_row

_MOST_MESSAGES = 60
_APPENDED_MS = 1_580_515_200_000


def run(data: bytes) -> Found:
    """Read messages of every topic by columns and row by row."""
    lines: list[bytes | None] = [*data.split(b"\n")[:_MOST_MESSAGES]]
    if crc32(data) % 8 == 0:
        lines.append(None)
    found = Found()
    for topic in TOPICS:
        found += _read(topic, lines)
    return found


def _read(topic: str, values: list[bytes | None]) -> Found:
    offsets = list(range(len(values)))
    run = Run(f"prefix.{topic}", 7, offsets, [_APPENDED_MS + offset for offset in offsets], values)
    expected: dict[Table, list[Row]] = {}
    for offset, value in enumerate(values):
        table, row = read_row(topic, Message(run.topic, 7, offset, _APPENDED_MS + offset, value))
        expected.setdefault(table, []).append(row)
    columns = read_columns(topic, [run])
    assert columns.keys() == expected.keys()
    for table, rows in expected.items():
        assert _rows(columns[table]) == [_plain(row) for row in rows]
    for table, block in read_blocks(topic, [run]).items():
        assert len(block) == len(expected[table])
        assert b"".join(block.chunks())
    unreadable = expected.get(QUARANTINE, [])
    for row in unreadable:
        assert b64decode(row[-1], validate=True) == (values[row[2]] or b""), "quarantine keeps the bytes"
    return Found(len(values) - len(unreadable), len(unreadable))


def _rows(columns: Sequence[Sequence[Any]]) -> list[Row]:
    return [_plain(row) for row in zip(*columns, strict=True)]


def _plain(row: Row) -> Row:
    """Return a row with its texts as text: the message itself is bytes by columns and text by rows."""
    return tuple(value.decode() if isinstance(value, bytes) else value for value in row)


def mutate(data: bytes, random: Random) -> bytes:
    """Make other messages of some."""
    if b"\n" in data and random.random() < 0.3:
        return mutate_log(data, random)
    lines = data.split(b"\n")
    number = random.randrange(len(lines))
    lines[number] = mutate_record(lines[number], random, _messages())
    return b"\n".join(lines[:_MOST_MESSAGES])


@cache
def _messages() -> tuple[bytes, ...]:
    """Return records and results, each as the sink may meet it."""
    return *records(), *(line for log in logs()[-4:] for line in _written(log))


def _written(log: bytes) -> list[bytes]:
    """Return what a log becomes: its records as intake writes them, and all that is decided of them."""
    replay = Replay()
    written: list[bytes] = []
    for number, line in enumerate(log.split(b"\n")):
        try:
            written.append(encode(decode(line)))
        except Refusal as refusal:
            written.append(encode_dead_letter(dead_letter(refusal, "visits", 1, number, line)))
        outcome = replay.decide(line)
        written += [encode_verdict(verdict) for verdict in outcome.verdicts]
        written += [encode_alert(alert) for alert in outcome.alerts]
    return written


def seeds() -> Sequence[bytes]:
    """Return single messages, and what some logs become."""
    return *records(), *(b"\n".join(_written(log)[:_MOST_MESSAGES]) for log in logs()[-8:])
