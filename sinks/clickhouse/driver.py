"""The one module that knows the ClickHouse client: connect, ask, insert, retry.

The same code talks to a server (`https://user:password@host:8443/database`, `http://...`) and to the engine in this
process (`chdb:///directory`; one directory per process, one process per directory).

What is the surroundings' fault (no connection, too many parts, out of memory or space, a read-only replica) is tried again
with growing pauses for a limited time and ends in ClickHouseUnavailableError: nothing was lost, stop and start again later.
What another attempt cannot mend (password, rights, unknown table) is a ClickHouseRefusedError at once. Every insert
may be repeated: rows have an identity of their own.
"""

import time
from collections.abc import Callable, Generator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeVar
from urllib.parse import urlsplit

import clickhouse_connect
import structlog
from clickhouse_connect.driver.client import Client
from clickhouse_connect.driver.compression import get_compressor
from clickhouse_connect.driver.exceptions import ClickHouseError, DatabaseError, OperationalError

from sinks.clickhouse.native import Block
from sinks.clickhouse.tables import Table

T = TypeVar("T")
_log = structlog.get_logger(__name__)

_PASSING_CODES = frozenset(
    {
        159,  # TIMEOUT_EXCEEDED
        164,  # READONLY, a replica that is being restarted
        202,  # TOO_MANY_SIMULTANEOUS_QUERIES
        209,  # SOCKET_TIMEOUT
        210,  # NETWORK_ERROR
        241,  # MEMORY_LIMIT_EXCEEDED
        242,  # TABLE_IS_READ_ONLY
        243,  # NOT_ENOUGH_SPACE: somebody makes room, or a merge does
        252,  # TOO_MANY_PARTS
        279,  # ALL_CONNECTION_TRIES_FAILED
        319,  # UNKNOWN_STATUS_OF_INSERT
        999,  # KEEPER_EXCEPTION
    }
)
_UNKNOWN_DATABASE = 81
# Since 26.2 the server would gather inserts by itself and answer before they are written.
_SETTINGS = {"async_insert": 0}
# A device with a wrong clock must not make an insert fail; the months it invents are few rows each.
# Rows that fall on each other are rare within one insert: merging finds them, looking for them in every one costs a sixth.
_INSERT_SETTINGS = {"max_partitions_per_insert_block": 0, "optimize_on_insert": 0}


class ClickHouseUnavailableError(Exception):
    """ClickHouse could not be reached, or could not take the work, for as long as was agreed."""


class ClickHouseRefusedError(Exception):
    """ClickHouse answered that it will not do this; another attempt would get the same answer."""


class NoSuchDatabaseError(ClickHouseRefusedError):
    """The database was never made."""


@dataclass(frozen=True, slots=True)
class Patience:
    """How long to try: pauses double from `first_seconds` to `longest_seconds`, until `total_seconds` of them."""

    first_seconds: float = 0.2
    longest_seconds: float = 5.0
    total_seconds: float = 60.0

    def pauses(self) -> list[float]:
        """Return the pauses between attempts, in order."""
        pauses: list[float] = []
        pause = self.first_seconds
        while (left := self.total_seconds - sum(pauses)) > 0:
            pauses.append(min(pause, left))
            pause = min(2 * pause, self.longest_seconds)
        return pauses


@dataclass(frozen=True, slots=True)
class Target:
    """Where the tables are, as far as may be said aloud: no user, no password."""

    scheme: str
    place: str
    database: str

    def __str__(self) -> str:
        return f"{self.scheme}://{self.place}, database {self.database}"


def parse_target(dsn: str, database: str) -> Target:
    """Read a DSN; raises ValueError that says what was expected, without repeating what came.

    A database in the path of an `http(s)` DSN goes before `database`.
    """
    parts = urlsplit(dsn)
    if parts.scheme == "chdb" and not parts.netloc and len(parts.path) > 1:
        return Target("chdb", parts.path, database)
    if parts.scheme in ("http", "https") and parts.hostname:
        port = f":{parts.port}" if parts.port else ""
        return Target(parts.scheme, f"{parts.hostname}{port}", parts.path.strip("/") or database)
    raise ValueError(
        "expected https://USER:PASSWORD@HOST:PORT/DATABASE, http://... or chdb:///DIRECTORY as the ClickHouse DSN"
    )


@dataclass(slots=True)
class Attempts:
    """What was tried since the start; may be read by any thread. While `is_retrying` the last attempt has failed."""

    made: int = 0
    failed: int = 0
    is_retrying: bool = False


