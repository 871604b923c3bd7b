"""Batches: which messages are inserted together, and under which token. Pure.

A batch ends where the log says, not when a clock says: at the multiples of `batch_records` in the offsets of its
partition. So a sink that starts again anywhere builds the same batches as the one before it:

    offsets   0 ...... 9999 | 10000 ..... 19999 | 20000 ...
    start at 0    [batch 0] |         [batch 1] |
    start at 7000     [rest] |        [batch 1] |

At low rates what has waited long enough is inserted early, all partitions of a table together, because many small
inserts are dear. Such batches may differ from run to run. That costs nothing but work: rows fall on themselves by
topic, partition and offset. The token only spares a retried insert from being written at all; it carries a digest of
the messages, since ClickHouse silently drops other rows under a token it knows (a topic that was made anew).
"""

from bisect import bisect_left
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property
from hashlib import blake2b

from sinks.clickhouse.rows import Message, read_row
from sinks.clickhouse.tables import QUARANTINE, Row, Table

Place = tuple[str, int]
SCHEMA_VERSION = 1
_SUSPICIOUS_FROM = 20


class UnreadableTopicError(Exception):
    """Most of a batch cannot be read: the topic does not hold what its name says."""


@dataclass(frozen=True)
class Batch:
    """Messages of one topic of the catalogue that are inserted together; offsets ascend within a partition."""

    topic: str
    messages: tuple[Message, ...]

    @cached_property
    def spans(self) -> dict[Place, tuple[int, int]]:
        """First and last offset by topic (with its prefix) and partition."""
        spans: dict[Place, tuple[int, int]] = {}
        for message in self.messages:
            place = (message.topic, message.partition)
            first, _ = spans.get(place, (message.offset, 0))
            spans[place] = (first, message.offset)
        return spans

    @cached_property
    def digest(self) -> str:
        """Digest of positions and bytes: equal digests mean equal rows."""
        digest = blake2b(digest_size=8)
        for message in self.messages:
            digest.update(b"%d %d %d " % (message.partition, message.offset, message.appended_ms))
            digest.update(message.value or b"")
        return digest.hexdigest()


def cut(messages: Sequence[Message], batch_records: int) -> tuple[list[Sequence[Message]], Sequence[Message]]:
    """Cut the messages of one partition at the multiples of `batch_records`; return full batches and the rest.

    A batch is full when its last offset or any later one has been seen: compaction leaves gaps.
    """
    full: list[Sequence[Message]] = []
    while (
        messages and (boundary := (messages[0].offset // batch_records + 1) * batch_records) <= messages[-1].offset + 1
    ):
        end = bisect_left(messages, boundary, key=_offset)
        full.append(messages[:end])
        messages = messages[end:]
    return full, messages


def _offset(message: Message) -> int:
    return message.offset


def rows_by_table(batch: Batch) -> dict[Table, list[Row]]:
    """Read a batch into rows; raises UnreadableTopicError when more than half of a larger batch is unreadable."""
    rows: dict[Table, list[Row]] = {}
    for message in batch.messages:
        table, row = read_row(batch.topic, message)
        rows.setdefault(table, []).append(row)
    unreadable = rows.get(QUARANTINE, [])
    if len(batch.messages) >= _SUSPICIOUS_FROM and 2 * len(unreadable) > len(batch.messages):
        topic, partition, offset = unreadable[0][:3]
        raise UnreadableTopicError(
            f"expected records of {batch.topic} in topic {topic}, but {len(unreadable)} of {len(batch.messages)} messages "
            f"are unreadable, the first in partition {partition} at offset {offset}; is the topic prefix right, and was "
            "everything that writes there upgraded before this sink?"
        )
    return rows


def columns_of(table: Table, rows: Iterable[Row]) -> list[tuple[object, ...]]:
    """Turn rows into columns in the order of the table."""
    columns: list[tuple[object, ...]] = list(zip(*rows, strict=True))
    assert len(columns) == len(table.columns), f"{table.name}: {len(columns)} values for {len(table.columns)} columns"
    return columns


def deduplication_token(table: Table, batch: Batch) -> str:
    """Name the insert of a batch into a table, the same whenever the same rows are inserted again."""
    spans = "+".join(f"{topic}/{partition}/{first}-{last}" for (topic, partition), (first, last) in batch.spans.items())
    return f"{table.name}/{SCHEMA_VERSION}/{spans}/{batch.digest}"
