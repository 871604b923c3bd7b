"""The spool: numbers, order, what stays on the disk, and what is refused."""

import json
import os
import shutil
import stat
import threading
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from streams.device.errors import RecordError, SpoolBusyError, SpoolError, SpoolFullError, WrongKeyError
from streams.device.spool import Keeping, Place, Refusal, Spool
from streams.device.spool_view import refused_in, status_of
from tests.support.device_rig import reading
from tests.support.scripted_gateway import SOURCE

ALL = 1000, 2**20


def record(spool: Spool, count: int) -> None:
    """Record readings."""
    for number in range(count):
        spool.record("temperature_taken", reading(f"p-{number:06}"))


def sequences(spool: Spool) -> list[int]:
    """Return the numbers of what waits."""
    return [each.sequence for each in spool.waiting(*ALL)]


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """Return where the spool is."""
    return tmp_path / "spool.db"


def test_records_wait_for_their_numbers_until_the_gateway_was_heard(path: Path) -> None:
    with Spool(path, SOURCE) as spool:
        record(spool, 2)
        assert spool.has_waiting()
        assert sequences(spool) == []

        assert not spool.number_after(0)
        record(spool, 2)
        assert sequences(spool) == [1, 2, 3, 4]


def test_numbers_go_on_after_everything_was_delivered_and_the_spool_opened_anew(path: Path) -> None:
    with Spool(path, SOURCE, keeping=Keeping(records=0)) as spool:
        spool.number_after(0)
        record(spool, 3)
        spool.settle(spool.waiting(*ALL))
    with Spool(path, SOURCE) as spool:
        assert status_of(path).kept == 0
        record(spool, 1)
        assert sequences(spool) == [4]


def unnumbered(spool: Spool) -> list[dict[str, object]]:
    """Return what waits without its numbers."""
    return [{**json.loads(each.line), "sequence": None} for each in spool.waiting(*ALL)]


def test_a_number_that_was_given_stays(path: Path) -> None:
    with Spool(path, SOURCE) as spool:
        spool.number_after(0)
        record(spool, 3)
        assert sequences(spool) == [1, 2, 3]
        assert not spool.number_after(2)
        assert not spool.number_after(3)
        assert sequences(spool) == [1, 2, 3]


def test_a_gateway_that_is_ahead(path: Path) -> None:
    """What waits is numbered anew, with the same event_id."""
    with Spool(path, SOURCE) as spool:
        spool.number_after(0)
        record(spool, 2)
        before = unnumbered(spool)

        assert spool.number_after(40)

        assert sequences(spool) == [1041, 1042]
        assert unnumbered(spool) == before


def test_records_of_a_group_are_taken_together_or_not_at_all(path: Path) -> None:
    with Spool(path, SOURCE) as spool:
        spool.number_after(0)
        with pytest.raises(RecordError):
            spool.record_all([("temperature_taken", {}), ("temperature_taken", {"sequence": 1})])
        record(spool, 1)
        assert sequences(spool) == [1]


