"""Where batches begin and end."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sinks.clickhouse.assembly import Assembler
from sinks.clickhouse.batches import Batch, UnreadableTopicError, blocks_by_table, cut, deduplication_token
from sinks.clickhouse.runs import Run
from sinks.clickhouse.tables import CHECKS, QUARANTINE
from tests.unit.clickhouse.messages import batch, messages, verdict

PLACE = ("checks", 0)


def assembler(batch_records: int = 10, flush_seconds: float = 1.0) -> Assembler:
    """Return an assembler of two topics."""
    return Assembler({"checks": "checks", "alerts": "alerts"}, batch_records, flush_seconds)


def offsets(batches: list[Batch]) -> list[list[int]]:
    """Return the offsets of each batch."""
    return [[offset for run in found.runs for offset in run.offsets] for found in batches]


def run_at(present: list[int]) -> Run:
    """Return messages of one partition at the given offsets."""
    return Run(*PLACE, list(present), [offset % 7 for offset in present], [b"%d" % offset for offset in present])


class TestCut:
    def test_batches_end_at_multiples_of_their_size(self) -> None:
        """Wherever reading began."""
        full, rest = cut(messages("checks", [b""] * 25, first_offset=7), 10)

        assert [(part.offsets[0], part.offsets[-1]) for part in full] == [(7, 9), (10, 19), (20, 29)]
        assert rest.offsets == [30, 31]

    def test_a_batch_is_full_when_a_later_offset_was_seen(self) -> None:
        """Compaction took 8 and 9 away."""
        full, rest = cut(run_at([*range(8), 14]), 10)

        assert [len(part) for part in full] == [8]
        assert rest.offsets == [14]

    @given(
        st.lists(st.integers(0, 200), min_size=1, unique=True).map(sorted),
        st.integers(1, 30),
        st.data(),
    )
    def test_batches_are_the_same_however_the_messages_arrive(
        self, present: list[int], size: int, data: st.DataObject
    ) -> None:
        """Fetched in one piece or in many, full batches agree, and nothing is lost or doubled."""
        split = data.draw(st.integers(0, len(present)))
        at_once, rest_at_once = cut(run_at(present), size)
        first, held = cut(run_at(present[:split]), size)
        held.extend(run_at(present[split:]))
        second, rest = cut(held, size)

        assert [*first, *second] == at_once
        assert rest == rest_at_once


class TestToken:
    def test_the_same_rows_have_the_same_token(self) -> None:
        """A retry is recognised."""
        assert deduplication_token(CHECKS, batch("checks", b"1", b"2")) == deduplication_token(
            CHECKS, batch("checks", b"1", b"2")
        )

    @pytest.mark.parametrize(
        "other",
        [
            batch("checks", b"1", b"3"),
            batch("checks", b"1"),
            batch("checks", b"1", b"2", first_offset=1),
            batch("checks", b"1", b"2", partition=1),
        ],
    )
    def test_other_rows_have_another_token(self, other: Batch) -> None:
        """A token known to ClickHouse drops rows in silence."""
        assert deduplication_token(CHECKS, other) != deduplication_token(CHECKS, batch("checks", b"1", b"2"))

    def test_it_reads_well_in_a_query_log(self) -> None:
        """Table, version, positions."""
        token = deduplication_token(CHECKS, batch("checks", b"1", b"2", partition=3, first_offset=40))

        assert token.startswith("checks/1/checks/3/40-41/")


class TestRows:
    def test_bad_messages_go_beside_the_good_ones(self) -> None:
        """One bad record never stops the rest."""
        found = blocks_by_table(batch("checks", *[verdict("P1", "03")] * 15, b"{", b"{"))

        assert {table.name: len(block) for table, block in found.items()} == {"checks": 15, "quarantine": 2}

    def test_a_topic_that_is_unreadable_as_a_whole_stops_the_sink(self) -> None:
        """A wrong prefix, or a newer format."""
        with pytest.raises(
            UnreadableTopicError, match=r"20 of 30 messages are unreadable, .* partition 0 at offset 10"
        ):
            blocks_by_table(batch("checks", *[verdict("P1", "03")] * 10, *[b"{"] * 20))

    def test_a_few_bad_messages_are_no_verdict_on_the_topic(self) -> None:
        """At low rates a batch is small."""
        assert list(blocks_by_table(batch("checks", b"{", b"{"))) == [QUARANTINE]


class TestAssembler:
    def test_what_fills_a_batch_goes_at_once(self) -> None:
        """The rest waits."""
        gathered = assembler()
        gathered.add(messages("checks", [b""] * 12), now=0.0)

        assert offsets(gathered.take(0.0)) == [list(range(10))]
        assert gathered.first_waiting(PLACE) == 10

    def test_what_waited_long_enough_goes_together(self) -> None:
        """One batch a topic, whatever its partitions."""
        gathered = assembler()
        gathered.add(messages("checks", [b""] * 2, 1, 40), now=0.0)
        gathered.add(messages("checks", [b""] * 3), now=0.2)

        assert gathered.take(0.9) == []
        assert offsets(gathered.take(1.3)) == [[0, 1, 2, 40, 41]]
        assert gathered.first_waiting(PLACE) is None

    def test_a_partition_that_is_being_caught_up_with_waits_for_its_batch(self) -> None:
        """So that batches are the same on every run; but not for ever."""
        gathered = assembler()
        gathered.add(messages("checks", [b""] * 3), now=0.0, end_seen=1000)

        assert gathered.take(5.0) == []
        assert offsets(gathered.take(10.0)) == [[0, 1, 2]]

    def test_at_the_end_everything_goes(self) -> None:
        """A graceful stop loses no work."""
        gathered = assembler()
        gathered.add(messages("checks", [b""] * 3), now=0.0)

        assert offsets(gathered.take(0.0, everything=True)) == [[0, 1, 2]]
        assert gathered.take(9.0, everything=True) == []

    def test_a_partition_that_starts_again_earlier_is_read_as_it_comes(self) -> None:
        """After a rebalance: nothing is missing, and nothing is twice in a batch."""
        gathered = assembler()
        gathered.add(messages("checks", [b"old"] * 6, first_offset=2), now=0.0)
        gathered.add(messages("checks", [b"new"] * 5, first_offset=4), now=0.0)

        (taken,) = gathered.take(0.0, everything=True)

        (run,) = taken.runs
        assert list(zip(run.offsets, run.values, strict=True)) == [
            *((offset, b"old") for offset in (2, 3)),
            *((offset, b"new") for offset in (4, 5, 6, 7, 8)),
        ]

    def test_it_knows_how_much_is_waiting(self) -> None:
        """In messages and in bytes, also after a rebalance took some back."""
        gathered = assembler()
        gathered.add(messages("checks", [b"1234"] * 12), now=0.0)
        gathered.add(messages("checks", [b"12"] * 4, first_offset=10), now=0.0)
        assert (gathered.waiting_records, gathered.waiting_bytes) == (14, 48)

        gathered.take(0.0)
        assert (gathered.waiting_records, gathered.waiting_bytes) == (4, 8)

        gathered.take(0.0, everything=True)
        assert (gathered.waiting_records, gathered.waiting_bytes) == (0, 0)
