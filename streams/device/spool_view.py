"""A look at a spool from outside, also while another process writes it."""

from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from streams.device.records import format_instant
from streams.device.spool_file import meaning_of_errors, open_for_reading, set_aside_of


@dataclass(frozen=True, slots=True)
class SpoolStatus:
    """How a spool stands; instants are texts in UTC, as written by this device's clock."""

    source_id: str | None
    waiting: int
    oldest_waiting_at: str | None
    last_sequence: int | None
    kept: int
    refused: int
    refused_ever: int
    last_answer: str | None
    last_answer_at: str | None
    gone: int
    clock_offset_seconds: float | None
    key_expires_at: str | None
    set_aside: list[str]


@dataclass(frozen=True, slots=True)
class RefusedRecord:
    """A refused record; `body` is what it holds, and personal."""

    sequence: int
    event_id: str
    reason: str
    path: str
    message: str
    refused_at: str
    body: bytes


def status_of(path: Path) -> SpoolStatus:
    """Look at a spool. Raises SpoolError."""
    with closing(open_for_reading(path)) as connection, meaning_of_errors(path):
        connection.execute("BEGIN")
        facts: dict[str, Any] = dict(connection.execute("SELECT name, value FROM facts").fetchall())
        waiting, oldest = connection.execute(
            "SELECT count(*), min(recorded_at) FROM records WHERE delivered_at IS NULL"
        ).fetchone()
        (kept,) = connection.execute("SELECT count(*) FROM records WHERE delivered_at IS NOT NULL").fetchone()
        (refused,) = connection.execute("SELECT count(*) FROM refused").fetchone()
        return SpoolStatus(
            source_id=facts.get("source_id"),
            waiting=waiting,
            oldest_waiting_at=None if oldest is None else _instant(oldest),
            last_sequence=facts.get("last_sequence"),
            kept=kept,
            refused=refused,
            refused_ever=facts.get("refused_ever", 0),
            last_answer=facts.get("last_answer"),
            last_answer_at=facts.get("last_answer_at"),
            gone=facts.get("gone", 0),
            clock_offset_seconds=facts.get("clock_offset_seconds"),
            key_expires_at=facts.get("key_expires_at"),
            set_aside=[each.name for each in set_aside_of(path)],
        )


def refused_in(path: Path) -> Iterator[RefusedRecord]:
    """Yield the refused records of a spool, oldest first. Raises SpoolError."""
    query = "SELECT sequence, event_id, reason, path, message, refused_at, body FROM refused ORDER BY position"
    with closing(open_for_reading(path)) as connection, meaning_of_errors(path):
        for sequence, event_id, reason, path_of_field, message, refused_at, body in connection.execute(query):
            yield RefusedRecord(sequence, event_id, reason, path_of_field, message, _instant(refused_at), body)


def _instant(timestamp: float) -> str:
    return format_instant(datetime.fromtimestamp(timestamp, UTC))
