"""What the judge counts, and how results become the table."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import pytest

from events.codec import Refusal, decode_from_topic
from tests.chaos.faults import FAULTS
from tests.chaos.journal import Journal
from tests.chaos.noise import bad_record, marked_record, noise
from tests.chaos.results import Result, append, read_results, times_done
from tests.chaos.runs import shuffled
from tests.chaos.table import PAGE, current, in_all, table, written
from tests.chaos.verdict import Judgement


def test_what_is_missing_is_lost_and_what_is_too_much_or_different_is_wrong() -> None:
    found = Judgement()
    found.compare("things", {"a": 1, "b": 2, "c": 3}, {"b": 2, "c": 4, "d": 5})
    assert (found.lost, found.duplicated, found.wrong, found.checked) == (1, 0, 2, 3)
    assert not found.is_good
    assert found.examples == ["1 things lost: a", "1 things too much: d", "1 things different: c"]


def test_counts_are_compared_as_often_as_things_stand_there() -> None:
    found = Judgement()
    found.compare_counts("letters", Counter(a=2, b=1), Counter(a=1, b=3))
    assert (found.lost, found.wrong) == (1, 2)


def test_all_as_expected_is_good() -> None:
    found = Judgement()
    found.compare("things", {"a": 1}, {"a": 1})
    found.lose("things", [])
    assert found.is_good
    assert found.examples == []


def test_a_journal_knows_its_last_whole_line(tmp_path: Path) -> None:
    journal = Journal(tmp_path / "journal")
    assert journal.last() == []
    journal.note(1, "one")
    journal.note(2, "two")
    with journal.path.open("a") as file:
        file.write("3 thr")
    assert journal.last() == ["2", "two"]
    assert journal.count() == 2


def test_noise_is_the_same_again_and_mostly_good() -> None:
    records = [noise(7, number) for number in range(500)]
    assert records == [noise(7, number) for number in range(500)]
    refused = 0
    for record in records:
        try:
            decode_from_topic(record.value, record.topic)
        except Refusal:
            refused += 1
    assert 0 < refused < 50


@pytest.mark.parametrize("number", range(20))
def test_a_bad_record_is_bad_and_a_marked_one_good(number: int) -> None:
    record = bad_record(1, number)
    if b"2199" not in record.value:  # refused for the future, which its arrival decides
        with pytest.raises(Refusal):
            decode_from_topic(record.value, record.topic)
    marked = marked_record("mark", number)
    assert b"mark-" in marked.value
    decode_from_topic(marked.value, marked.topic)


def test_results_are_gone_on_with(tmp_path: Path) -> None:
    path = tmp_path / "results.jsonl"
    append(path, [Result("kill-sink", times=2), Result("scale", times=1)])
    append(path, [Result("kill-sink", times=1)])
    done = times_done(read_results([path]))
    assert done == Counter({"kill-sink": 3, "scale": 1})
    assert Counter(shuffled({"kill-sink": 4, "scale": 4}, done, seed=1)) == Counter({"scale": 3, "kill-sink": 1})


def test_the_table_adds_results_up(tmp_path: Path) -> None:
    path = tmp_path / "faults.jsonl"
    append(
        path, [Result("kill-sink", "a", times=2, records=1000, recoveries_s=[1.0, 3.0], killed={"sink": 2}, checked=9)]
    )
    append(path, [Result("kill-sink", "b", times=1, records=500, wrong=1, recoveries_s=[8.0], killed={"sink": 1})])
    append(
        path, [Result("broker-kill", "b", times=1, recoveries_s=[4.0], killed={"broker": 1}, repeats=5, overtaken=2)]
    )
    results = read_results([path])
    assert table(results).splitlines()[2:] == [
        f"| `kill-sink` | {FAULTS['kill-sink'].meaning} | 3 | 1,500 | 0 | 0 | 1 | 3.0 s | 8.0 s |",
        f"| `broker-kill` | {FAULTS['broker-kill'].meaning} | 1 | 0 | 0 | 0 | 0 | 4.0 s | 4.0 s |",
        "| all |  | 4 | 1,500 | 0 | 0 | 1 | 3.5 s | 8.0 s |",
    ]
    summary = in_all(results)
    assert summary.startswith("2 runs. kill -9 of 4 processes (broker 1, sink 3); 1 faults of brokers; 9 comparisons")


def test_a_table_goes_between_its_markers() -> None:
    page = "a\n<!-- table: one -->\n{}\n<!-- end of table: one -->\nb\n"
    assert written(page.format("old"), "one", "new") == page.format("new")
    with pytest.raises(ValueError, match="markers"):
        written(page, "two", "new")


def test_the_page_says_what_the_results_say() -> None:
    """docs/RELIABILITY.md is made by a command, and not by hand."""
    page = PAGE.read_text("utf-8")
    assert current(page) == page


def test_every_fault_says_what_it_does() -> None:
    assert all(fault.meaning and fault.kind == kind for kind, fault in FAULTS.items())
