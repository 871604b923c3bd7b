"""The file under a spool: one writer at a time, no damaged file in the way, no error without its meaning."""

import errno
import fcntl
import os
import shutil
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

from streams.device.errors import SpoolBusyError, SpoolCorruptError, SpoolError, SpoolFullError

_APPLICATION_ID: Final = 0x67775350
_VERSION: Final = 1
_BUSY_S = 10.0
_LARGEST_LOG_BYTES: Final = 4 * 1024 * 1024
_SET_ASIDE = ".corrupt-"
_COMPANIONS = ("-wal", "-shm")
_TABLES = (
    """CREATE TABLE records (
        position INTEGER PRIMARY KEY AUTOINCREMENT,
        sequence INTEGER UNIQUE,
        event_id TEXT NOT NULL,
        body BLOB NOT NULL,
        checksum INTEGER NOT NULL,
        recorded_at REAL NOT NULL,
        delivered_at REAL
    )""",
    "CREATE INDEX waiting ON records (position) WHERE delivered_at IS NULL",
    "CREATE INDEX kept ON records (position) WHERE delivered_at IS NOT NULL",
    """CREATE TABLE refused (
        position INTEGER PRIMARY KEY,
        sequence INTEGER NOT NULL UNIQUE,
        event_id TEXT NOT NULL,
        body BLOB NOT NULL,
        reason TEXT NOT NULL,
        path TEXT NOT NULL,
        message TEXT NOT NULL,
        refused_at REAL NOT NULL
    )""",
    "CREATE TABLE facts (name TEXT PRIMARY KEY, value) WITHOUT ROWID",
    "CREATE TABLE files (path TEXT PRIMARY KEY, head_bytes INTEGER, head TEXT, offset INTEGER) WITHOUT ROWID",
)


