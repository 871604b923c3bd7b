"""DSNs and patience."""

import pytest

from sinks.clickhouse.driver import Patience, parse_target


@pytest.mark.parametrize(
    ("dsn", "expected"),
    [
        ("https://u:secret@host:8443/other", "https://host:8443, database other"),
        ("http://host", "http://host, database gridwatch"),
        ("http://host/", "http://host, database gridwatch"),
        ("chdb:///var/lib/gridwatch", "chdb:///var/lib/gridwatch, database gridwatch"),
    ],
)
def test_a_target_is_said_aloud_without_secrets(dsn: str, expected: str) -> None:
    """Errors and logs carry it."""
    assert str(parse_target(dsn, "gridwatch")) == expected


@pytest.mark.parametrize(
    "dsn", ["", "host:8123", "chdb://", "chdb:///", "chdb://memory", "http://", "ftp://u:secret@host"]
)
def test_what_is_no_dsn_is_refused_with_what_was_expected(dsn: str) -> None:
    """Nothing of it is repeated: a password may stand in the wrong place."""
    with pytest.raises(ValueError, match="expected https://USER:PASSWORD@HOST") as refused:
        parse_target(dsn, "gridwatch")

    assert "secret" not in str(refused.value)


def test_a_port_that_is_none_is_refused() -> None:
    """By the rules of URLs."""
    with pytest.raises(ValueError, match="Port"):
        parse_target("https://u:secret@host:84430/db", "gridwatch")


def test_pauses_grow_and_end() -> None:
    """Doubling up to the longest, until the total is used up."""
    patience = Patience(first_seconds=1, longest_seconds=4, total_seconds=14)

    assert patience.pauses() == [1, 2, 4, 4, 3]
    assert Patience(total_seconds=0).pauses() == []
