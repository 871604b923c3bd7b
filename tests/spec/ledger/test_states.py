"""The states of a check"""

import pytest

from events.vocabulary import CheckState
from streams.core.ledger import TRANSITIONS, CheckEvent
from tests.support.timeline import Timeline


def test_pending_until_decided(timeline: Timeline) -> None:
    """An expected check is `pending`, without a verdict, until one of the other states comes."""
    story = timeline("""
        02-02 20:00 | open O1 P1 home, last exposure 02-02
        02-03 12:34 | tick
    """)

    assert story.verdicts() == []
    assert story.expected("P1")["visit/02-03/am"] == "pending"


def test_waived_by_a_waiver(timeline: Timeline) -> None:
    """A waiver makes a pending check `waived`, before, in or after its window."""
    story = timeline("""
        02-02 20:00 | open O1 P1 home, last exposure 02-02
        02-03 12:31 | tick
        02-03 12:32 | waive P1 visit 02-03 am
        02-03 12:33 | waive P1 visit 02-16 pm
        02-03 12:40 | tick
    """)

    assert story.states("P1", "visit", "02-03", "am") == ["waived"]
    assert story.states("P1", "visit", "02-16", "pm") == ["waived"]


def test_waived_after_missed(timeline: Timeline) -> None:
    """A waiver that comes after `missed` is revision 2 of the same check."""
    story = timeline("""
        02-02 20:00 | open O1 P1 home, last exposure 02-02
        02-03 12:40 | tick
        02-03 13:00 | waive P1 visit 02-03 am
    """)

    assert story.states("P1", "visit", "02-03", "am") == ["missed", "waived"]
    assert story.verdict("P1", "visit", "02-03", "am").revision == 2


@pytest.mark.parametrize(
    "ending",
    [
        "02-03 09:00 | visit P1 seen",
        "02-03 09:00 | waive P1 visit 02-03 am",
        "02-03 13:00 | visit P1 seen, taken 02-03 09:00",
    ],
)
def test_done_late_and_waived_do_not_change_any_more(timeline: Timeline, ending: str) -> None:
    """After `done`, `late` or `waived` neither a visit, nor a waiver, nor a closing, nor a tick brings another verdict."""
    tick = "02-03 12:40 | tick" if ending.startswith("02-03 13") else "02-02 21:00 | tick"
    story = timeline(f"""
        02-02 20:00 | open O1 P1 home, last exposure 02-02
        {tick}
        {ending}
        02-03 14:00 | visit P1 seen, taken 02-03 09:30
        02-03 14:10 | waive P1 visit 02-03 am
        02-03 14:20 | close O1 P1 cancelled, taken 02-03 07:00
        02-03 14:30 | tick
    """)

    assert story.states("P1", "visit", "02-03", "am")[-1] == story.outcome(3).verdicts[0].state
    assert story.verdicts("P1", "visit", "02-03", "am")[-1] == story.outcome(3).verdicts[0]
    assert story.dead_letters == []


def test_what_is_decided_stays_decided() -> None:
    """Nothing leads out of `done`, `late` and `waived`, and `unknown` comes from `pending` alone."""
    assert {state for state, _ in TRANSITIONS} == {CheckState.PENDING, CheckState.MISSED, CheckState.UNKNOWN}
    assert [before for (before, _), after in TRANSITIONS.items() if after is CheckState.UNKNOWN] == [CheckState.PENDING]
    assert (CheckState.MISSED, CheckEvent.OVERDUE) not in TRANSITIONS
