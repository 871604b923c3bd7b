"""Rows on their way into ClickHouse: column by column, in its format Native, one block an insert.

The client's own `insert` takes whole columns as Python lists. Of a large batch every value is then fetched from memory
twice more, long after it was decoded, which takes longer than all else an insert does in Python. Here a few hundred rows
are written at a time, while they are at hand.

Values are written by the client's types, except words (LowCardinality): those are numbered as they come.
"""

import sys
from array import array
from collections.abc import Generator, Iterator, Mapping, Sequence
from typing import Any, Protocol

from clickhouse_connect.datatypes.base import ClickHouseType
from clickhouse_connect.datatypes.registry import get_from_name
from clickhouse_connect.driver.insert import InsertContext

# As ClickHouse has it: one dictionary a block, and it comes with the block.
_DICTIONARY_VERSION, _DICTIONARY_COMES_ALONG = 1, 1 << 9 | 1 << 10


class _Column(Protocol):
    def add(self, values: Sequence[Any]) -> None: ...

    def chunks(self) -> Iterator[bytes]: ...


class Block:
    """Rows of one table; `types` are the types of its columns by name, in the order in which they come."""

    def __init__(self, types: Mapping[str, str]) -> None:
        self._types = types
        self._columns = [_column(type_name) for type_name in types.values()]
        self._rows = 0

    def __len__(self) -> int:
        return self._rows

    def add(self, columns: Sequence[Sequence[Any]]) -> None:
        """Add rows given column by column."""
        rows = len(columns[0])
        for column, values in zip(self._columns, columns, strict=True):
            assert len(values) == rows, "columns of several lengths"
            column.add(values)
        self._rows += rows

    def chunks(self) -> Generator[bytes, None, None]:
        """Return what is sent, in pieces."""
        yield _varint(len(self._columns)) + _varint(self._rows)
        for (name, type_name), column in zip(self._types.items(), self._columns, strict=True):
            yield _text(name) + _text(type_name)
            yield from column.chunks()


class _Values:
    """Values that are written one behind the other."""

    def __init__(self, column_type: ClickHouseType, context: InsertContext) -> None:
        self._type = column_type
        self._context = context
        self._written = bytearray()

    def add(self, values: Sequence[Any]) -> None:
        self._type.write_column_data(values, self._written, self._context)

    def chunks(self) -> Iterator[bytes]:
        yield bytes(self._written)


class _Whole(_Values):
    """Values of a type of which something of all of them stands before the first: null or not, lengths."""

    def __init__(self, column_type: ClickHouseType, context: InsertContext) -> None:
        super().__init__(column_type, context)
        self._values: list[Any] = []

    def add(self, values: Sequence[Any]) -> None:
        self._values += values

    def chunks(self) -> Iterator[bytes]:
        written = bytearray()
        self._type.write_column(self._values, written, self._context)
        yield bytes(written)


class _Numbers(dict[str, int]):
    """Each word's number, counted from 0 in the order in which they come."""

    def __missing__(self, word: str) -> int:
        number = self[word] = len(self)
        return number


class _Words:
    """Words that repeat: every one once, and a number for each row."""

    def __init__(self, column_type: ClickHouseType, context: InsertContext) -> None:
        self._type = column_type
        self._context = context
        self._numbers = _Numbers()
        self._rows: list[int] = []

    def add(self, values: Sequence[str]) -> None:
        self._rows.extend(map(self._numbers.__getitem__, values))

    def chunks(self) -> Iterator[bytes]:
        words = bytearray()
        width, code = next(
            (width, code) for width, code in enumerate("BHI") if len(self._numbers) <= 256 ** (1 << width)
        )
        yield _uint64s(_DICTIONARY_VERSION, _DICTIONARY_COMES_ALONG | width, len(self._numbers))
        self._type.write_column_data(list(self._numbers), words, self._context)
        yield bytes(words)
        yield _uint64s(len(self._rows))
        yield _little_endian(array(code, self._rows))


def _column(type_name: str) -> _Column:
    context = InsertContext("", (), ())
    if type_name == "LowCardinality(String)":
        return _Words(get_from_name("String"), context)
    column_type = get_from_name(type_name)
    if type_name.startswith(("Nullable(", "Array(")):
        return _Whole(column_type, context)
    return _Values(column_type, context)


def _varint(number: int) -> bytes:
    written = bytearray()
    while number > 0x7F:
        written.append(number & 0x7F | 0x80)
        number >>= 7
    written.append(number)
    return bytes(written)


def _text(text: str) -> bytes:
    encoded = text.encode()
    return _varint(len(encoded)) + encoded


def _uint64s(*numbers: int) -> bytes:
    return _little_endian(array("Q", numbers))


def _little_endian(numbers: "array[int]") -> bytes:
    if sys.byteorder == "big":
        numbers.byteswap()
    return numbers.tobytes()
