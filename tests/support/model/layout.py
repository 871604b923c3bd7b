"""Windows of a day: which there are and by which policy each is judged."""

from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any

from tests.support.model.instants import local_instant


@dataclass(frozen=True)
class Window:
    """One window of one check on one local day, as the policy lays it out."""

    check: str
    date: date
    name: str
    start: datetime
    end: datetime
    rule: dict[str, Any]  # the check of the policy it belongs to
    policy: dict[str, Any]

    @property
    def due_at(self) -> datetime:
        return self.end + timedelta(minutes=self.rule["grace_minutes"])

    @property
    def judged_at(self) -> datetime:
        return self.due_at + timedelta(minutes=self.rule["settle_minutes"])

    @property
    def fixed_at(self) -> datetime:
        """When a verdict on it can no longer change (choice 2: by the late_days of the window's policy)."""
        return self.due_at + timedelta(hours=24 * self.policy["late_days"])

    def has_begun(self, clock: datetime | None) -> bool:
        return clock is not None and self.start <= clock


@dataclass(frozen=True)
class PolicyInForce:
    """A policy and the clock at which it came."""

    policy: dict[str, Any]
    since: datetime | None


Layout = dict[tuple[str, str], Window]


def laid_out(policy: dict[str, Any], day: date) -> Layout:
    """Lay out the windows of a day by one policy."""
    windows: Layout = {}
    for rule in policy["checks"]:
        for window in rule["windows"]:
            start = local_instant(day, window["start"], policy["timezone"])
            end = local_instant(day, window["end"], policy["timezone"])
            windows[rule["name"], window["name"]] = Window(rule["name"], day, window["name"], start, end, rule, policy)
    return windows


def layout_of(history: list[PolicyInForce], day: date) -> Layout:
    """Fold the policies, oldest first, over a day: what has begun stays, the rest is laid out anew.

    Choice 3: a window begins for everybody at once; an opening that arrives later finds the layout it began under.
    """
    windows: Layout = laid_out(history[0].policy, day)
    for change in history[1:]:
        wanted = laid_out(change.policy, day)
        following: Layout = {}
        for key in {**windows, **wanted}:
            window = _after_change(windows.get(key), wanted.get(key), change.since)
            if window is not None:
                following[key] = window
        windows = following
    return windows


def _after_change(former: Window | None, wanted: Window | None, clock: datetime | None) -> Window | None:
    if former is not None and former.has_begun(clock):
        return former
    if wanted is None:
        return None
    # Choice 4: "has passed" and "is past" are strict, unlike "has reached".
    if clock is not None and wanted.start < clock:
        return former
    return wanted
