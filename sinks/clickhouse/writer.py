"""Write batches into the tables: the step between a pure batch and the open database."""

from typing import Protocol

from sinks.clickhouse.batches import Batch, columns_of, deduplication_token, rows_by_table
from sinks.clickhouse.driver import Database


class Writer(Protocol):
    """Something that makes a batch durable, or raises; writing a batch twice must be the same as once."""

    def write(self, batch: Batch) -> int:
        """Write a batch and return how many of its messages could not be read."""


class DatabaseWriter:
    """Writes batches into ClickHouse, one insert a table."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def write(self, batch: Batch) -> int:
        """Insert the rows of a batch; returns how many of its messages went to quarantine.

        Raises UnreadableTopicError, and what the driver raises. A batch that was written in part can be written again.
        """
        rows = rows_by_table(batch)
        for table, table_rows in rows.items():
            self._database.insert(table, columns_of(table, table_rows), deduplication_token(table, batch))
        return sum(len(table_rows) for table, table_rows in rows.items() if table.name == "quarantine")
