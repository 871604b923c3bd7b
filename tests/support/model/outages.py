"""Outages, during which nobody is accused: the addition to contract section 4."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from tests.support.model.instants import parse_instant
from tests.support.model.results import change_alert, raise_alert
from tests.support.model.world import Check, Record, World


@dataclass
class Outage:
    """What the first opening and the first closing under an id say."""

    opening: Record | None = None
    closing: Record | None = None
    closing_position: int = 0

    @property
    def settled_at(self) -> datetime | None:
        if self.closing is None:
            return None
        return max(parse_instant(self.closing["until"]), parse_instant(self.closing["backfill_until"]))

    def is_over(self, check: Check) -> bool:
        if self.opening is None:
            return False
        area = self.opening.get("area")
        is_there = area is None or f"{check.observation.area}/".startswith(f"{area}/")
        begins_before = parse_instant(self.opening["since"]) < check.window.due_at
        ends_after = self.closing is None or parse_instant(self.closing["until"]) > check.window.start
        return is_there and begins_before and ends_after


def note(world: World, record: Record) -> None:
    """Follow an opening or a closing."""
    outage = world.outages.setdefault(record["outage_id"], Outage())
    if record["kind"] == "outage_opened":
        outage.opening = outage.opening or record
    elif outage.closing is None:
        outage.closing, outage.closing_position = record, world.position
    if not record.get("is_copy"):
        _tell(world, record, outage)


def _tell(world: World, record: Record, outage: Outage) -> None:
    key = f"outage:{record['outage_id']}"
    alert = next((known for known in world.alerts if known.rule == "way_broken" and known.person == key), None)
    if record["kind"] == "outage_opened" and alert is None and record["source_id"] != "gridwatch-watch":
        area, source = record.get("area"), record.get("concerned_source_id")
        subject = f"area:{area}" if area else key
        alert = raise_alert(
            world,
            rule="way_broken",
            subject=f"source:{source}" if source else subject,
            occurrence=record["outage_id"],
            person=key,
            area=area or "",
            severity="warning" if area else "critical",
            event_id=record["event_id"],
        )
    if alert is not None and alert.is_open and outage.closing is not None:
        closed_by, position = outage.closing["event_id"], outage.closing_position
        change_alert(world, alert, reason="way_restored", state="resolved", event_id=closed_by, position=position)


def holding(world: World, check: Check, before: datetime | None) -> list[str]:
    """List the openings that hold a check which falls due, in the order in which their outages became known."""
    judged_at = check.window.judged_at if before is None else max(before, check.window.judged_at)
    return [
        outage.opening["event_id"]
        for outage in world.outages.values()
        if outage.opening is not None
        and outage.is_over(check)
        and (outage.settled_at is None or outage.settled_at > judged_at)
    ]


def release_at(world: World, check: Check, before: datetime | None) -> datetime | None:
    """Say when a held check is missed; None while that is open, and where it can change no more."""
    over: list[Any] = [outage.settled_at for outage in world.outages.values() if outage.is_over(check)]
    if None in over:
        return None
    instant: datetime = max([check.window.judged_at, *over])
    fixed_at = check.window.fixed_at
    return None if instant >= fixed_at or (before is not None and before >= fixed_at) else instant
