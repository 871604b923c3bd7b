"""Finding state again among the records of a state topic; what they are stands in `state_log`."""

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import Any
from zlib import crc32

import msgspec

from streams.broker.state_log import OFFSET_DIGITS, SEAL_PART, LoadedState, Mark, Seal, digest_of, record_key
from streams.partition import SavedState

_KEY = re.compile(rf"(.+)/(\d{{{OFFSET_DIGITS}}})/([0-9a-z]+)/(\d{{6}}|{SEAL_PART})", re.ASCII)
_decode_chunk = msgspec.msgpack.Decoder(dict[str, bytes | None]).decode
_decode_head = msgspec.msgpack.Decoder(dict[str, Any]).decode
_decode_seal = msgspec.msgpack.Decoder(Seal).decode


@dataclass(slots=True)
class _Found:
    """What stands in the topic of one snapshot; `seal` is there as long as all is there that it seals."""

    seal: Seal | None = None
    chunks: dict[str, bytes] = field(default_factory=dict)
    parts: set[str] = field(default_factory=set)  # of all records, also of those whose value is no longer needed


def _parts_of(seal: Seal) -> Iterator[str]:
    return (f"{number:06d}" for number in range(seal.chunks))


class StateReader:
    """Gathers the records of a state topic in log order and finds the newest whole state of a scope."""

    def __init__(self) -> None:
        self._scopes: dict[str, dict[Mark, _Found]] = {}

    def add(self, key: bytes | None, value: bytes | None) -> None:
        """Take one record in log order; None as value is a tombstone. A key that is none of ours is passed over."""
        match = _KEY.fullmatch((key or b"").decode("utf-8", "replace"))
        if match is None:
            return
        scope, next_offset, writer, part = match.groups()
        snapshots = self._scopes.setdefault(scope, {})
        mark = Mark(int(next_offset), writer)
        found = snapshots.setdefault(mark, _Found())
        if value is None:
            _take_away(found, part)
            if not found.parts:
                del snapshots[mark]
            return
        found.parts.add(part)
        if part != SEAL_PART:
            if found.chunks.get(part) != value:  # what was sealed is another
                found.seal = None
            found.chunks[part] = value
        elif (seal := _as_sealed(mark, value, found)) is not None:
            found.seal = seal
            _let_go(snapshots, seal)

    def newest(self, scope: str) -> LoadedState | None:
        """Return the state at the highest offset whose snapshots are all there, or None where there is none.

        To be asked once for a scope: what it is made of is let go of.
        """
        snapshots = self._scopes.get(scope, {})
        for mark in sorted(snapshots, reverse=True):
            chain = _chain(snapshots, mark)
            if chain:
                seal = snapshots[mark].seal
                assert seal is not None
                entries = _entries(snapshots[each] for each in chain)
                return LoadedState(seal, SavedState(_decode_head(seal.head), entries), chain)
        return None

    def records(self, scope: str) -> dict[Mark, list[bytes]]:
        """Return the keys of all records of a scope by snapshot, whole or not."""
        return {
            mark: [record_key(scope, mark, part) for part in sorted(found.parts)]
            for mark, found in self._scopes.get(scope, {}).items()
        }


def _take_away(found: _Found, part: str) -> None:
    found.parts.discard(part)
    found.chunks.pop(part, None)
    found.seal = None


def _as_sealed(mark: Mark, value: bytes, found: _Found) -> Seal | None:
    try:
        seal = _decode_seal(value)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
        return None
    digest = 0
    for part in _parts_of(seal):
        chunk = found.chunks.get(part)
        if chunk is None:
            return None
        digest = crc32(chunk, digest)
    return seal if seal.digest == digest_of(mark, seal, digest) else None


def _let_go(snapshots: dict[Mark, _Found], seal: Seal) -> None:
    """Drop chunks that the snapshot before does not need either: they would be deleted now. Memory stays bounded."""
    chain = None if seal.previous is None else _chain(snapshots, seal.previous)
    if not chain:
        return
    for mark, found in snapshots.items():
        if mark.next_offset < chain[0].next_offset:
            found.seal = None
            found.chunks.clear()


def _chain(snapshots: dict[Mark, _Found], newest: Mark) -> list[Mark]:
    """Return the snapshots that give the state at `newest`, oldest first; none where one is missing or not whole."""
    chain: list[Mark] = []
    length = 1
    at: Mark | None = newest
    while len(chain) < length:
        found = None if at is None else snapshots.get(at)
        if at is None or found is None or found.seal is None:
            return []
        if not chain:
            length = found.seal.chain
        chain.append(at)
        at = found.seal.previous
    return chain[::-1]


def _entries(chain: Iterable[_Found]) -> dict[str, bytes]:
    entries: dict[str, bytes | None] = {}
    for chunk in _chunks(chain):
        entries.update(_decode_chunk(chunk))
    return {key: value for key, value in entries.items() if value is not None}


def _chunks(chain: Iterable[_Found]) -> Iterator[bytes]:
    for found in chain:
        assert found.seal is not None
        for part in _parts_of(found.seal):
            yield found.chunks.pop(part)  # its memory is needed for what is made of it