class SpoolLock:
    """The right to write a spool, held until `release` or the end of the process, however that comes."""

    def __init__(self, path: Path) -> None:
        try:
            self._descriptor = os.open(companion(path, ".lock"), os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        except OSError as error:
            raise _file_error(path, error) from None
        try:
            fcntl.flock(self._descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            os.close(self._descriptor)
            if error.errno in (errno.EWOULDBLOCK, errno.EACCES):
                raise SpoolBusyError(f"the spool {path} is in use by another process") from None
            raise _file_error(path, error) from None

    def release(self) -> None:
        """Let another one have it."""
        os.close(self._descriptor)


def companion(path: Path, suffix: str) -> Path:
    """Return the path of a file that belongs to a spool."""
    return path.with_name(path.name + suffix)


def open_for_writing(path: Path, at: datetime) -> sqlite3.Connection:
    """Open a spool, whose lock is held; one that is damaged is set aside and a new one begun. Raises SpoolError."""
    if not path.exists() and companion(path, "-wal").exists():
        _set_aside(path, at)
    try:
        return _open(path)
    except SpoolCorruptError:
        _set_aside(path, at)
        return _open(path)


def open_for_reading(path: Path) -> sqlite3.Connection:
    """Open a spool beside its writer, to look at it. Raises SpoolError."""
    if not path.is_file():
        raise SpoolError(f"there is no spool {path}")
    with meaning_of_errors(path):
        connection = sqlite3.connect(f"{path.resolve().as_uri()}?mode=ro", uri=True, timeout=_BUSY_S)
        try:
            if _is_empty(connection, path):
                raise SpoolError(f"the spool {path} was never begun")
        except BaseException:
            connection.close()
            raise
        return connection


def set_aside_of(path: Path) -> list[Path]:
    """Return the damaged spools that were set aside, oldest first."""
    begin = path.name + _SET_ASIDE
    return sorted(each for each in path.parent.iterdir() if each.name.startswith(begin) and not _is_companion(each))


def free_bytes(path: Path, connection: sqlite3.Connection) -> int:
    """Return how much more may be written: what is free on the disk, and within the file."""
    (pages,), (size,) = (connection.execute(f"PRAGMA {name}").fetchone() for name in ("freelist_count", "page_size"))
    return shutil.disk_usage(path.parent).free + int(pages) * int(size)


@contextmanager
def meaning_of_errors(path: Path) -> Iterator[None]:
    """Turn SQLite's errors into those of this package."""
    try:
        yield
    except sqlite3.Error as error:
        name = getattr(error, "sqlite_errorname", "")
        if name.startswith("SQLITE_FULL"):
            raise SpoolFullError(f"no room for the spool {path}: nothing was written") from error
        if name.startswith(("SQLITE_CORRUPT", "SQLITE_NOTADB")):
            raise SpoolCorruptError(f"the spool {path} is damaged; opened anew it is set aside") from error
        raise SpoolError(f"cannot use the spool {path}: {name or type(error).__name__}") from error
    except OSError as error:
        raise _file_error(path, error) from error


def _open(path: Path) -> sqlite3.Connection:
    with meaning_of_errors(path):
        # The companions get the rights of the file: what is in it is nobody else's.
        os.close(os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600))
        connection = sqlite3.connect(path, timeout=_BUSY_S, isolation_level=None, check_same_thread=False)
        try:
            _prepare(connection, path)
        except BaseException:
            connection.close()
            raise
        _make_durable(path.parent)
        return connection


def _prepare(connection: sqlite3.Connection, path: Path) -> None:
    is_empty = _is_empty(connection, path)
    (mode,) = connection.execute("PRAGMA journal_mode=WAL").fetchone()
    if mode != "wal":
        raise SpoolError(f"cannot use the spool {path}: its file system has no write-ahead log")
    connection.execute("PRAGMA synchronous=FULL")
    connection.execute("PRAGMA secure_delete=FAST")
    connection.execute(f"PRAGMA journal_size_limit={_LARGEST_LOG_BYTES}")
    if is_empty:
        connection.execute("BEGIN IMMEDIATE")
        for statement in _TABLES:
            connection.execute(statement)
        connection.execute(f"PRAGMA application_id={_APPLICATION_ID}")
        connection.execute(f"PRAGMA user_version={_VERSION}")
        connection.execute("COMMIT")
    elif connection.execute("PRAGMA integrity_check(1)").fetchall() != [("ok",)]:
        raise SpoolCorruptError(f"the spool {path} is damaged")


def _is_empty(connection: sqlite3.Connection, path: Path) -> bool:
    """Tell whether nothing was ever written; raises SpoolError for a file that is somebody else's."""
    (found,) = connection.execute("PRAGMA application_id").fetchone()
    (version,) = connection.execute("PRAGMA user_version").fetchone()
    (tables,) = connection.execute("SELECT count(*) FROM sqlite_master").fetchone()
    if not tables and found in (0, _APPLICATION_ID):
        return True
    if found != _APPLICATION_ID:
        raise SpoolError(f"{path} is a database, and no spool")
    if version != _VERSION:
        raise SpoolError(f"the spool {path} was written by another version of this client")
    return False


def _set_aside(path: Path, at: datetime) -> None:
    """Rename a damaged spool; the file itself goes first, so that no log is ever applied to another file."""
    stamp = at.astimezone(UTC).strftime("%Y%m%dT%H%M%SZ")
    name, count = f"{path.name}{_SET_ASIDE}{stamp}", 1
    while any(each.name.startswith(name) for each in path.parent.iterdir()):
        count += 1
        name = f"{path.name}{_SET_ASIDE}{stamp}-{count}"
    with meaning_of_errors(path):
        for suffix in ("", *_COMPANIONS):
            if companion(path, suffix).exists():
                companion(path, suffix).rename(path.with_name(name + suffix))
        _make_durable(path.parent)


def _is_companion(path: Path) -> bool:
    return path.name.endswith(_COMPANIONS) and path.with_name(path.name[: -len(_COMPANIONS[0])]).exists()


def _make_durable(directory: Path) -> None:
    descriptor = os.open(directory, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _file_error(path: Path, error: OSError) -> SpoolError:
    if error.errno in (errno.ENOSPC, errno.EDQUOT):
        return SpoolFullError(f"no room for the spool {path}: nothing was written")
    return SpoolError(f"cannot use the spool {path}: {error.strerror}")
