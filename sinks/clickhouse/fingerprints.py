"""Fingerprints of rows: the same 64 bits from a message in Python and from its row in ClickHouse.

A row is written as text, its columns one after the other with a control character between them that none of them holds
(JSON and our identifiers have none), and of that the first eight bytes of the MD5 are taken: both sides have it, and here
it guards against loss and mistakes, not against forgers. All columns count but topic, partition and `appended_at`; the
offset counts where it is the row's identity, and not where a later message may replace a row.

    Float64   its bits as an integer     DateTime64   whole units since 1970     Date32   days since 1970
    Nullable  empty for null             Array        its items with another control character between them
"""

import hashlib
import struct
from collections.abc import Callable, Iterator, Sequence
from datetime import date
from typing import Any

from sinks.clickhouse.columns import read_columns
from sinks.clickhouse.runs import Run
from sinks.clickhouse.tables import ALERTS, CHECKS, DEAD_LETTERS, QUARANTINE, TIMELINE, Columns, Table

_BETWEEN_COLUMNS, _BETWEEN_ITEMS = 31, 30
_COLUMNS_JOINED, _ITEMS_JOINED = chr(_BETWEEN_COLUMNS).join, chr(_BETWEEN_ITEMS).join
_DAYS_BEFORE = date(1970, 1, 1).toordinal()
_POSITION = ("topic", "partition", "offset", "appended_at")
# The table of each topic of the sink.
TABLE_OF = {"timeline": TIMELINE, "checks": CHECKS, "alerts": ALERTS, "dead-letters": DEAD_LETTERS}
# Its rows are known by their offsets alone; elsewhere the same message may come again and replace the row.
_BY_OFFSET = (TIMELINE,)

_Texts = Callable[[Sequence[Any]], list[str]]


def may_repeat(topic: str) -> bool:
    """Tell whether a message of a topic may come again and take the place of its row."""
    return TABLE_OF[topic] not in _BY_OFFSET


def fingerprints(topic: str, run: Run) -> list[int]:
    """Return the fingerprints of messages in their order, as the sink writes them, to quarantine where it cannot read them.

    `topic` is the name in the catalogue.
    """
    tables = read_columns(topic, [run])
    if QUARANTINE not in tables:
        return [found for table, columns in tables.items() for found in _hashes(table, columns)]
    by_offset: dict[int, int] = {}
    for table, columns in tables.items():
        by_offset.update(zip(columns[2], _hashes(table, columns), strict=True))
    return [by_offset[offset] for offset in run.offsets]


def fingerprint_sql(table: Table) -> str:
    """Return the expression that gives the fingerprint of a row."""
    texts = ", ".join(_sql(name, kind) for name, kind in _hashed(table))
    return f"halfMD5(concatWithSeparator(char({_BETWEEN_COLUMNS}), {texts}))"


def _hashed(table: Table) -> list[tuple[str, str]]:
    named = [(name, kind) for name, kind in table.columns.items() if name not in _POSITION]
    # Two columns at least: what is joined must be the same in both, also where there is nothing to join.
    return [("offset", table.columns["offset"]), *named] if table in _BY_OFFSET else named


def _hashes(table: Table, columns: Columns) -> Iterator[int]:
    by_name = dict(zip(table.columns, columns, strict=True))
    texts = [_texts_of(name, kind)(by_name[name]) for name, kind in _hashed(table)]
    md5, first_eight = hashlib.md5, int.from_bytes
    for row in map(_COLUMNS_JOINED, zip(*texts, strict=True)):
        yield first_eight(md5(row.encode(), usedforsecurity=False).digest()[:8], "big")


def _texts_of(name: str, kind: str) -> _Texts:
    if name == "record":
        return lambda lines: [line.decode() for line in lines]
    if "Float64" in kind:
        return _bits
    if "Date32" in kind:
        return lambda days: [str(day.toordinal() - _DAYS_BEFORE) for day in days]
    if "Array" in kind:
        return lambda lists: list(map(_ITEMS_JOINED, lists))
    if "Nullable" in kind:
        return lambda values: ["" if value is None else str(value) for value in values]
    if "String" in kind:
        return list
    return lambda numbers: list(map(str, numbers))


def _bits(numbers: Sequence[float]) -> list[str]:
    return list(map(str, struct.unpack(f"<{len(numbers)}q", struct.pack(f"<{len(numbers)}d", *numbers))))


def _sql(name: str, kind: str) -> str:
    if "DateTime64" in kind:
        units = "toUnixTimestamp64Milli" if "DateTime64(3" in kind else "toUnixTimestamp64Micro"
        text = f"toString({units}(assumeNotNull({name})))" if "Nullable" in kind else f"toString({units}({name}))"
        return f"if(isNull({name}), '', {text})" if "Nullable" in kind else text
    if "Float64" in kind:
        return f"toString(reinterpretAsInt64({name}))"
    if "Date32" in kind:
        return f"toString(toInt32({name}))"
    if "Array" in kind:
        return f"arrayStringConcat({name}, char({_BETWEEN_ITEMS}))"
    return f"toString({name})"
