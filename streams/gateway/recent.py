"""The records that a process has written last, by which a repeat is answered as one.

Best effort: intake is who leaves repeats out. A repeat that reaches another process, or comes late, is `accepted` once more.
"""

from collections.abc import Iterable


class RecentRecords:
    """Fingerprints in two generations: the last `kept` at least, twice as many at most."""

    def __init__(self, kept: int) -> None:
        self._kept = kept
        self._newer: set[bytes] = set()
        self._older: set[bytes] = set()

    def __contains__(self, fingerprint: bytes) -> bool:
        return fingerprint in self._newer or fingerprint in self._older

    def __len__(self) -> int:
        return len(self._newer) + len(self._older)

    def remember(self, fingerprints: Iterable[bytes]) -> None:
        """Remember what the brokers have acknowledged."""
        self._newer.update(fingerprints)
        if len(self._newer) >= self._kept:
            self._older, self._newer = self._newer, set()
