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

from array import array
from bisect import bisect_left
from dataclasses import dataclass
from functools import cached_property
from hashlib import blake2b

from sinks.clickhouse.columns import read_blocks, read_columns
from sinks.clickhouse.native import Block
from sinks.clickhouse.runs import Place, Run
from sinks.clickhouse.tables import QUARANTINE, Table

SCHEMA_VERSION = 1
_SUSPICIOUS_FROM = 20
# So many messages are joined to be digested at once: few calls, and what was joined is still at hand.
_JOINED = 256


class UnreadableTopicError(Exception):
    """Most of a batch cannot be read: the topic does not hold what its name says."""


@dataclass(frozen=True)
class Batch:
    """Messages of one topic of the catalogue that are inserted together: a run of one message or more a partition."""

    topic: str
    runs: tuple[Run, ...]

    def __len__(self) -> int:
        return sum(map(len, self.runs))

    @property
    def size_bytes(self) -> int:
        """How many bytes the messages have together."""
        return sum(run.size_bytes for run in self.runs)

    @property
    def spans(self) -> dict[Place, tuple[int, int]]:
        """First and last offset by topic (with its prefix) and partition."""
        return {run.place: (run.offsets[0], run.offsets[-1]) for run in self.runs}

    @cached_property
    def digest(self) -> str:
        """Digest of positions and bytes: equal digests mean equal rows."""
        digest = blake2b(digest_size=8)
        for run in self.runs:
            lengths = [-1 if value is None else len(value) for value in run.values]
            digest.update(b"%d %d " % (run.partition, len(run)))
            for numbers in (run.offsets, run.appended_ms, lengths):
                digest.update(array("q", numbers).tobytes())
            for start in range(0, len(run), _JOINED):
                digest.update(b"".join(filter(None, run.values[start : start + _JOINED])))
        return digest.hexdigest()


def cut(run: Run, batch_records: int) -> tuple[list[Run], Run]:
    """Cut the messages of one partition at the multiples of `batch_records`; return full batches and the rest.

    A batch is full when its last offset or any later one has been seen: compaction leaves gaps.
    """
    full: list[Run] = []
    start, offsets = 0, run.offsets
    while start < len(offsets):
        boundary = (offsets[start] // batch_records + 1) * batch_records
        if boundary > offsets[-1] + 1:
            break
        end = bisect_left(offsets, boundary, start)
        full.append(run.part(start, end))
        start = end
    return full, run.part(start, len(offsets)) if full else run


def blocks_by_table(batch: Batch) -> dict[Table, Block]:
    """Read a batch into blocks; raises UnreadableTopicError when more than half of a larger batch is unreadable."""
    blocks = read_blocks(batch.topic, batch.runs)
    unreadable = len(blocks[QUARANTINE]) if QUARANTINE in blocks else 0
    if len(batch) >= _SUSPICIOUS_FROM and 2 * unreadable > len(batch):
        topic, partition, offset = (column[0] for column in read_columns(batch.topic, batch.runs)[QUARANTINE][:3])
        raise UnreadableTopicError(
            f"expected records of {batch.topic} in topic {topic}, but {unreadable} of {len(batch)} messages "
            f"are unreadable, the first in partition {partition} at offset {offset}; is the topic prefix right, and was "
            "everything that writes there upgraded before this sink?"
        )
    return blocks


def deduplication_token(table: Table, batch: Batch) -> str:
    """Name the insert of a batch into a table, the same whenever the same rows are inserted again."""
    spans = "+".join(f"{topic}/{partition}/{first}-{last}" for (topic, partition), (first, last) in batch.spans.items())
    return f"{table.name}/{SCHEMA_VERSION}/{spans}/{batch.digest}"
