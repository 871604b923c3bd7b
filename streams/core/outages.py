"""Outages: while the way of the records is broken nobody is accused of a check that may have been made.

An outage concerns an area, or all, from `since` until it is closed; what was held back has come by `backfill_until`. A check
that falls due while an outage over its window is not settled becomes `unknown`. It becomes `done` by the record that comes
after all, or `missed` when the last outage over it is settled. The records stand in every partition; the alert lives in the
one where the outage stands under its own key.
"""

from collections.abc import Iterable, Iterator
from datetime import datetime

import msgspec

from events.results import Alert
from streams.core.layout import Slot


class Outage(msgspec.Struct, kw_only=True):
    """One outage as this partition knows it; closing and opening may come in either order.

    `settled_at` is when all that was held back has come, None while that cannot be said. `alert` is its newest revision,
    in the partition where it lives.
    """

    outage_id: str
    opened_by: str = ""
    area: str | None = None
    since: datetime | None = None
    closed_by: str = ""
    until: datetime | None = None
    settled_at: datetime | None = None
    alert: Alert | None = None

    def is_over(self, area: str, slot: Slot) -> bool:
        """Tell whether the outage lies over the time in which a check of an area can be made."""
        if self.since is None or self.since >= slot.due_at or (self.until is not None and self.until <= slot.start):
            return False
        return self.area is None or area == self.area or area.startswith(f"{self.area}/")


class Outages:
    """The outages of a partition, by their ids in the order in which they became known."""

    def __init__(self, known: Iterable[Outage] = ()) -> None:
        self.known = {outage.outage_id: outage for outage in known}

    def __iter__(self) -> Iterator[Outage]:
        return iter(self.known.values())

    def unsettled(self, clock: datetime | None) -> "Outages":
        """Return those that can hold a check which a tick after `clock` judges: most often none."""
        return Outages(
            outage
            for outage in self.known.values()
            if outage.settled_at is None or clock is None or outage.settled_at > clock
        )

    def holding(self, area: str, slot: Slot, clock: datetime | None) -> tuple[str, ...]:
        """Return the records that hold a check which the first tick after `clock` judges; nothing where none does."""
        judged_at = slot.judge_at if clock is None else max(slot.judge_at, clock)
        return tuple(
            outage.opened_by
            for outage in self.known.values()
            if (outage.settled_at is None or outage.settled_at > judged_at) and outage.is_over(area, slot)
        )

    def release_at(self, area: str, slot: Slot, clock: datetime | None) -> datetime | None:
        """Return when a check that is held becomes `missed`, None where that cannot be said or it can change no more."""
        release_at = slot.judge_at
        for outage in self.known.values():
            if outage.is_over(area, slot):
                if outage.settled_at is None:
                    return None
                release_at = max(release_at, outage.settled_at)
        is_final = release_at >= slot.final_at or (clock is not None and clock >= slot.final_at)
        return None if is_final else release_at

    def forget_before(self, instant: datetime) -> None:
        """Let go of outages that were settled before an instant."""
        self.known = {
            outage_id: outage
            for outage_id, outage in self.known.items()
            if outage.settled_at is None or outage.settled_at >= instant
        }
