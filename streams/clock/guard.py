"""Whether the machine's time may become the clock of the log (ADR 19). Pure: every time is an argument.

A tick cannot be taken back: one that comes too early makes deadlines come early, for good. So the machine's time is
compared with witnesses before it is written:

    the brokers      what they stamped on the last record that was acknowledged here, carried on by the steady clock
    the steady clock where the brokers stamp nothing: the machine's time at the last tick, carried on likewise
    the log          its last tick

               last tick                    now
    machine    12:00:00                     15:00:10     somebody set it
    steady     |------- 10 s ---------------|
    expected   12:00:00                     12:00:10     the machine is 3 h ahead: held

The steady clock runs on while the machine sleeps, where the system has such a one, so waking up is no jump.
"""

import sys
import time
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

_AGREEMENT_S = 1.0


class Hold(StrEnum):
    """Why no tick is written."""

    AHEAD = "time_ahead"
    BEHIND = "time_behind"


@dataclass(frozen=True, slots=True)
class Anchor:
    """An instant that was believed, and what the steady clock showed then, in seconds."""

    at: datetime
    steady_s: float

    def carried_to(self, steady_s: float) -> datetime:
        """Return the instant that the steady clock makes of it by now."""
        return self.at + timedelta(seconds=steady_s - self.steady_s)


@dataclass(frozen=True, slots=True)
class Limits:
    """What is believed: up to `ahead_s` ahead of the anchor (0: anything), and what lies before `confirmed_until`."""

    ahead_s: float
    confirmed_until: datetime | None = None


def ahead_of(anchor: Anchor | None, machine: datetime, steady_s: float) -> float:
    """Return by how many seconds the machine's time is ahead of what is expected; 0 where nothing is known."""
    return 0.0 if anchor is None else (machine - anchor.carried_to(steady_s)).total_seconds()


def judge(
    machine: datetime, ahead_s: float, tick_at: datetime, last_tick_at: datetime | None, limits: Limits
) -> Hold | None:
    """Return why the tick `tick_at`, made from the machine's time, must not be written; None when it may be."""
    if 0 < limits.ahead_s < ahead_s and not is_confirmed(machine, limits):
        return Hold.AHEAD
    if last_tick_at is not None and tick_at <= last_tick_at:
        return Hold.BEHIND
    return None


def is_confirmed(machine: datetime, limits: Limits) -> bool:
    """Tell whether somebody has made sure of the machine's time."""
    return limits.confirmed_until is not None and machine <= limits.confirmed_until


def distance_s(machine: datetime, ahead_s: float, lag_s: float, limits: Limits) -> float:
    """Return how far behind the machine's time a tick stays: `lag_s`, or as far as the machine is ahead, if that is more.

    What brokers stamp before the machine's time as they see it must not stand behind a tick that is later. Below a second
    clocks never agree; and where the machine is believed whatever they say, so it is here.
    """
    if ahead_s < _AGREEMENT_S or limits.ahead_s <= 0 or is_confirmed(machine, limits):
        return lag_s
    return max(lag_s, ahead_s)


def steady_seconds() -> float:
    """Return seconds of a clock that nobody can set, and that goes on in a sleep where the system has such a one."""
    if hasattr(time, "CLOCK_BOOTTIME"):
        return time.clock_gettime(time.CLOCK_BOOTTIME)
    return time.clock_gettime(time.CLOCK_MONOTONIC) if sys.platform == "darwin" else time.monotonic()
