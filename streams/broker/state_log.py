"""State in a compacted topic: snapshots that hold what changed, and how the whole is found again.

A snapshot at an offset has chunks (a MessagePack map of keys to values, nil for an entry that is gone) and, written last, a
seal, under keys `SCOPE/OFFSET/WRITER/NUMBER` and `.../seal`. What was not written to its end has no seal and is never read.
A snapshot costs in proportion to what changed: it holds the entries that changed since the one before, and one of 32
shares of all others, in turn. So any 32 in a row hold every entry, and in order they give the state:

    share     ... 29 30 31 0 1 2 ... 29 30 31 0 1
                           |------------------ the chain of the last one

A seal names the snapshot before it and how many belong to its chain, fewer in the beginning, when the first holds all there
is. A reader takes the newest snapshot whose chain is whole. The share of an entry is a hash of its key, so a new owner goes
on where the last one stopped. No snapshot looks at all keys: what it costs does not depend on how many there are, but for
its share.

A writer is one ownership of a partition. Two of them (one frozen, declared dead and woken up) never mix: keys differ, and
each chain is read by itself. State at an offset is a function of the log, so any whole chain is right. A writer deletes
only what neither its last snapshot nor the one before needs: at any time some chain is whole, whoever dies where.
"""

from collections import deque
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple, Protocol
from zlib import crc32

import msgspec

from streams.partition import PART_MARK, SavedState

SHARES = 32
CHUNK_BYTES = 512 * 1024
SEAL_PART = "seal"
OFFSET_DIGITS = 20


class Mark(NamedTuple):
    """A snapshot's name within its scope: it holds every record below `next_offset`."""

    next_offset: int
    writer: str


class Seal(msgspec.Struct, frozen=True):
    """The last record of a snapshot; `share` is the one it holds, `chain` the number of snapshots that give its state.

    `head` is what every snapshot holds whole, in MessagePack. `digest` is that of all else: see `digest_of`.
    """

    chunks: int
    digest: int
    previous: Mark | None
    chain: int
    share: int
    head: bytes


_encode = msgspec.msgpack.Encoder().encode


def digest_of(mark: Mark, seal: Seal, chunks: int) -> int:
    """Return the digest of a snapshot: of its chunks, which is given, its name, and all that its seal says."""
    return crc32(_encode((mark, msgspec.structs.replace(seal, digest=0))), chunks)


class StateRecord(NamedTuple):
    """One record of the state topic."""

    key: bytes
    value: bytes


@dataclass(frozen=True, slots=True)
class Snapshot:
    """What a snapshot is to hold, taken at one moment; the seal still lacks chunks and digest.

    Its predecessor needs nothing below the offset `keep_from`.
    """

    mark: Mark
    entries: Mapping[str, bytes | None]
    seal: Seal
    keep_from: int


@dataclass(frozen=True, slots=True)
class LoadedState:
    """State as it was found, and the chain of snapshots that gave it, the newest last."""

    seal: Seal
    state: SavedState
    chain: list[Mark]

    @property
    def next_offset(self) -> int:
        """Return the offset below which the state holds every record."""
        return self.chain[-1].next_offset


class StateSource(Protocol):
    """What a snapshot is taken of; a PartitionDecider."""

    @property
    def parts(self) -> Sequence[str]:
        """Return the names of all parts that an entry may have, under its key and `//`."""

    def head(self) -> dict[str, Any]:
        """Return what is written whole every time."""

    def changes(self) -> Mapping[str, bytes | None]:
        """Return what changed since this was last asked."""

    def entry(self, key: str) -> bytes | None:
        """Return an entry as it is now."""


def record_key(scope: str, mark: Mark, part: str) -> bytes:
    """Return the key of a chunk (six digits) or of the seal."""
    return f"{scope}/{mark.next_offset:0{OFFSET_DIGITS}d}/{mark.writer}/{part}".encode()


