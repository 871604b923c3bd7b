"""Bring the database to the schema this program needs, one numbered file after the other, forward only.

Files are `migrations/NNNN_name.sql`, their statements separated by the line `-- @next`. What was applied is kept with the
SHA-256 of its file in the table `schema_migrations`. Refused, before anything is changed: a file that was edited after
it was applied, a file that is missing, one that would have to be slipped in before an applied one, and a database that
is newer than this program.

ClickHouse has no transaction over DDL. So every statement must be repeatable (`IF NOT EXISTS`, `OR REPLACE`), and a file
counts as applied when all of it ran: a run that was broken off starts that file again, and two runs at the same time
do the same work twice and agree. Old programs must be able to read and write what a migration leaves.
"""

import hashlib
import re
from collections.abc import Sequence
from dataclasses import dataclass
from importlib import resources

from sinks.clickhouse.driver import Database
from sinks.clickhouse.tables import Table

_FILE = re.compile(r"(\d{4})_([a-z0-9_]+)\.sql")
_MARKER = re.compile(r"^-- @next[ \t]*$", re.MULTILINE)
_KEPT_IN = Table(
    "schema_migrations",
    {"version": "UInt32", "name": "String", "sha256": "String", "applied_at": "DateTime64(3, 'UTC')"},
)
_CREATE_KEPT_IN = """
CREATE TABLE IF NOT EXISTS schema_migrations
(
    version UInt32 COMMENT 'Number of the migration',
    name String COMMENT 'Name of its file without number and ending',
    sha256 String COMMENT 'SHA-256 of the file that was applied',
    applied_at DateTime64(3, 'UTC') DEFAULT now64(3) COMMENT 'When it was applied, by the clock of the server'
)
ENGINE = ReplacingMergeTree
ORDER BY (version, name, sha256)
COMMENT 'Migrations that were applied'
"""


class MigrationError(Exception):
    """The database and the migrations of this program do not belong together; nothing was changed."""


@dataclass(frozen=True, slots=True)
class Migration:
    """One numbered file and its statements."""

    version: int
    name: str
    sha256: str
    statements: tuple[str, ...]

    @property
    def label(self) -> str:
        """The file's name without its ending."""
        return f"{self.version:04d}_{self.name}"


@dataclass(frozen=True, slots=True)
class Applied:
    """One migration as the database remembers it."""

    version: int
    name: str
    sha256: str


def parse_migration(file_name: str, content: bytes) -> Migration:
    """Read one migration file; raises MigrationError for a name without number or a file without statement."""
    match = _FILE.fullmatch(file_name)
    if match is None:
        raise MigrationError(f"{file_name}: expected a file name like 0001_tables.sql")
    statements = tuple(text.strip() for text in _MARKER.split(content.decode()) if _has_statement(text))
    if not statements:
        raise MigrationError(f"{file_name}: expected at least one statement")
    return Migration(int(match[1]), match[2], hashlib.sha256(content).hexdigest(), statements)


def _has_statement(text: str) -> bool:
    return any(line.strip() and not line.lstrip().startswith("--") for line in text.splitlines())


def packaged_migrations() -> list[Migration]:
    """Return the migrations this program was built with, in order."""
    folder = resources.files("sinks.clickhouse") / "migrations"
    files = sorted((file for file in folder.iterdir() if file.name.endswith(".sql")), key=lambda file: file.name)
    return [parse_migration(file.name, file.read_bytes()) for file in files]


def plan(migrations: Sequence[Migration], applied: Sequence[Applied]) -> list[Migration]:
    """Return what is still to be applied, in order; raises MigrationError where the two do not fit."""
    known = {migration.version: migration for migration in migrations}
    if len(known) != len(migrations):
        raise MigrationError("expected every number once among the migrations of this program")
    for done in applied:
        _demand_same(done, known.get(done.version))
    newest = max((done.version for done in applied), default=0)
    pending = [migration for migration in migrations if migration.version not in {done.version for done in applied}]
    for migration in pending:
        if migration.version < newest:
            raise MigrationError(
                f"{migration.label} was never applied, but {newest:04d} was: give it a number after {newest:04d}"
            )
    return pending


def _demand_same(done: Applied, migration: Migration | None) -> None:
    label = f"{done.version:04d}_{done.name}"
    if migration is None:
        raise MigrationError(
            f"the database has {label}, which this program does not know: the database was migrated by a newer "
            "gridwatch, or the file was deleted; use the newer one, or put the file back"
        )
    if (migration.name, migration.sha256) != (done.name, done.sha256):
        raise MigrationError(
            f"{migration.label} is not the file that was applied ({label}, sha256 {done.sha256[:12]}...): put that "
            "file back and write the change as a new migration"
        )


def applied_migrations(database: Database) -> list[Applied]:
    """Return what the database remembers, oldest first; nothing where it was never migrated."""
    if not database.query(
        "SELECT 1 FROM system.tables WHERE database = currentDatabase() AND name = 'schema_migrations'"
    ):
        return []
    rows = database.query("SELECT DISTINCT version, name, sha256 FROM schema_migrations ORDER BY version, name, sha256")
    return [Applied(**row) for row in rows]


def pending_migrations(database: Database, migrations: Sequence[Migration] | None = None) -> list[Migration]:
    """Return what `migrate` would apply, without changing anything; raises MigrationError as it would."""
    return plan(packaged_migrations() if migrations is None else migrations, applied_migrations(database))


def migrate(database: Database, migrations: Sequence[Migration] | None = None) -> list[Migration]:
    """Apply what is pending and return it; raises MigrationError before anything is changed."""
    pending = pending_migrations(database, migrations)
    database.command(_CREATE_KEPT_IN)
    for migration in pending:
        for statement in migration.statements:
            database.command(statement)
        _remember(database, migration)
    # A run at the same time by another program may have brought something this one cannot live with.
    pending_migrations(database, migrations)
    return pending


def _remember(database: Database, migration: Migration) -> None:
    names = ("version", "name", "sha256")
    database.insert(
        Table(_KEPT_IN.name, {name: _KEPT_IN.columns[name] for name in names}),
        [[migration.version], [migration.name], [migration.sha256]],
        f"{_KEPT_IN.name}/{migration.version}/{migration.sha256}",
    )