class Database:
    """An open database. Not for use by several threads at once, except on `chdb`."""

    def __init__(self, client: Client, target: Target, patience: Patience, pause: Callable[[float], object]) -> None:
        self.target = target
        self.attempts = Attempts()
        self._client = client
        self._patience = patience
        self._pause = pause

    @property
    def server_version(self) -> str:
        """The version of the ClickHouse engine."""
        return str(self._client.server_version)

    def command(self, sql: str) -> object:
        """Run a statement that returns nothing or one value."""
        return self._try(lambda: self._client.command(sql))

    def query(self, sql: str, parameters: Mapping[str, object] | None = None) -> list[dict[str, Any]]:
        """Return rows as column-to-value mappings; `{name:Type}` in the SQL stands for a parameter."""
        return self._try(lambda: list(self._client.query(sql, parameters=dict(parameters or {})).named_results()))

    def insert(self, table: Table, columns: Sequence[Sequence[object]], token: str) -> None:
        """Insert rows given column by column; the token makes a retried insert a single one where the table keeps it."""
        block = Block(table.columns)
        block.add(columns)
        self.insert_block(table, block, token)

    def insert_block(self, table: Table, block: Block, token: str) -> None:
        """Insert rows as `insert` does."""
        if not len(block):
            return
        self._try(
            lambda: self._client.raw_insert(
                table.name,
                list(table.columns),
                self._body(block),
                settings={**_INSERT_SETTINGS, "insert_deduplication_token": token},
                fmt="Native",
                compression=self._client.write_compression,
            )
        )

    def _body(self, block: Block) -> Generator[bytes, None, None] | bytes:
        """Return what is sent, compressed as was agreed with the server; the engine in this process takes it in pieces."""
        if self.target.scheme == "chdb":
            return block.chunks()
        compressor: Any = get_compressor(self._client.write_compression)
        return bytes(compressor.compress_block(b"".join(block.chunks()))) + (compressor.flush() or b"")

    def ping(self) -> bool:
        """Tell whether ClickHouse answers now; any thread may ask."""
        return self._client.ping()

    def close(self) -> None:
        """Close the connection; on `chdb` the directory is free for another process afterwards."""
        self._client.close()

    def _try(self, work: Callable[[], T]) -> T:
        return _patiently(work, self.target, self._patience, self._pause, self.attempts)


def connect(
    dsn: str,
    database: str,
    *,
    create: bool = False,
    patience: Patience | None = None,
    pause: Callable[[float], object] = time.sleep,
) -> Database:
    """Open the database, waiting for a server that is starting; `create` makes the database where it is missing.

    `pause` is called with seconds between attempts: give the `wait` of a stop event to be interruptible. Raises
    ValueError for a DSN that is none, ClickHouseRefusedError and ClickHouseUnavailableError as described above.
    """
    target = parse_target(dsn, database)
    patience = patience or Patience()
    client = _patiently(lambda: _open(dsn, target), target, patience, pause, Attempts())
    opened = Database(client, target, patience, pause)
    try:
        if create and not opened.query(
            "SELECT 1 FROM system.databases WHERE name = {d:String}", {"d": target.database}
        ):
            opened.command(f"CREATE DATABASE IF NOT EXISTS {_quoted(target.database)}")
        client.database = target.database
        opened.command("SELECT 1")
    except BaseException:
        client.close()
        raise
    return opened


def _open(dsn: str, target: Target) -> Client:
    """Build a client without a database, because that may not exist yet."""
    if target.scheme == "chdb":
        return clickhouse_connect.get_client(dsn=dsn, settings=dict(_SETTINGS), tz_mode="aware")
    return clickhouse_connect.get_client(
        dsn=urlsplit(dsn)._replace(path="").geturl(),
        settings=dict(_SETTINGS),
        tz_mode="aware",
        autogenerate_session_id=False,
        send_receive_timeout=120,
        client_name="gridwatch",
    )


def _patiently(
    work: Callable[[], T], target: Target, patience: Patience, pause: Callable[[float], object], attempts: Attempts
) -> T:
    pauses = patience.pauses()
    for seconds in (*pauses, None):
        attempts.made += 1
        try:
            result = work()
            attempts.is_retrying = False
            return result
        except ClickHouseError as error:
            attempts.failed, attempts.is_retrying = attempts.failed + 1, True
            if not _may_pass(error):
                raise _refusal(error, target) from error
            if seconds is None:
                raise ClickHouseUnavailableError(
                    f"ClickHouse at {target} did not take the work in {sum(pauses):.1f} s and {len(pauses) + 1} "
                    f"attempts ({_reason(error)}); nothing is lost: start again when it is back"
                ) from error
            _log.warning(
                "clickhouse_attempt_failed", target=str(target), reason=_reason(error), again_in_seconds=seconds
            )
            pause(seconds)
        except ImportError as error:
            raise ClickHouseRefusedError("chdb:/// needs the package chdb: install gridwatch[embedded]") from error
    raise AssertionError("the last attempt returns or raises")


def _may_pass(error: ClickHouseError) -> bool:
    code = error.code if isinstance(error, DatabaseError) else None
    if code is not None:
        return code in _PASSING_CODES
    # An answer of a proxy in between (502, 503, 504) or none at all has no code of ClickHouse.
    return isinstance(error, OperationalError) or "HTTP status 50" in str(error)


def _refusal(error: ClickHouseError, target: Target) -> ClickHouseRefusedError:
    if isinstance(error, DatabaseError) and error.code == _UNKNOWN_DATABASE:
        return NoSuchDatabaseError(f"ClickHouse at {target} has no such database: run `gridwatch migrate`")
    if target.scheme == "chdb" and "EmbeddedServer" in str(error):
        return ClickHouseRefusedError(
            f"the engine's directory {target.place} is in use by another process, or cannot be written"
        )
    return ClickHouseRefusedError(f"ClickHouse at {target} refused: {_reason(error)}")


def _reason(error: BaseException) -> str:
    """Return one line on what lies at the bottom of a transport error, or what ClickHouse said."""
    while isinstance(error, OperationalError) and error.__cause__ is not None:
        error = error.__cause__
    error = getattr(error, "reason", None) or error
    text = str(error).strip() or type(error).__name__
    return text.splitlines()[0][:300]


def _quoted(name: str) -> str:
    return "`" + name.replace("\\", "\\\\").replace("`", "\\`") + "`"
