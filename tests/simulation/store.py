"""ClickHouse as the sink sees it: tables that replace rows of the same sorting key when their parts are merged.

Engine, partitioning, sorting key and the memory for insert tokens are those of the migration; what is inserted is read back
from the bytes. An insert makes a part of every month it has rows of, each with a token of its own: it may stop between two.
"""

import re
from collections import deque
from collections.abc import Generator, Iterable
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from importlib import resources
from random import Random
from typing import Any

from clickhouse_connect.driver.exceptions import DatabaseError, OperationalError

from tests.simulation.faults import Faults
from tests.simulation.loop import Killed, Process, World
from tests.simulation.native import Row, read_block
from tests.simulation.network import Network

_TOKENS_KEPT = 40  # of 1,000: so that they are forgotten in a short run too
_TOO_MANY_PARTS = 252
_HANGS_S = 120.0
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


@dataclass
class Table:
    """One table of ReplacingMergeTree."""

    name: str
    columns: list[str]
    sorting_key: list[str]
    version: str | None
    month_of: str | None
    parts: dict[str, list[list[Row]]] = field(default_factory=dict)  # by month, oldest first
    tokens: deque[str] = field(default_factory=lambda: deque(maxlen=_TOKENS_KEPT))

    def months(self, rows: Iterable[Row]) -> dict[str, list[Row]]:
        """Return rows by the month in whose parts they go."""
        found: dict[str, list[Row]] = {}
        for row in rows:
            found.setdefault(self._month(row), []).append(row)
        return found

    def _month(self, row: Row) -> str:
        if self.month_of is None:
            return ""
        value = row[self.columns.index(self.month_of)]
        day: date = value if isinstance(value, date) else (_EPOCH + timedelta(microseconds=value)).date()
        return f"{day:%Y-%m}"

    def insert(self, month: str, rows: list[Row], token: str) -> bool:
        """Add a part, unless its token is known."""
        if f"{token}/{month}" in self.tokens:
            return False
        self.tokens.append(f"{token}/{month}")
        self.parts.setdefault(month, []).append(rows)
        return True

    def merge(self, random: Random) -> None:
        """Merge some parts that lie beside each other."""
        for parts in self.parts.values():
            if len(parts) > 1:
                begin = random.randrange(len(parts) - 1)
                end = random.randint(begin + 2, len(parts))
                parts[begin:end] = [self._replaced(row for part in parts[begin:end] for row in part)]

    def rows(self) -> list[Row]:
        """Return all rows, merged or not."""
        return [row for parts in self.parts.values() for part in parts for row in part]

    def final(self) -> list[Row]:
        """Return the rows that remain when everything is merged."""
        return [row for parts in self.parts.values() for row in self._replaced(row for part in parts for row in part)]

    def _replaced(self, rows: Iterable[Row]) -> list[Row]:
        key = [self.columns.index(name) for name in self.sorting_key]
        version = None if self.version is None else self.columns.index(self.version)
        kept: dict[Row, Row] = {}
        for row in rows:
            identity = tuple(row[at] for at in key)
            former = kept.get(identity)
            if former is None or version is None or row[version] >= former[version]:
                kept[identity] = row
        return list(kept.values())


def tables() -> dict[str, Table]:
    """Make the tables of the migration, empty."""
    sql = resources.files("sinks.clickhouse").joinpath("migrations/0001_tables.sql").read_text("utf-8")
    found = {}
    for statement in sql.split("-- @next"):
        name, body = _matched(r"CREATE TABLE IF NOT EXISTS (\w+)\n\((.*?)\n\)\n", statement)
        (version,) = _matched(r"ENGINE = ReplacingMergeTree(?:\((\w+)\))?", statement)
        (key,) = _matched(r"ORDER BY \((.*?)\)", statement)
        month = re.search(r"PARTITION BY toYYYYMM\((\w+)\)", statement)
        columns = [line.split()[0] for line in body.strip().splitlines() if not line.strip().startswith("INDEX ")]
        found[name] = Table(name, columns, key.split(", "), version, None if month is None else month[1])
    return found


def _matched(pattern: str, text: str) -> tuple[Any, ...]:
    match = re.search(pattern, text, re.DOTALL)
    assert match is not None, pattern
    return match.groups()


class Store:
    """The database, and when it is out of reach."""

    def __init__(self, world: World, network: Network, faults: Faults) -> None:
        self.world = world
        self.network = network
        self.faults = faults
        self.tables = tables()
        self.down_until = 0.0

    def merge(self) -> None:
        """Merge here and there."""
        for table in self.tables.values():
            table.merge(self.world.random)

    def insert(self, who: str, name: str, month: str, rows: list[Row], token: str) -> None:
        """Add a part."""
        is_new = self.tables[name].insert(month, rows, token)
        if self.world.is_traced:
            self.world.note(who, f"inserted {len(rows)} rows into {name} {month}{'' if is_new else ', token known'}")


class Client:
    """The driver's connection from one process; its calls block."""

    write_compression = None
    server_version = "simulated"

    def __init__(self, process: Process, store: Store) -> None:
        self._process = process
        self._store = store

    def raw_insert(
        self,
        name: str,
        column_names: list[str],
        body: Generator[bytes, None, None],
        *,
        settings: dict[str, Any],
        fmt: str,
        compression: None,
    ) -> None:
        """Insert a block; raises OperationalError or DatabaseError, and Killed where the process dies."""
        assert (fmt, compression) == ("Native", None)
        names, rows = read_block(b"".join(body))
        table = self._store.tables[name]
        assert names == column_names == table.columns
        process, faults, network = self._process, self._store.faults, self._store.network
        if faults.strikes("crash before", "insert"):
            self._die("before insert")
        process.block(network.delay())
        if faults.strikes("insert refused"):
            raise DatabaseError("too many parts", code=_TOO_MANY_PARTS)
        if self._store.down_until > process.busy_until:
            raise OperationalError("no connection")
        months = list(table.months(rows).items())
        token = settings["insert_deduplication_token"]
        if faults.strikes("insert hangs"):
            self._arrive(months, name, token, process.busy_until + faults.random.uniform(0.0, 3 * _HANGS_S))
            process.block(_HANGS_S)
            raise OperationalError("no answer")
        if faults.strikes("insert unanswered"):
            self._arrive(months[: faults.random.randint(0, len(months))], name, token, process.busy_until)
            process.block(faults.seconds(0.1, _HANGS_S))
            raise OperationalError("the connection broke")
        self._arrive(months, name, token, process.busy_until)
        if faults.strikes("crash after", "insert"):
            self._die("after insert")
        process.block(network.delay())

    def _arrive(self, months: list[tuple[str, list[Row]]], name: str, token: str, at: float) -> None:
        for month, rows in months:
            self._store.world.at(at, self._store.insert, self._process.name, name, month, rows, token)

    def _die(self, when: str) -> None:
        self._store.network.kill(self._process, when)
        raise Killed
