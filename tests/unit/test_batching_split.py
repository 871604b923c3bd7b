"""Cutting what a fetch brought into batches: bounded, in order, nothing left out."""

from __future__ import annotations

import pytest

from streams.batching.batch import Batch, Fetched, RawRecord, split
from tests.support.fakes import raw_record


def batches(values: list[bytes | None], *, records_max: int = 100, bytes_max: int = 1000) -> list[Batch]:
    """Cut records at offsets 10, 12, 14 ... of a fetch that began at 8 and ended before 50."""
    records: list[RawRecord] = [raw_record("t", 1, 10 + 2 * number, value) for number, value in enumerate(values)]
    return list(split("t", 1, Fetched(8, 50, records), records_max=records_max, bytes_max=bytes_max))


def shape(found: list[Batch]) -> list[tuple[int, int, int, int]]:
    """Return where each batch starts and goes on, its records and its bytes."""
    return [(batch.start_offset, batch.next_offset, len(batch), batch.size_bytes) for batch in found]


@pytest.mark.parametrize(
    ("values", "limits", "expected"),
    [
        ([], {}, []),
        ([b"abc", None, b""], {}, [(8, 50, 3, 3)]),
        ([b"a"] * 5, {"records_max": 2}, [(8, 13, 2, 2), (13, 17, 2, 2), (17, 50, 1, 1)]),
        ([b"abc", b"abc", b"a"], {"bytes_max": 4}, [(8, 11, 1, 3), (11, 50, 2, 4)]),
        ([b"a", b"x" * 9, b"a"], {"bytes_max": 4}, [(8, 11, 1, 1), (11, 13, 1, 9), (13, 50, 1, 1)]),
        ([b"x" * 9], {"bytes_max": 4}, [(8, 50, 1, 9)]),
        ([b"ab", b"ab"], {"bytes_max": 4, "records_max": 2}, [(8, 50, 2, 4)]),
    ],
)
def test_cuts(values: list[bytes | None], limits: dict[str, int], expected: list[tuple[int, int, int, int]]) -> None:
    """Each batch starts where the one before ended, whatever offsets carry no record; one large record goes alone."""
    found = batches(values, **limits)

    assert shape(found) == expected
    assert [record.value for batch in found for record in batch] == values
