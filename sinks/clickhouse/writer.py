"""Write batches into the tables: the step between a pure batch and the open database."""

from collections import Counter
from typing import Protocol

from sinks.clickhouse.batches import Batch, blocks_by_table, deduplication_token
from sinks.clickhouse.driver import Database
from sinks.clickhouse.tables import QUARANTINE


class Writer(Protocol):
    """Something that makes a batch durable, or raises; writing a batch twice must be the same as once."""

    def write(self, batch: Batch) -> int:
        """Write a batch and return how many of its messages could not be read."""


class DatabaseWriter:
    """Writes batches into ClickHouse, one insert a table."""

    def __init__(self, database: Database) -> None:
        # By table, since the start; may be read by any thread.
        self.rows: Counter[str] = Counter()
        self.inserts: Counter[str] = Counter()
        self._database = database

    def write(self, batch: Batch) -> int:
        """Insert the messages of a batch; returns how many of its messages went to quarantine.

        Raises UnreadableTopicError, and what the driver raises. A batch that was written in part can be written again.
        """
        blocks = blocks_by_table(batch)
        for table, block in blocks.items():
            self._database.insert_block(table, block, deduplication_token(table, batch))
            if len(block):
                self.rows[table.name] += len(block)
                self.inserts[table.name] += 1
        return len(blocks[QUARANTINE]) if QUARANTINE in blocks else 0
