"""The spool: records on disk, in order, until the gateway has them and for a while after.

A record gets its number when it is about to be sent for the first time: one higher for every record, in the order of
recording, on the disk before it leaves, and for good. No number is given before the gateway has said where to go on.
"""

import secrets
import sqlite3
import threading
import zlib
from collections.abc import Callable, Generator, Iterable, Iterator, Mapping, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from streams.device.errors import SpoolError, SpoolFullError, WrongKeyError
from streams.device.records import encode_body, with_sequence
from streams.device.spool_file import SpoolLock, free_bytes, meaning_of_errors, open_for_writing

# What one request can carry, and may have been under way when the spool was lost.
SKIPPED_AFTER_LOSS = 1000
DAMAGED = "damaged_in_spool"
_LET_GO = 200


@dataclass(frozen=True, slots=True)
class Keeping:
    """What stays on the disk: delivered records for back-fill, refused ones to be looked at, and room for the others.

    With less than 8 MiB of `free_bytes` a spool that filled its disk can no longer be emptied.
    """

    records: int = 10_000
    age: timedelta = timedelta(days=7)
    refused: int = 10_000
    free_bytes: int = 16 * 1024 * 1024


@dataclass(frozen=True, slots=True)
class Spooled:
    """A numbered record as it is sent."""

    position: int
    sequence: int
    line: bytes


@dataclass(frozen=True, slots=True)
class Refusal:
    """Why a record is refused; never what it holds."""

    record: Spooled
    reason: str
    path: str = ""
    message: str = ""


@dataclass(frozen=True, slots=True)
class Place:
    """How far a file was read: `head` is the hash of its first `head_bytes`, by which it is known again."""

    path: str
    head_bytes: int
    head: str
    offset: int


def _now() -> datetime:
    return datetime.now(UTC)


def _event_id() -> str:
    return secrets.token_hex(16)


