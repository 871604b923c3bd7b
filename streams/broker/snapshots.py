"""Snapshots of state in a compacted topic: what a partition's state was at an offset, and how it is found again.

A snapshot is a document, compressed and cut into chunks under keys `SCOPE/OFFSET/CHUNK`; a last record, the seal, says how
many chunks there are and what their hash is, so a snapshot that was not written to its end is never taken for one. State
at an offset is a function of the log: two workers that write the same scope and offset write the same bytes, and whoever
comes late harms nobody. Older snapshots are deleted once a newer one is sealed, all but the one before.
"""

import hashlib
import json
import re
import zlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

CHUNK_BYTES = 512 * 1024
_SEAL = "seal"
_OFFSET_DIGITS = 20
_KEY = re.compile(rf"(.+)/(\d{{{_OFFSET_DIGITS}}})/(\d{{6}}|{_SEAL})", re.ASCII)


@dataclass(frozen=True, slots=True)
class Snapshot:
    """State of one scope that holds every record below `next_offset`."""

    next_offset: int
    document: dict[str, Any]


@dataclass(frozen=True, slots=True)
class SnapshotRecord:
    """One record of the snapshot topic."""

    key: bytes
    value: bytes


def seal_snapshot(scope: str, snapshot: Snapshot) -> Iterator[SnapshotRecord]:
    """Yield the records of a snapshot, the seal last."""
    packed = zlib.compress(json.dumps(snapshot.document, separators=(",", ":"), ensure_ascii=False).encode(), 1)
    chunks = [packed[start : start + CHUNK_BYTES] for start in range(0, len(packed), CHUNK_BYTES)]
    for number, chunk in enumerate(chunks):
        yield SnapshotRecord(_key(scope, snapshot.next_offset, f"{number:06d}"), chunk)
    seal = {"chunks": len(chunks), "sha256": hashlib.sha256(packed).hexdigest()}
    yield SnapshotRecord(_key(scope, snapshot.next_offset, _SEAL), json.dumps(seal).encode())


def _key(scope: str, next_offset: int, part: str) -> bytes:
    return f"{scope}/{next_offset:0{_OFFSET_DIGITS}d}/{part}".encode()


class SnapshotReader:
    """Gathers the records of a snapshot topic and finds the newest whole snapshot of a scope."""

    def __init__(self) -> None:
        self._parts: dict[str, dict[int, dict[str, bytes]]] = {}

    def add(self, key: bytes | None, value: bytes | None) -> None:
        """Take one record in log order; None as value is a tombstone. A key that is none of ours is passed over."""
        match = _KEY.fullmatch((key or b"").decode("utf-8", "replace"))
        if match is None:
            return
        scope, next_offset, part = match.groups()
        parts = self._parts.setdefault(scope, {}).setdefault(int(next_offset), {})
        if value is None:
            parts.pop(part, None)
        else:
            parts[part] = value

    def newest(self, scope: str, is_usable: Callable[[int], bool] = lambda _: True) -> Snapshot | None:
        """Return the whole snapshot of the highest offset, or None where there is none."""
        for next_offset, parts in sorted(self._parts.get(scope, {}).items(), reverse=True):
            packed = _whole(parts)
            if packed is not None and is_usable(next_offset):
                return Snapshot(next_offset, json.loads(zlib.decompress(packed)))
        return None

    def keys_before(self, scope: str, next_offset: int) -> dict[int, list[bytes]]:
        """Return the keys of older snapshots of a scope by their offset."""
        return {
            older: [_key(scope, older, part) for part in parts]
            for older, parts in sorted(self._parts.get(scope, {}).items())
            if older < next_offset and parts
        }


def _whole(parts: dict[str, bytes]) -> bytes | None:
    if _SEAL not in parts:
        return None
    try:
        seal = json.loads(parts[_SEAL])
        packed = b"".join(parts[f"{number:06d}"] for number in range(seal["chunks"]))
        is_as_sealed = hashlib.sha256(packed).hexdigest() == seal["sha256"]
    except (ValueError, KeyError, TypeError):
        return None
    return packed if is_as_sealed else None
