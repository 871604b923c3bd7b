"""Cutting fetches into batches, and how far acks allow a commit."""

from __future__ import annotations

from collections.abc import Sequence

from aiokafka.structs import ConsumerRecord
from hypothesis import given
from hypothesis import strategies as st

from streams.batching.batch import Batch, Fetched, RawRecord, split
from streams.batching.ledger import PartitionLedger


def record(offset: int, value_bytes: int = 10) -> RawRecord:
    """Make a record with a value of a size, no key."""
    made: RawRecord = ConsumerRecord("t", 0, offset, 0, 0, None, b"v" * value_bytes, None, -1, value_bytes, ())
    return made


def cut(fetched: Fetched, records_max: int = 1000, bytes_max: int = 1_000_000) -> list[Batch]:
    return list(split("t", 0, fetched, records_max=records_max, bytes_max=bytes_max))


fetches = st.lists(st.tuples(st.integers(1, 5), st.integers(0, 40)), max_size=60)


def fetch_of(steps: Sequence[tuple[int, int]], tail: int = 0) -> Fetched:
    """Make a fetch from steps of (distance to the offset before, size); `tail` offsets without a record follow."""
    offset, records = 99, []
    for distance, size in steps:
        offset += distance
        records.append(record(offset, size))
    return Fetched(100, offset + 1 + tail, records)


@given(fetches, st.integers(1, 20), st.integers(1, 100), st.integers(0, 5))
def test_batches_are_bounded_and_leave_nothing_out(
    steps: list[tuple[int, int]], records_max: int, bytes_max: int, tail: int
) -> None:
    """Whatever the fetch: batches in order, without a gap between them, none too large unless it is one record."""
    fetched = fetch_of(steps, tail)

    batches = cut(fetched, records_max, bytes_max)

    assert [item.offset for batch in batches for item in batch] == [item.offset for item in fetched.records]
    assert all(len(batch) <= records_max for batch in batches)
    assert all(batch.size_bytes <= bytes_max or len(batch) == 1 for batch in batches)
    edges = [fetched.start_offset, *(batch.next_offset for batch in batches)]
    assert [batch.start_offset for batch in batches] == edges[:-1]
    assert not batches or edges[-1] == fetched.next_offset


def test_a_batch_does_not_show_its_contents() -> None:
    """Keys and values are personal data: they must not reach a log by way of a repr."""
    (batch,) = cut(Fetched(5, 8, [record(5), record(7)]))

    assert repr(batch) == "<Batch t:0 5..8 records=2>"
    assert (batch.first_offset, batch.last_offset) == (5, 7)


def test_acks_out_of_order_commit_only_what_is_acked_from_the_beginning_on() -> None:
    """The later batch waits for the earlier one."""
    ledger = PartitionLedger(0)
    ledger.deliver(9, 10)
    ledger.deliver(19, 20)

    assert ledger.settle({19}, None) is None
    assert ledger.settle({9, 19}, None) == 20
    assert ledger.pending_count == 0


def test_offsets_without_a_record_are_committed_with_what_stands_before_them() -> None:
    """Nobody acks a skip, but it waits for the batches before it."""
    ledger = PartitionLedger(0)
    ledger.deliver(4, 5)
    ledger.skip(8)

    assert ledger.settle(set(), None) is None
    assert ledger.settle({4}, None) == 8
    assert ledger.expected == 8


def test_a_seek_back_takes_batches_out_and_needs_no_ack_below_the_commit() -> None:
    """What is read a second time below the committed offset never holds the commit back."""
    ledger = PartitionLedger(0)
    ledger.deliver(9, 10)
    ledger.deliver(19, 20)
    ledger.seek(5)

    assert (ledger.pending_count, ledger.expected) == (0, 5)

    ledger.deliver(9, 10)
    ledger.deliver(29, 30)
    assert ledger.settle({29}, 10) == 30


@given(st.lists(st.integers(1, 5), min_size=1, max_size=30), st.randoms(use_true_random=False))
def test_the_commit_never_passes_a_batch_that_is_not_acked(lengths: list[int], random: object) -> None:
    """Acks in any order: after each, the commit stands before the first batch still out."""
    ledger, lasts, offset = PartitionLedger(0), [], 0
    for length in lengths:
        offset += length
        ledger.deliver(offset - 1, offset)
        lasts.append(offset - 1)
    order = list(lasts)
    random.shuffle(order)  # type: ignore[attr-defined]
    acked: set[int] = set()
    committed = 0
    for last in order:
        acked.add(last)
        committed = ledger.settle(acked, committed) or committed
        outstanding = [one for one in lasts if one not in acked]
        assert committed == (0 if outstanding and outstanding[0] == lasts[0] else committed)
        assert all(committed <= one for one in outstanding)
    assert committed == offset
