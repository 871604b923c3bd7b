"""Which migrations are to be applied, and which are refused."""

import pytest

from sinks.clickhouse.migration import Applied, Migration, MigrationError, packaged_migrations, parse_migration, plan


def migration(version: int, name: str = "step", content: bytes = b"SELECT 1") -> Migration:
    """Return a migration."""
    return parse_migration(f"{version:04d}_{name}.sql", content)


def applied(*migrations: Migration) -> list[Applied]:
    """Return migrations as a database remembers them."""
    return [Applied(done.version, done.name, done.sha256) for done in migrations]


def test_statements_are_separated_by_the_marker_line() -> None:
    """Semicolons and dashes within a statement are nobody's business."""
    parsed = migration(1, content=b"-- what for\nSELECT ';' -- @next\n\n-- @next\nSELECT 2\n-- @next\n-- nothing\n")

    assert parsed.statements == ("-- what for\nSELECT ';' -- @next", "SELECT 2")


@pytest.mark.parametrize("name", ["1_tables.sql", "0001-tables.sql", "tables.sql", "0001_Tables.sql"])
def test_a_name_without_number_is_refused(name: str) -> None:
    """The order must be plain to see."""
    with pytest.raises(MigrationError, match=r"0001_tables\.sql"):
        parse_migration(name, b"SELECT 1")


def test_a_file_without_a_statement_is_refused() -> None:
    """Nothing can have been meant by it."""
    with pytest.raises(MigrationError, match="at least one statement"):
        migration(1, content=b"-- only words\n")


def test_what_is_not_applied_is_pending_in_order() -> None:
    """Forward only."""
    first, second, third = migration(1), migration(2), migration(3)

    assert plan([first, second, third], applied(first)) == [second, third]
    assert plan([first], applied(first)) == []


def test_an_edited_file_is_refused() -> None:
    """It would be applied nowhere."""
    with pytest.raises(MigrationError, match="0001_step is not the file that was applied"):
        plan([migration(1, content=b"SELECT 2")], applied(migration(1)))


def test_a_renamed_file_is_refused() -> None:
    """The name is part of what was applied."""
    with pytest.raises(MigrationError, match="0001_other is not the file"):
        plan([migration(1, "other")], applied(migration(1)))


def test_a_missing_file_is_refused() -> None:
    """Deleted, or the database is newer."""
    with pytest.raises(MigrationError, match="0002_step, which this program does not know"):
        plan([migration(1)], applied(migration(1), migration(2)))


def test_a_file_slipped_in_before_an_applied_one_is_refused() -> None:
    """Two branches took numbers in another order than they were applied."""
    with pytest.raises(MigrationError, match="give it a number after 0003"):
        plan([migration(1), migration(2), migration(3)], applied(migration(1), migration(3)))


def test_a_number_used_twice_is_refused() -> None:
    """Two branches took the same number."""
    with pytest.raises(MigrationError, match="every number once"):
        plan([migration(1), migration(1, "other")], [])


def test_the_migrations_of_this_program_are_numbered_without_gaps() -> None:
    """They are shipped with the package."""
    found = packaged_migrations()

    assert [step.version for step in found] == list(range(1, len(found) + 1))
    assert len(found) >= 3
