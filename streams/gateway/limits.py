"""How much a source may send: a bucket that fills at a steady rate. By source and not by address: many share one."""

import math


class Bucket:
    """So many records at once, and `per_s` a second for ever."""

    __slots__ = ("_burst", "_filled_at_s", "_per_s", "_tokens")

    def __init__(self, per_s: float, burst: int, now_s: float) -> None:
        self._per_s, self._burst = per_s, burst
        self._tokens, self._filled_at_s = float(burst), now_s

    def is_of(self, per_s: float, burst: int) -> bool:
        """Tell whether it is a bucket of these measures."""
        return (self._per_s, self._burst) == (per_s, burst)

    def take(self, records: int, now_s: float) -> int:
        """Take so many and return 0; or take none and return in how many seconds to come again, 1 at least.

        More than the bucket holds are let through when it is full: they could never be sent otherwise.
        """
        self._tokens = min(float(self._burst), self._tokens + (now_s - self._filled_at_s) * self._per_s)
        self._filled_at_s = now_s
        needed = min(records, self._burst)
        if self._tokens >= needed:
            self._tokens -= records
            return 0
        return max(1, math.ceil((needed - self._tokens) / self._per_s))