class SnapshotChain:
    """The snapshots of one scope by one writer: what the next one holds, and what it makes superfluous."""

    def __init__(self, scope: str, writer: str, loaded: LoadedState | None = None) -> None:
        """Go on after what was loaded; `writer`, small letters and digits, must never have been used for the scope."""
        self.scope = scope
        self._writer = writer
        self._chain = deque(loaded.chain if loaded else (), maxlen=SHARES)
        self._next_share = (loaded.seal.share + 1) % SHARES if loaded else 0
        # The keys of entries by their share. A key may stand there twice, or be gone: its share's turn tells.
        self._shares: list[list[str]] = [[] for _ in range(SHARES)]
        self._add_to_shares(loaded.state.entries if loaded else ())
        self._records: dict[Mark, list[bytes]] = {}

    def note(self, records: Mapping[Mark, list[bytes]]) -> None:
        """Take the keys of records that stand in the topic, so that they are deleted in their time."""
        for mark, keys in records.items():
            self._records.setdefault(mark, []).extend(keys)

    def collect(self, next_offset: int, source: StateSource) -> Snapshot:
        """Take a snapshot of the source as it is now; quick, only the head is encoded. The source may go on at once.

        `next_offset` must be higher than that of the snapshot before.
        """
        mark = Mark(next_offset, self._writer)
        previous = self._chain[-1] if self._chain else None
        assert previous is None or mark.next_offset > previous.next_offset, "a snapshot holds more than the one before"
        keep_from = self._chain[0].next_offset if self._chain else 0
        self._chain.append(mark)
        share, self._next_share = self._next_share, (self._next_share + 1) % SHARES
        head, entries = _encode(source.head()), dict(source.changes())
        self._add_to_shares(entries)
        entries |= self._take_share(share, source)
        return Snapshot(mark, entries, Seal(0, 0, previous, len(self._chain), share, head), keep_from)

    def _add_to_shares(self, keys: Iterable[str]) -> None:
        for key in keys:
            if PART_MARK not in key:
                self._shares[crc32(key.encode()) % SHARES].append(key)

    def _take_share(self, share: int, source: StateSource) -> dict[str, bytes]:
        """Return the entries of a share with their parts, as they are now; only their keys stay in the share."""
        names = [PART_MARK + name for name in source.parts]
        entries: dict[str, bytes] = {}
        kept: list[str] = []
        for key in dict.fromkeys(self._shares[share]):
            value = source.entry(key)
            if value is None:
                continue
            kept.append(key)
            entries[key] = value
            for name in names:
                if (part := source.entry(key + name)) is not None:
                    entries[key + name] = part
        self._shares[share] = kept
        return entries

    def records(self, snapshot: Snapshot) -> Iterator[StateRecord]:
        """Yield the records of a snapshot, the seal last: it may be written when all others are acknowledged."""
        digest, count = 0, 0
        for chunk in _chunks(snapshot.entries):
            digest = crc32(chunk, digest)
            yield self._noted(snapshot.mark, f"{count:06d}", chunk)
            count += 1
        seal = msgspec.structs.replace(snapshot.seal, chunks=count)
        seal = msgspec.structs.replace(seal, digest=digest_of(snapshot.mark, seal, digest))
        yield self._noted(snapshot.mark, SEAL_PART, _encode(seal))

    def _noted(self, mark: Mark, part: str, value: bytes) -> StateRecord:
        key = record_key(self.scope, mark, part)
        self._records.setdefault(mark, []).append(key)
        return StateRecord(key, value)

    def superfluous(self, written: Snapshot) -> list[bytes]:
        """Return the keys to delete once `written` is sealed, and forget them: what its predecessor did not need either."""
        old = sorted(mark for mark in self._records if mark.next_offset < written.keep_from)
        return [key for mark in old for key in self._records.pop(mark)]


def _chunks(entries: Mapping[str, bytes | None]) -> Iterator[bytes]:
    part: dict[str, bytes | None] = {}
    size_bytes = 0
    for key, value in entries.items():
        entry_bytes = len(key) + len(value or b"") + 8
        if part and size_bytes + entry_bytes > CHUNK_BYTES:
            yield _encode(part)
            part, size_bytes = {}, 0
        part[key] = value
        size_bytes += entry_bytes
    if part:
        yield _encode(part)
