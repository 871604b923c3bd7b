"""The highest number of each source that this process has taken: what the log knows of a source is some seconds older."""

from collections.abc import Iterable

from streams.gateway.door import Judged


class HighestNumbers:
    """Of registered sources, so it is bounded by their number."""

    def __init__(self) -> None:
        self._highest: dict[str, int] = {}

    def note(self, source_id: str, judged: Iterable[Judged]) -> None:
        """Note what the brokers have acknowledged."""
        highest = max((each.sequence for each in judged), default=0)
        if highest > self._highest.get(source_id, 0):
            self._highest[source_id] = highest

    def of(self, source_id: str) -> int:
        """Return the highest number, 0 where none came through this process."""
        return self._highest.get(source_id, 0)