class Spool:
    """One source's records in a file of SQLite; safe to use from several threads, never from two processes."""

    def __init__(
        self,
        path: Path,
        source_id: str,
        *,
        keeping: Keeping | None = None,
        clock: Callable[[], datetime] = _now,
        event_ids: Callable[[], str] = _event_id,
    ) -> None:
        # Two names of one file are one spool.
        path = path.resolve()
        self.path, self.source_id = path, source_id
        self._keeping, self._clock, self._event_ids = keeping or Keeping(), clock, event_ids
        self._turn = threading.RLock()
        self._lock = SpoolLock(path)
        try:
            self._connection = open_for_writing(path, clock())
        except BaseException:
            self._lock.release()
            raise
        self._is_open = True
        try:
            self._belong_to(source_id)
        except BaseException:
            self.close()
            raise

    @classmethod
    def open(cls, path: Path, source_id: str, *, keeping: Keeping | None = None) -> Self:
        """Open a spool or begin one; raises SpoolBusyError, SpoolError, and WrongKeyError where it is another source's."""
        return cls(path, source_id, keeping=keeping)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Close the file and let another process have it; does nothing the second time."""
        with self._turn:
            if self._is_open:
                self._is_open = False
                self._connection.close()
                self._lock.release()

    def record(self, kind: str, fields: Mapping[str, object]) -> str:
        """Put a record on the disk and return its event_id; once this returns no crash loses it.

        `occurred_at` is now where the fields have none. Raises RecordError, SpoolFullError, SpoolError.
        """
        return self.record_all([(kind, fields)])[0]

    def record_all(self, records: Sequence[tuple[str, Mapping[str, object]]], place: Place | None = None) -> list[str]:
        """Put records on the disk, all or none of them, and with them how far a file was read."""
        now = self._clock()
        event_ids = [self._event_ids() for _ in records]
        bodies = [
            encode_body(kind, fields, event_id=event_id, source_id=self.source_id, at=now)
            for (kind, fields), event_id in zip(records, event_ids, strict=True)
        ]
        with self._transaction() as connection:
            self._make_room(connection, sum(map(len, bodies)))
            connection.executemany(
                "INSERT INTO records (event_id, body, checksum, recorded_at) VALUES (?, ?, ?, ?)",
                [
                    (event_id, body, zlib.crc32(body), now.timestamp())
                    for event_id, body in zip(event_ids, bodies, strict=True)
                ],
            )
            if place is not None:
                connection.execute(
                    "REPLACE INTO files VALUES (?, ?, ?, ?)", (place.path, place.head_bytes, place.head, place.offset)
                )
        return event_ids

    def place_in(self, path: str) -> Place | None:
        """Return how far a file was read."""
        with self._reading() as connection:
            row = connection.execute("SELECT * FROM files WHERE path = ?", (path,)).fetchone()
        return None if row is None else Place(*row)

    def number_after(self, known_sequence: int) -> bool:
        """Go on behind the last number that the gateway knows, if it knows more than this spool; tells whether it did.

        It does where the spool is new, and its forerunner was lost, or where it went back in time with its disk. Then as
        many numbers are passed over as may still have been under way. They stay a hole at the gateway: that something was
        lost is to be seen. What waits under another number gets a new one; if it arrived before, its event_id tells.
        """
        with self._transaction() as connection:
            last = self._fact("last_sequence")
            if last is not None and last >= known_sequence:
                return False
            connection.execute("UPDATE records SET sequence = NULL WHERE delivered_at IS NULL AND sequence IS NOT NULL")
            self._set_fact("last_sequence", known_sequence + SKIPPED_AFTER_LOSS if known_sequence else 0)
            return known_sequence > 0

    def has_waiting(self) -> bool:
        """Tell whether any record is not delivered yet."""
        with self._reading() as connection:
            found = connection.execute("SELECT 1 FROM records WHERE delivered_at IS NULL LIMIT 1").fetchone()
        return found is not None

    def waiting(self, most_records: int, most_bytes: int) -> list[Spooled]:
        """Return the oldest records that are not delivered, as many as a request may have, and one at least.

        Those that have no number get the next ones, on the disk before anybody sees them. None is returned before
        `number_after` has said where to begin.
        """
        with self._turn:
            self._number_next(most_records, most_bytes)
            query = "delivered_at IS NULL AND sequence IS NOT NULL ORDER BY position"
            return self._sound([(query, ())], most_records, most_bytes)

    def kept(self, holes: Iterable[tuple[int, int]], most_records: int, most_bytes: int) -> list[Spooled]:
        """Return the first delivered records, by number, that fill holes (in order, apart) and are still here."""
        query = "delivered_at IS NOT NULL AND sequence BETWEEN ? AND ? ORDER BY sequence"
        return self._sound([(query, hole) for hole in holes], most_records, most_bytes)

    def lacking(self, first: int, last: int) -> int:
        """Return how many numbers of a hole are neither kept nor waiting nor refused here."""
        with self._reading() as connection:
            (held,) = connection.execute(
                "SELECT (SELECT count(*) FROM records WHERE sequence BETWEEN :first AND :last)"
                " + (SELECT count(*) FROM refused WHERE sequence BETWEEN :first AND :last)",
                {"first": first, "last": last},
            ).fetchone()
        return last - first + 1 - int(held)

    def settle(self, delivered: Iterable[Spooled], refused: Iterable[Refusal] = ()) -> None:
        """Take delivered records off the queue and put refused ones aside; leaves out what is too old or too much."""
        now = self._clock().timestamp()
        with self._transaction() as connection:
            connection.executemany(
                "UPDATE records SET delivered_at = ? WHERE position = ?", ((now, each.position) for each in delivered)
            )
            for each in refused:
                self._put_aside(connection, each, now)
            self._forget(connection, now)

    def note(self, **facts: object) -> None:
        """Keep facts for those who look at the spool from outside."""
        with self._transaction():
            for name, value in facts.items():
                self._set_fact(name, value)

    def _number_next(self, most_records: int, most_bytes: int) -> None:
        with self._transaction() as connection:
            last = self._fact("last_sequence")
            if last is None:
                return
            size, numbered = 0, list[tuple[int, int]]()
            query = (
                "SELECT position, sequence, length(body) FROM records"
                " WHERE delivered_at IS NULL ORDER BY position LIMIT ?"
            )
            for position, sequence, length in connection.execute(query, (most_records,)).fetchall():
                if size and size + length > most_bytes:
                    break
                size += length
                if sequence is None:
                    last += 1
                    numbered.append((last, position))
            connection.executemany("UPDATE records SET sequence = ? WHERE position = ?", numbered)
            if numbered:
                self._set_fact("last_sequence", last)

    def _sound(
        self, queries: Iterable[tuple[str, tuple[int, ...]]], most_records: int, most_bytes: int
    ) -> list[Spooled]:
        """Return records as they were written; damaged ones are put aside, and never sent."""
        found, damaged, size = list[Spooled](), list[Refusal](), 0
        with closing(self._rows(queries)) as rows:
            for position, sequence, body, checksum in rows:
                if not isinstance(body, bytes) or zlib.crc32(body) != checksum:
                    damaged.append(Refusal(Spooled(position, sequence, b""), DAMAGED, "", "the disk changed its bytes"))
                    continue
                record = Spooled(position, sequence, with_sequence(body, sequence))
                size += len(record.line) + 1
                if found and (len(found) >= most_records or size > most_bytes):
                    break
                found.append(record)
        if damaged:
            self.settle((), damaged)
        return found

    def _rows(
        self, queries: Iterable[tuple[str, tuple[int, ...]]]
    ) -> Generator[tuple[int, int, object, int], None, None]:
        for where, values in queries:
            with self._reading() as connection:
                query = f"SELECT position, sequence, body, checksum FROM records WHERE {where}"
                with closing(connection.execute(query, values)) as rows:
                    yield from rows

    def _put_aside(self, connection: sqlite3.Connection, refusal: Refusal, now: float) -> None:
        connection.execute(
            "REPLACE INTO refused SELECT position, sequence, event_id, body, ?, ?, ?, ? FROM records WHERE position = ?",
            (refusal.reason, refusal.path, refusal.message, now, refusal.record.position),
        )
        connection.execute("DELETE FROM records WHERE position = ?", (refusal.record.position,))
        self._set_fact("refused_ever", (self._fact("refused_ever") or 0) + 1)

    def _forget(self, connection: sqlite3.Connection, now: float) -> None:
        connection.execute(
            "DELETE FROM records WHERE delivered_at IS NOT NULL AND (delivered_at < ? OR position <= (SELECT position"
            " FROM records WHERE delivered_at IS NOT NULL ORDER BY position DESC LIMIT 1 OFFSET ?))",
            (now - self._keeping.age.total_seconds(), self._keeping.records),
        )
        connection.execute(
            "DELETE FROM refused WHERE position <= (SELECT position FROM refused ORDER BY position DESC LIMIT 1 OFFSET ?)",
            (self._keeping.refused,),
        )

    def _make_room(self, connection: sqlite3.Connection, size: int) -> None:
        """Let what is kept for back-fill go where a new record needs its room; raises SpoolFullError.

        Taking records off the queue needs room too: the last of it is left for that. What is written stands in the log
        first, and then in the file.
        """
        while free_bytes(self.path, connection) < self._keeping.free_bytes + 2 * size:
            gone = connection.execute(
                "DELETE FROM records WHERE position IN (SELECT position FROM records WHERE delivered_at IS NOT NULL"
                " ORDER BY position LIMIT ?)",
                (_LET_GO,),
            )
            if not gone.rowcount:
                raise SpoolFullError(f"no room for the spool {self.path}: nothing was recorded")

    def _belong_to(self, source_id: str) -> None:
        with self._transaction():
            owner = self._fact("source_id")
            if owner is None:
                self._set_fact("source_id", source_id)
            elif owner != source_id:
                raise WrongKeyError(f"the spool {self.path} belongs to another source than the key")

    def _fact(self, name: str) -> Any:
        row = self._connection.execute("SELECT value FROM facts WHERE name = ?", (name,)).fetchone()
        return None if row is None else row[0]

    def _set_fact(self, name: str, value: object) -> None:
        self._connection.execute("REPLACE INTO facts VALUES (?, ?)", (name, value))

    @contextmanager
    def _reading(self) -> Iterator[sqlite3.Connection]:
        with self._turn, meaning_of_errors(self.path):
            if not self._is_open:
                raise SpoolError(f"the spool {self.path} is closed")
            yield self._connection

    @contextmanager
    def _transaction(self) -> Iterator[sqlite3.Connection]:
        with self._reading() as connection:
            connection.execute("BEGIN IMMEDIATE")
            try:
                yield connection
                connection.execute("COMMIT")
            except BaseException:
                if connection.in_transaction:
                    connection.execute("ROLLBACK")
                raise
