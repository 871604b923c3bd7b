"""Slots in time: order of judgement, order of due times, and which of them an instant counts for."""

from datetime import date, datetime, timedelta

import pytest

from events.policy import default_policy, parse_policy, policy_document
from streams.core.layout import EMPTY_LAYOUT, Layout, Slot, day_slots

FIRST_DAY = date(2020, 2, 3)
MICROSECOND = timedelta(microseconds=1)


def slots(days: int = 2) -> list[Slot]:
    """Return the slots of a few days under the policy of the contract."""
    policy = default_policy()
    return [slot for n in range(days) for slot in day_slots(policy, FIRST_DAY + timedelta(days=n))]


def slot(check: str, window: str) -> Slot:
    """Return one slot of the first day."""
    return next(found for found in slots(1) if (found.check, found.window) == (check, window))


def test_a_slot_knows_its_instants() -> None:
    """Due is end and grace, judged at due and settle, final at due and late days."""
    am = slot("visit", "am")

    assert am.start == datetime.fromisoformat("2020-02-03T06:00+08:00")
    assert am.end == datetime.fromisoformat("2020-02-03T12:00+08:00")
    assert am.due_at == am.end + timedelta(minutes=30)
    assert am.judge_at == am.due_at + timedelta(minutes=5)
    assert am.final_at == am.due_at + timedelta(days=30)


def test_slots_stand_in_the_order_of_judgement() -> None:
    """A layout is in the order of judgement, whatever the order in which slots come."""
    forwards, backwards = Layout(slots()), Layout(reversed(slots()))

    assert forwards.slots == backwards.slots
    assert [found.judge_at for found in forwards.slots] == sorted(found.judge_at for found in forwards.slots)
    assert forwards.slots[0].key == ("temperature", FIRST_DAY, "am")


def test_the_index_finds_every_slot() -> None:
    """Every slot is found by its key."""
    layout = Layout(slots())

    assert [layout.slots[layout.index[found.key]] for found in slots()] == slots()


def test_by_check_is_latest_due_first() -> None:
    """The slots of one check come latest due first."""
    layout = Layout(slots())

    visits = [layout.slots[position] for position in layout.by_check["visit"]]
    assert [(found.date.day, found.window) for found in visits] == [(4, "pm"), (4, "am"), (3, "pm"), (3, "am")]


@pytest.mark.parametrize("window", ["am", "pm"])
def test_around_holds_the_start_and_not_the_due_time(window: str) -> None:
    """An instant counts for a slot in `[start, end + grace)`."""
    layout = Layout(slots())
    found = slot("visit", window)
    position = layout.index[found.key]

    assert position not in layout.around(found.start - MICROSECOND)
    assert position in layout.around(found.start)
    assert position in layout.around(found.due_at - MICROSECOND)
    assert position not in layout.around(found.due_at)


def test_around_agrees_with_a_look_at_every_slot() -> None:
    """Windows of many lengths, some of which overlap, are all found."""
    document = policy_document(default_policy())
    document["checks"][0]["windows"] = [
        {"name": "day", "start": "00:00", "end": "24:00"},
    ]
    document["checks"][1]["windows"] = [
        {"name": f"h{hour}", "start": f"{hour:02d}:00", "end": f"{hour + 1:02d}:00"} for hour in range(24)
    ]
    policy = parse_policy(document)
    layout = Layout(found for n in range(3) for found in day_slots(policy, FIRST_DAY + timedelta(days=n)))

    midnight = layout.slots[layout.index["temperature", FIRST_DAY, "day"]].start
    for quarter in range(4 * 24 * 3):
        instant = midnight + timedelta(minutes=15 * quarter)
        wanted = [n for n, found in enumerate(layout.slots) if found.start <= instant < found.due_at]
        assert layout.around(instant) == wanted


def test_an_empty_layout() -> None:
    """A layout without slots has nothing around any instant."""
    assert EMPTY_LAYOUT.around(datetime.fromisoformat("2020-02-03T00:00+00:00")) == []
