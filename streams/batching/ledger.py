"""Which batches of one partition are out, and how far their acks allow the group to commit."""

from __future__ import annotations

from collections import deque
from collections.abc import Container
from typing import NamedTuple


class _Pending(NamedTuple):
    """A batch that is out, or a stretch without records: `last_offset`, which is what is acked, is None then."""

    last_offset: int | None
    next_offset: int
    start_offset: int
    delivered_at: float  # as `deliver` was told


class PartitionLedger:
    """Follow the batches of one partition from delivery to commit.

    Worked example, batches named by their last offset:

        deliver 0..9, 10..19, 20..29      pending 9 19 29     expected 30
        ack 19                            settle -> None      9 is still out: nothing may be committed
        ack 9                             settle -> 20        9 and 19 leave, 29 stays

    Acks out of order therefore never commit what was not acked. `expected` is the offset the next batch must
    start at: whatever was fetched and then thrown away (a pause, a rebalance) shows as a difference and is read again.
    `begin` is where this assignment began.
    """

    __slots__ = ("_pending", "begin", "expected")

    def __init__(self, expected: int) -> None:
        self.begin = self.expected = expected
        self._pending: deque[_Pending] = deque()

    def deliver(self, last_offset: int, next_offset: int, delivered_at: float = 0.0) -> None:
        """Note a batch that was handed out, and when."""
        self._pending.append(_Pending(last_offset, next_offset, self.expected, delivered_at))
        self.expected = next_offset

    def skip(self, next_offset: int) -> None:
        """Note that reading went on to `next_offset` without a record: nobody will ack that."""
        self._pending.append(_Pending(None, next_offset, self.expected, 0.0))
        self.expected = next_offset

    def seek(self, offset: int) -> None:
        """Go on at `offset`; batches at or after it count as not handed out."""
        while self._pending and self._pending[-1].next_offset > offset:
            self._pending.pop()
        self.expected = offset

    def settle(self, acked: Container[int], committed: int | None) -> int | None:
        """Return the offset to commit, or None when nothing new is settled; settled batches are forgotten.

        Batches that end at or before `committed` (read a second time after a seek) need no ack.
        """
        offset = None
        while self._pending:
            last_offset, next_offset, _, _ = self._pending[0]
            is_settled = last_offset is None or last_offset in acked or next_offset <= (committed or 0)
            if not is_settled:
                break
            self._pending.popleft()
            offset = next_offset
        return offset

    def oldest_unacked(self, acked: Container[int]) -> tuple[int, float] | None:
        """Return where the oldest batch that is not acked starts and when it was delivered; may be asked by any thread."""
        for batch in tuple(self._pending):
            if batch.last_offset is not None and batch.last_offset not in acked:
                return batch.start_offset, batch.delivered_at
        return None

    @property
    def pending_count(self) -> int:
        """Return how many batches are out and not settled."""
        return len(self._pending)
