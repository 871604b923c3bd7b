"""The bytes of an insert read back into rows, as a server would: ClickHouse's format Native, for the types of our tables."""

import struct
from collections.abc import Callable
from datetime import date, timedelta
from typing import Any

Row = tuple[Any, ...]

_FIRST_DAY = date(1970, 1, 1)
_FIXED = {"UInt32": "I", "UInt64": "Q", "Float64": "d", "Date32": "i"}


class _Bytes:
    """Bytes read from the front."""

    def __init__(self, data: bytes) -> None:
        self._data = data
        self._at = 0

    def take(self, size: int) -> bytes:
        begin, self._at = self._at, self._at + size
        assert self._at <= len(self._data), "the block ends too soon"
        return self._data[begin : self._at]

    def varint(self) -> int:
        number, shift = 0, 0
        while True:
            byte = self.take(1)[0]
            number |= (byte & 0x7F) << shift
            if byte < 0x80:
                return number
            shift += 7

    def text(self) -> str:
        return self.take(self.varint()).decode()

    def numbers(self, code: str, count: int) -> list[Any]:
        layout = f"<{count}{code}"
        return list(struct.unpack(layout, self.take(struct.calcsize(layout))))

    @property
    def is_empty(self) -> bool:
        return self._at == len(self._data)


def read_block(data: bytes) -> tuple[list[str], list[Row]]:
    """Return the names of the columns and the rows: instants as whole units since 1970, words and texts as text."""
    given = _Bytes(data)
    columns_count, rows_count = given.varint(), given.varint()
    names, columns = [], []
    for _ in range(columns_count):
        names.append(given.text())
        columns.append(_reader(given.text())(given, rows_count))
    assert given.is_empty, "the block goes on after its last column"
    return names, list(zip(*columns, strict=True))


def _reader(type_name: str) -> Callable[[_Bytes, int], list[Any]]:
    if type_name in _FIXED:
        code = _FIXED[type_name]
        if type_name == "Date32":
            return lambda given, count: [_FIRST_DAY + timedelta(days=n) for n in given.numbers(code, count)]
        return lambda given, count: given.numbers(code, count)
    if type_name.startswith("DateTime64("):
        return lambda given, count: given.numbers("q", count)
    if type_name == "String":
        return lambda given, count: [given.text() for _ in range(count)]
    if type_name == "LowCardinality(String)":
        return _words
    if type_name == "Array(String)":
        return _texts
    assert type_name.startswith("Nullable("), f"no reader of {type_name}"
    return _nullable(_reader(type_name.removeprefix("Nullable(")[:-1]))


def _words(given: _Bytes, count: int) -> list[str]:
    version, flags, size = given.numbers("Q", 3)
    assert version == 1
    assert flags & ~0xFF == 1 << 9 | 1 << 10, "the dictionary is to come with the block"
    words = [given.text() for _ in range(size)]
    assert given.numbers("Q", 1) == [count]
    return [words[number] for number in given.numbers("BHIQ"[flags & 0xFF], count)]


def _texts(given: _Bytes, count: int) -> list[list[str]]:
    ends = given.numbers("Q", count)
    starts = [0, *ends[:-1]]
    return [[given.text() for _ in range(end - start)] for start, end in zip(starts, ends, strict=True)]


def _nullable(read: Callable[[_Bytes, int], list[Any]]) -> Callable[[_Bytes, int], list[Any]]:
    def nullable(given: _Bytes, count: int) -> list[Any]:
        nulls = given.numbers("B", count)
        return [None if is_null else value for is_null, value in zip(nulls, read(given, count), strict=True)]

    return nullable
