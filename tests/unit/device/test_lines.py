"""Reading lines: cut anywhere, too long, no records, and on from where the last run stopped."""

import json
import os
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from streams.device.errors import RecordError, SpoolFullError
from streams.device.feeder import Feeder
from streams.device.lines import LARGEST_LINE_BYTES, Cutter, parse_line
from streams.device.spool import Keeping, Spool
from tests.support.processes import wait_until
from tests.support.scripted_gateway import SOURCE


@settings(deadline=None)
@given(st.binary(max_size=300), st.lists(st.integers(1, 9)))
def test_lines_are_the_same_however_they_are_cut(content: bytes, sizes: list[int]) -> None:
    cutter, lines, at = Cutter(), list[tuple[bytes, int]](), 0
    for size in [*sizes, 1000]:
        lines += cutter.feed(content[at : at + size])
        at += size
    lines += cutter.end()

    *whole, last = content.split(b"\n")
    assert [line for line, _ in lines] == whole + ([last] if last else [])
    assert sum(size for _, size in lines) == len(content)


def test_a_line_without_end_takes_no_more_room_than_a_long_one() -> None:
    cutter = Cutter()
    for _ in range(40):
        assert cutter.feed(b"x" * 100_000) == []
    ((line, size),) = cutter.feed(b"\n")

    assert (len(line), size) == (LARGEST_LINE_BYTES + 1, 4_000_001)
    assert cutter.feed(b"a\n") == [(b"a", 2)]


@pytest.mark.parametrize(
    "line",
    [
        b"{",
        b"[]",
        b"null",
        b"{}",
        b'{"kind":5}',
        b'{"kind":"a","kind":"b"}',
        b"\xff",
        b"\xef\xbb\xbf{}",
        b"[" * 100_000,
    ],
)
def test_what_is_no_record(line: bytes) -> None:
    with pytest.raises(RecordError, match="expected"):
        parse_line(line)


class Run:
    """Feeds a file or pipe in this thread, or in another one."""

    def __init__(self, spool: Spool, *, follows: bool = False) -> None:
        self.stop = threading.Event()
        self.feeder = Feeder(spool, self.stop, lambda: None, follows=follows)
        self.spool = spool

    def persons(self) -> list[str | None]:
        """Return who stands in the spool, in order."""
        return [json.loads(each.line).get("person_id") for each in self.spool.waiting(1000, 2**20)]

    def following(self, path: Path) -> threading.Thread:
        """Follow a file."""
        thread = threading.Thread(target=self.feeder.feed_file, args=(path,), daemon=True)
        thread.start()
        return thread


@pytest.fixture
def spool(tmp_path: Path) -> Iterator[Spool]:
    """Have a spool that gives numbers."""
    with Spool(tmp_path / "spool.db", SOURCE) as made:
        made.number_after(0)
        yield made


def line(number: int) -> bytes:
    """Return a line."""
    return b'{"kind":"temperature_taken","person_id":"p-%06d"}\n' % number


def test_a_file_is_read_once(tmp_path: Path, spool: Spool) -> None:
    """And on from there when something was added."""
    path = tmp_path / "readings.ndjson"
    path.write_bytes(line(1) + b"\n" + line(2).rstrip())
    for _ in range(2):
        Run(spool).feeder.feed_file(path)
    with path.open("ab") as file:
        file.write(b"\n" + line(3))
    run = Run(spool)
    run.feeder.feed_file(path)

    assert run.persons() == ["p-000001", "p-000002", "p-000003"]
    assert run.feeder.recorded == 1


def test_another_file_of_the_same_name_is_read_from_its_beginning(tmp_path: Path, spool: Spool) -> None:
    path = tmp_path / "readings.ndjson"
    for content in (line(1) + line(2), line(3) + line(4) + line(5), line(3)):
        path.write_bytes(content)
        Run(spool).feeder.feed_file(path)

    assert Run(spool).persons() == [f"p-{number:06}" for number in (1, 2, 3, 4, 5, 3)]