def test_threads_share_a_spool(path: Path) -> None:
    with Spool(path, SOURCE) as spool:
        spool.number_after(0)
        threads = [threading.Thread(target=record, args=(spool, 20)) for _ in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()

        assert sequences(spool) == list(range(1, 81))


def test_a_second_one_is_refused(path: Path) -> None:
    with Spool(path, SOURCE), pytest.raises(SpoolBusyError, match="in use by another process"):
        Spool(path, SOURCE)
    Spool(path, SOURCE).close()


def test_a_spool_belongs_to_one_source(path: Path) -> None:
    Spool(path, SOURCE).close()
    with pytest.raises(WrongKeyError, match="another source"):
        Spool(path, "d-000002")
    Spool(path, SOURCE).close()


def test_a_closed_spool_takes_nothing(path: Path) -> None:
    spool = Spool(path, SOURCE)
    spool.close()
    spool.close()

    with pytest.raises(SpoolError, match="closed"):
        record(spool, 1)


def test_nobody_else_may_read_it(path: Path) -> None:
    former = os.umask(0)
    try:
        with Spool(path, SOURCE) as spool:
            record(spool, 1)
            rights = {each.name: stat.S_IMODE(each.stat().st_mode) for each in path.parent.iterdir()}
    finally:
        os.umask(former)

    assert rights == dict.fromkeys(("spool.db", "spool.db-wal", "spool.db-shm", "spool.db.lock"), 0o600)


def test_what_was_recorded_is_synced_to_the_disk(path: Path) -> None:
    """The settings that make SQLite wait for the disk at every commit."""
    with Spool(path, SOURCE) as spool:
        assert spool._connection.execute("PRAGMA journal_mode").fetchone() == ("wal",)
        assert spool._connection.execute("PRAGMA synchronous").fetchone() == (2,)


def test_room_is_left_for_taking_records_off(path: Path) -> None:
    """A spool that fills the disk while the gateway is away must not be stuck when it comes back."""
    with Spool(path, SOURCE) as spool:
        spool.number_after(0)
        record(spool, 2)
    with Spool(path, SOURCE, keeping=Keeping(free_bytes=2**62)) as spool:
        with pytest.raises(SpoolFullError, match="nothing was recorded"):
            record(spool, 1)
        spool.settle(spool.waiting(*ALL))
        assert not spool.has_waiting()
    with Spool(path, SOURCE) as spool:
        record(spool, 1)
        assert sequences(spool) == [3]


def test_a_full_disk_is_a_clear_error_and_loses_nothing(path: Path) -> None:
    """SQLite finds no room for another page."""
    with Spool(path, SOURCE) as spool:
        spool.number_after(0)
        record(spool, 3)
        (pages,) = spool._connection.execute("PRAGMA page_count").fetchone()
        spool._connection.execute(f"PRAGMA max_page_count={pages}")
        with pytest.raises(SpoolFullError, match="no room for the spool"):
            spool.record_all([("visit_recorded", {"note": "x" * 60_000})])
        assert sequences(spool) == [1, 2, 3]
        spool._connection.execute(f"PRAGMA max_page_count={pages + 100}")
        spool.record_all([("visit_recorded", {"note": "x" * 60_000})])
        assert sequences(spool) == [1, 2, 3, 4]


def test_what_is_kept_makes_room_for_new_records(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Back-fill is worth less than what nobody has yet. The disk has nothing free but what the spool lets go."""
    disk = shutil.disk_usage(path.parent)
    with Spool(path, SOURCE, keeping=Keeping(free_bytes=100_000)) as spool:
        spool.number_after(0)
        record(spool, 1500)
        spool.settle(spool.waiting(*ALL))
        monkeypatch.setattr(shutil, "disk_usage", lambda _: disk._replace(free=0))
        record(spool, 1)
        status = status_of(path)
        assert 0 < status.kept < 1000
        assert status.waiting == 501
        assert [each.sequence for each in spool.kept([(1, 2000)], *ALL)][-1] == 1000, "the oldest go first"


def test_no_more_than_a_request_is_numbered_at_once(path: Path) -> None:
    """A spool of a long outage is not written anew on a disk that may have no room for that."""
    with Spool(path, SOURCE) as spool:
        spool.number_after(0)
        spool.record_all([("visit_recorded", {"note": "x" * 50_000}) for _ in range(50)])
        assert status_of(path).last_sequence == 0
        assert len(spool.waiting(1000, 2**20)) == 20
        assert status_of(path).last_sequence == 20


def test_limits_of_a_request(path: Path) -> None:
    with Spool(path, SOURCE) as spool:
        spool.number_after(0)
        record(spool, 5)
        size = len(spool.waiting(*ALL)[0].line) + 1

        assert len(spool.waiting(3, 2**20)) == 3
        assert len(spool.waiting(1000, 2 * size)) == 2
        assert len(spool.waiting(1000, 2 * size - 1)) == 1
        assert len(spool.waiting(1000, 1)) == 1, "one always goes"


def test_kept_records_fill_holes_in_order(path: Path) -> None:
    with Spool(path, SOURCE) as spool:
        spool.number_after(0)
        record(spool, 6)
        spool.settle(spool.waiting(*ALL)[:5])

        assert [each.sequence for each in spool.kept([(2, 3), (5, 2**61)], *ALL)] == [2, 3, 5]
        assert [each.sequence for each in spool.kept([(2, 3), (5, 2**61)], 2, 2**20)] == [2, 3]
        assert spool.lacking(2, 6) == 0
        assert spool.lacking(2, 10) == 4


def test_how_much_is_kept(path: Path) -> None:
    now = [datetime(2020, 2, 1, tzinfo=UTC)]
    keeping = Keeping(records=3, age=timedelta(hours=1), refused=2)
    with Spool(path, SOURCE, keeping=keeping, clock=lambda: now[0]) as spool:
        spool.number_after(0)
        record(spool, 5)
        spool.settle(spool.waiting(*ALL))
        assert [each.sequence for each in spool.kept([(1, 9)], *ALL)] == [3, 4, 5]
        now[0] += timedelta(hours=2)
        record(spool, 3)
        spool.settle((), [Refusal(each, "invalid_field") for each in spool.waiting(*ALL)])

        assert spool.kept([(1, 9)], *ALL) == []
        assert [each.sequence for each in refused_in(path)] == [7, 8]
        assert status_of(path).refused_ever == 3


def test_how_far_a_file_was_read_is_written_with_its_records(path: Path) -> None:
    place = Place("/a", 3, "hash", 17)
    with Spool(path, SOURCE) as spool:
        spool.record_all([("temperature_taken", {})], place)
        with pytest.raises(RecordError):
            spool.record_all([("temperature_taken", {"sequence": 1})], Place("/a", 3, "hash", 99))
        assert spool.place_in("/a") == place
        assert spool.place_in("/b") is None


def test_the_status_is_seen_while_the_spool_is_in_use(path: Path) -> None:
    now = datetime(2020, 2, 1, 8, tzinfo=UTC)
    with Spool(path, SOURCE, clock=lambda: now) as spool:
        record(spool, 2)
        spool.note(last_answer="503 unavailable", last_answer_at="2020-02-01T08:00:01Z")
        status = status_of(path)

    assert (status.waiting, status.oldest_waiting_at, status.last_sequence) == (2, "2020-02-01T08:00:00Z", None)
    assert (status.last_answer, status.refused, status.set_aside) == ("503 unavailable", 0, [])
