"""Time comes from ticks alone: how finely it is cut changes when something is decided, never what."""

from datetime import datetime, timedelta
from random import Random

import pytest

from events.codec import encode
from events.instants import format_instant
from events.records import Tick
from tests.properties.logs import Log, tick_of, without_clocks


def split_ticks(lines: list[bytes], random: Random) -> list[bytes]:
    """Put some ticks before ticks, each later than the clock was and not later than the tick it stands before."""
    clock: datetime | None = None
    split: list[bytes] = []
    for line in lines:
        tick = tick_of(line)
        if tick is not None and (clock is None or tick.at > clock):
            began = clock or tick.at - timedelta(days=random.choice([0, 1, 20]))
            shares = sorted(random.random() for _ in range(random.choice([0, 1, 3, 12])))
            split += [encode(Tick(at=began + (tick.at - began) * share)) for share in shares]
            clock = tick.at
        split.append(line)
    return split


@pytest.mark.seeds(share=0.2)
def test_ticks_split(log: Log) -> None:
    """Many small ticks instead of one late one: the same verdicts and alerts in the same order, their clocks apart."""
    once, often = log.replay(), log.replay(split_ticks(log.lines, log.random("split")))

    assert without_clocks(often.verdicts) == without_clocks(once.verdicts)
    assert without_clocks(often.alerts) == without_clocks(once.alerts)
    assert often.replay.state.clock == once.replay.state.clock


@pytest.mark.seeds(share=0.2)
def test_ticks_that_do_not_raise_the_clock(log: Log) -> None:
    """A tick at or below the clock, anywhere in the log, changes nothing at all."""
    random, clock, more = log.random("lower"), "", list[bytes]()
    for line in log.lines:
        more.append(line)
        tick = tick_of(line)
        clock = clock if tick is None else max(clock, format_instant(tick.at).rstrip("Z"))
        if clock and random.random() < 0.3:
            at = datetime.fromisoformat(f"{clock}+00:00") - timedelta(hours=random.choice([0, 0, 1, 1000]))
            more.append(encode(Tick(at=at)))

    once, often = log.replay(), log.replay(more)

    assert (often.verdicts, often.alerts) == (once.verdicts, once.alerts)


@pytest.mark.seeds(share=0.2)
def test_no_deadline_is_decided_without_a_tick(log: Log) -> None:
    """Without ticks nothing is missed, lost, overdue or unconfirmed, whatever the records say about the time."""
    found = log.replay([line for line in log.lines if tick_of(line) is None])

    assert not any(row["state"] == "missed" for row in without_clocks(found.verdicts))
    of_time = {"missed_check", "contact_lost", "observation_overdue"}
    alerts = without_clocks(found.alerts)
    assert not any(row["rule"] in of_time or row["reason"] in ("unconfirmed", "lapsed") for row in alerts)
