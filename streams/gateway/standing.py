"""What the log knows of each source, for the source itself: followed from the compacted topic of their states."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Standing:
    """Numbers that came and that did not, when the source was heard, and how far its clock is off.

    `holes` are first and last numbers of the oldest holes, `missing` counts the numbers of all; `heard_until` is RFC 3339.
    """

    last_sequence: int = 0
    holes: tuple[tuple[int, int], ...] = ()
    missing: int = 0
    heard_until: str | None = None
    clock_offset_seconds: float | None = None


UNHEARD = Standing()


class Standings:
    """Of all sources that were heard; changed and asked by one thread."""

    def __init__(self) -> None:
        self._standings: dict[str, Standing] = {}

    def of(self, source_id: str) -> Standing:
        """Return what is known of a source."""
        return self._standings.get(source_id, UNHEARD)

    def put(self, source_id: str, standing: Standing | None) -> None:
        """Take what came; None where the source was forgotten."""
        if standing is None:
            self._standings.pop(source_id, None)
        else:
            self._standings[source_id] = standing
