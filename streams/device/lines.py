"""Lines of a file or pipe, from where the last run stopped, as they come."""

import hashlib
import json
import os
import select
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

from streams.device.errors import RecordError
from streams.device.spool import Place

LARGEST_LINE_BYTES: Final = 256 * 1024
_CHUNK_BYTES: Final = 256 * 1024
_HEAD_BYTES: Final = 1024


@dataclass(slots=True)
class Cutter:
    """Cuts bytes into lines; of one that is too long the beginning alone is kept, so that it is seen to be wrong."""

    rest: bytearray = field(default_factory=bytearray)
    left_out: int = 0

    def feed(self, chunk: bytes) -> list[tuple[bytes, int]]:
        """Return the lines that are whole now, without their ends, and how many bytes each took."""
        lines = []
        *whole, tail = chunk.split(b"\n")
        for each in whole:
            self._keep(each)
            lines.append((bytes(self.rest), len(self.rest) + self.left_out + 1))
            self.rest.clear()
            self.left_out = 0
        self._keep(tail)
        return lines

    def end(self) -> list[tuple[bytes, int]]:
        """Return the last line, where it has no end."""
        size = len(self.rest) + self.left_out
        return [(bytes(self.rest), size)] if size else []

    def _keep(self, part: bytes) -> None:
        room = LARGEST_LINE_BYTES + 1 - len(self.rest)
        self.rest += part[:room]
        self.left_out += max(0, len(part) - room)


def parse_line(line: bytes) -> tuple[str, dict[str, Any]]:
    """Read one line: an object with `kind` and fields. Raises RecordError."""
    if len(line) > LARGEST_LINE_BYTES:
        raise RecordError("", f"expected at most {LARGEST_LINE_BYTES} bytes")
    try:
        document = json.loads(line.decode("utf-8"), object_pairs_hook=_once)
    except (ValueError, RecursionError):
        raise RecordError("", "expected one JSON object in UTF-8, every key once") from None
    if not isinstance(document, dict):
        raise RecordError("", "expected one JSON object, not another JSON value")
    kind = document.pop("kind", None)
    if not isinstance(kind, str):
        raise RecordError("kind", "expected a word of small letters, like temperature_taken")
    return kind, document


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    document = dict(pairs)
    if len(document) != len(pairs):
        raise ValueError
    return document


class Tail:
    """A file that is read on from a place, and anew where another stands under its name, or it was cut."""

    def __init__(self, path: Path, place_in: Callable[[str], Place | None]) -> None:
        self.name = str(path.resolve())
        self._path = path
        self._descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
        self.offset = self._known(place_in(self.name))

    def read(self) -> bytes:
        """Return what comes next; nothing at the end."""
        return os.pread(self._descriptor, _CHUNK_BYTES, self.offset)

    def place(self, offset: int) -> Place:
        """Return the place at an offset."""
        size = min(offset, _HEAD_BYTES)
        return Place(self.name, size, self._head(size), offset)

    def was_replaced(self) -> bool:
        """Tell, at the end, whether the file is another one now; then it is read from its beginning. Raises OSError."""
        try:
            named = self._path.stat()
        except OSError:
            return False
        own = os.fstat(self._descriptor)
        if (named.st_dev, named.st_ino) == (own.st_dev, own.st_ino) and named.st_size >= self.offset:
            return False
        another = os.open(self._path, os.O_RDONLY | os.O_CLOEXEC)
        self.close()
        self._descriptor, self.offset = another, 0
        return True

    def close(self) -> None:
        """Close the file."""
        os.close(self._descriptor)

    def _known(self, place: Place | None) -> int:
        if place is None or place.offset > os.fstat(self._descriptor).st_size:
            return 0
        return place.offset if self._head(place.head_bytes) == place.head else 0

    def _head(self, size: int) -> str:
        return hashlib.sha256(os.pread(self._descriptor, size, 0)).hexdigest()


def read_pipe(descriptor: int, seconds: float) -> bytes | None:
    """Return what a pipe brings, nothing at its end, None where nothing came within the time."""
    ready, _, _ = select.select([descriptor], [], [], seconds)
    return os.read(descriptor, _CHUNK_BYTES) if ready else None
