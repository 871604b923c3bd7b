"""Damaged, foreign and missing spools: set aside or refused, never in the way, never mixed up."""

import shutil
import sqlite3
from pathlib import Path

import pytest

from streams.device.errors import SpoolCorruptError, SpoolError
from streams.device.spool import DAMAGED, Spool
from streams.device.spool_view import refused_in, status_of
from tests.support.device_rig import Device, reading
from tests.support.scripted_gateway import SOURCE, ScriptedGateway


def damage(path: Path, offset: int, size: int = 4000) -> None:
    """Overwrite a part of a file."""
    with path.open("r+b") as file:
        file.seek(offset)
        file.write(b"\xa5" * size)


def spool_of(path: Path, count: int) -> None:
    """Make a spool with records, some delivered, all in the file itself."""
    with Spool(path, SOURCE) as spool:
        spool.number_after(0)
        spool.record_all([("temperature_taken", reading(f"p-{number:06}")) for number in range(count)])
        spool.settle(spool.waiting(1000, 2**20)[: count // 2])
        spool._connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """Return where the spool is."""
    return tmp_path / "spool.db"


@pytest.mark.parametrize("offset", [0, 4096, 3 * 4096, 10 * 4096])
def test_a_damaged_spool_is_set_aside_and_a_new_one_begun(path: Path, offset: int) -> None:
    spool_of(path, 400)
    damage(path, offset)

    with Spool(path, SOURCE) as spool:
        spool.record("temperature_taken", reading("p-000001"))
        status = status_of(path)

    assert (status.waiting, status.last_sequence) == (1, None)
    (aside,) = status.set_aside
    assert aside.startswith("spool.db.corrupt-20")
    assert (path.parent / aside).stat().st_size > 40_000


def test_two_that_are_damaged_in_a_second_have_names_of_their_own(path: Path) -> None:
    for _ in range(3):
        path.write_bytes(b"\xa5" * 5000)
        Spool(path, SOURCE).close()

    assert len(status_of(path).set_aside) == 3


def test_no_number_is_used_twice_after_damage(tmp_path: Path, gateway: ScriptedGateway) -> None:
    """Three were delivered and two not: the numbers of all five are left behind, and the loss is to be seen."""
    device = Device(tmp_path, gateway)
    device.record(3)
    device.drain()
    device.record(2)
    image = device.image()
    for name in ("spool.db", "spool.db-wal"):
        damage(image / name, 0)
    device.lose_power(image)
    device.record(2)

    device.drain()
    device.close()

    assert list(gateway.ledger.taken) == [1, 2, 3, 1004, 1005]
    assert gateway.ledger.holes() == [[4, 1003]]


def test_a_spool_cut_to_nothing_asks_like_a_new_one(path: Path) -> None:
    spool_of(path, 10)
    path.write_bytes(b"")

    with Spool(path, SOURCE):
        assert status_of(path).last_sequence is None


def test_a_log_without_its_file_is_never_applied_to_another(path: Path) -> None:
    with Spool(path, SOURCE) as spool:
        spool.number_after(0)
        spool.record("temperature_taken", reading("p-000001"))
        shutil.copy(path.with_name("spool.db-wal"), path.with_name("kept"))
    path.unlink()
    path.with_name("kept").rename(path.with_name("spool.db-wal"))

    with Spool(path, SOURCE):
        assert status_of(path).waiting == 0
    assert [each.name for each in path.parent.glob("*.corrupt-*-wal")] != []


def test_a_log_whose_end_was_torn_off_loses_no_earlier_record(path: Path) -> None:
    """What a power failure leaves of a write that had not returned."""
    with Spool(path, SOURCE) as spool:
        spool.number_after(0)
        for number in range(3):
            spool.record("temperature_taken", reading(f"p-{number:06}"))
        size = path.with_name("spool.db-wal").stat().st_size
        spool.record("temperature_taken", reading("p-000009"))
        for name in ("spool.db", "spool.db-wal"):
            shutil.copy(path.with_name(name), path.with_name(f"torn-{name}"))
    torn = path.with_name("torn-spool.db")
    with torn.with_name("torn-spool.db-wal").open("r+b") as file:
        file.truncate(size + 1000)

    with Spool(torn, SOURCE) as spool:
        assert [each.sequence for each in spool.waiting(1000, 2**20)] == [1, 2, 3]


def test_a_record_whose_bytes_the_disk_changed_is_never_sent(path: Path) -> None:
    spool_of(path, 6)
    with sqlite3.connect(path) as connection:
        connection.execute(
            "UPDATE records SET body = CAST(replace(body, 'p-000004', 'p-000005') AS BLOB) WHERE sequence = 5"
        )
        connection.execute("UPDATE records SET body = CAST(body AS TEXT) WHERE sequence = 4")
    connection.close()

    with Spool(path, SOURCE) as spool:
        assert [each.sequence for each in spool.waiting(1000, 2**20)] == [6]
        assert [(each.sequence, each.reason) for each in refused_in(path)] == [(4, DAMAGED), (5, DAMAGED)]


def test_damage_while_it_is_open(path: Path) -> None:
    """Is an error at once; opened anew it is set aside."""
    spool_of(path, 4000)
    with Spool(path, SOURCE) as spool:
        damage(path, 4096, path.stat().st_size - 4096)
        spool._connection.execute("PRAGMA shrink_memory")
        with pytest.raises(SpoolCorruptError, match="set aside"):
            spool.lacking(1, 4000)
    Spool(path, SOURCE).close()

    assert len(status_of(path).set_aside) == 1


def test_another_database_is_left_alone(path: Path) -> None:
    with sqlite3.connect(path) as connection:
        connection.execute("CREATE TABLE t (a)")
    connection.close()
    before = path.read_bytes()

    with pytest.raises(SpoolError, match="no spool"):
        Spool(path, SOURCE)
    with pytest.raises(SpoolError, match="no spool"):
        status_of(path)
    assert path.read_bytes() == before


def test_a_spool_of_another_version_is_left_alone(path: Path) -> None:
    spool_of(path, 1)
    with sqlite3.connect(path) as connection:
        connection.execute("PRAGMA user_version=2")
    connection.close()

    with pytest.raises(SpoolError, match="another version"):
        Spool(path, SOURCE)
    assert status_names(path) == []


def status_names(path: Path) -> list[str]:
    """Return what was set aside."""
    return [each.name for each in path.parent.glob("*.corrupt-*")]


@pytest.mark.parametrize("name", ["missing/spool.db", "."])
def test_a_place_where_no_file_can_be(tmp_path: Path, name: str) -> None:
    with pytest.raises(SpoolError, match="cannot use the spool"):
        Spool(tmp_path / name, SOURCE)


def test_there_is_nothing_to_look_at(tmp_path: Path) -> None:
    with pytest.raises(SpoolError, match="there is no spool"):
        status_of(tmp_path / "spool.db")
    assert list(tmp_path.iterdir()) == []