def test_from_the_start_where_that_is_asked_for(tmp_path: Path, spool: Spool) -> None:
    path = tmp_path / "readings.ndjson"
    path.write_bytes(line(1))
    for _ in range(2):
        Run(spool).feeder.feed_file(path, from_start=True)

    assert Run(spool).persons() == ["p-000001", "p-000001"]


def test_lines_that_are_no_records_are_named_and_passed(
    tmp_path: Path, spool: Spool, caplog: pytest.LogCaptureFixture
) -> None:
    path = tmp_path / "readings.ndjson"
    path.write_bytes(line(1) + b'{"kind":"visit_recorded","event_id":"wang"}\n' + b"wang\n" + line(2))
    run = Run(spool)
    run.feeder.feed_file(path)
    Run(spool).feeder.feed_file(path)

    assert run.persons() == ["p-000001", "p-000002"]
    assert run.feeder.left_out == 2
    assert f"the line at byte {len(line(1))} is no record: event_id" in caplog.text
    assert "wang" not in caplog.text
    assert len(caplog.records) == 2


def test_a_file_is_followed(tmp_path: Path, spool: Spool) -> None:
    """What is added, what stands in another file of that name, and what is written into it after it was cut."""
    path, run = tmp_path / "readings.ndjson", Run(spool, follows=True)
    path.write_bytes(line(1) + line(2)[:10])
    thread = run.following(path)
    wait_until(lambda: run.persons() == ["p-000001"], "the first line")
    with path.open("ab") as file:
        file.write(line(2)[10:])
    wait_until(lambda: len(run.persons()) == 2, "the rest of the second")
    path.rename(tmp_path / "readings.1")
    path.write_bytes(line(3))
    wait_until(lambda: len(run.persons()) == 3, "another file")
    path.write_bytes(b'{"kind":"a"}\n')
    wait_until(lambda: len(run.persons()) == 4, "what stands in it after it was cut")
    with path.open("ab") as file:
        file.write(line(4)[:20])
    run.stop.set()
    thread.join(10)

    assert not thread.is_alive()
    assert run.persons() == ["p-000001", "p-000002", "p-000003", None]
    assert run.feeder.error is None


def test_a_pipe_is_read_to_its_end(spool: Spool) -> None:
    reading, writing = os.pipe()
    os.write(writing, line(1) + line(2).rstrip())
    os.close(writing)
    run = Run(spool, follows=True)
    run.feeder.feed_pipe(reading)
    os.close(reading)

    assert run.persons() == ["p-000001", "p-000002"]
    assert run.feeder.is_finished


def test_without_room_a_file_is_read_on_later(tmp_path: Path) -> None:
    path = tmp_path / "readings.ndjson"
    path.write_bytes(line(1) + line(2))
    with Spool(tmp_path / "spool.db", SOURCE, keeping=Keeping(free_bytes=2**62)) as full:
        run = Run(full)
        run.feeder.feed_file(path)
        assert isinstance(run.feeder.error, SpoolFullError)
        assert run.feeder.is_finished
    with Spool(tmp_path / "spool.db", SOURCE) as spool:
        spool.number_after(0)
        run = Run(spool)
        run.feeder.feed_file(path)
        assert run.persons() == ["p-000001", "p-000002"]


def test_a_crash_between_groups_reads_no_line_twice(tmp_path: Path, spool: Spool) -> None:
    """Stopped after the first group, as a kill would; the place went to the disk with the records."""
    path = tmp_path / "readings.ndjson"
    path.write_bytes(b"".join(line(number) for number in range(900)))
    run = Run(spool)
    run.feeder._on_progress = run.stop.set
    run.feeder.feed_file(path)
    assert len(run.persons()) == 500
    Run(spool).feeder.feed_file(path)

    assert run.persons() == [f"p-{number:06}" for number in range(900)]
