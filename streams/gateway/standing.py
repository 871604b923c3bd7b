"""What the log knows of each source, for the source itself: followed from the compacted topic of their states."""

from dataclasses import dataclass

import msgspec

from events.instants import format_instant
from events.results import SourceState, decode_source_state


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

    def take(self, source_id: str, value: bytes | None) -> None:
        """Take a record of the topic; a tombstone, and what cannot be read, leave nothing known."""
        try:
            state = None if value is None else decode_source_state(value)
        except (msgspec.DecodeError, UnicodeDecodeError):
            state = None
        if state is None:
            self._standings.pop(source_id, None)
        else:
            self._standings[source_id] = _standing(state)


def _standing(state: SourceState) -> Standing:
    offset_ms = state.clock_offset_ms
    return Standing(
        last_sequence=state.last_sequence or 0,
        holes=tuple((hole.first, hole.last) for hole in state.holes),
        missing=state.missing,
        heard_until=None if state.heard_until is None else format_instant(state.heard_until),
        clock_offset_seconds=None if offset_ms is None else offset_ms / 1000,
    )
