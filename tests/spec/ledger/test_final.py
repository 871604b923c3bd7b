"""Final verdicts"""

import pytest

from tests.support.timeline import Timeline

LATE_RECORDS = [
    "visit P1 seen, taken 02-03 09:00",
    "waive P1 visit 02-03 am",
    "close O1 P1 cancelled, taken 02-03 07:00",
]


@pytest.mark.parametrize("record", LATE_RECORDS)
def test_no_verdict_changes_late_days_after_its_due_time(timeline: Timeline, record: str) -> None:
    """When the clock has reached end + grace + late days, no record changes the verdict any more."""
    story = timeline(f"""
        02-01 08:00 | policy late_days=2
        02-02 20:00 | open O1 P1 home, last exposure 02-02
        02-03 12:40 | tick
        02-05 12:30 | tick
        02-05 12:31 | {record}
    """)

    assert story.states("P1", "visit", "02-03", "am") == ["missed"]
    assert story.dead_letters == []


@pytest.mark.parametrize("record", LATE_RECORDS)
def test_a_verdict_can_change_until_then(timeline: Timeline, record: str) -> None:
    """With the clock a microsecond below end + grace + late days, the verdict can still be revised."""
    story = timeline(f"""
        02-01 08:00           | policy late_days=2
        02-02 20:00           | open O1 P1 home, last exposure 02-02
        02-03 12:40           | tick
        02-05 12:29:59.999999 | tick
        02-05 12:31           | {record}
    """)

    assert len(story.states("P1", "visit", "02-03", "am")) == 2


def test_with_no_late_days_a_missed_check_stays_missed(timeline: Timeline) -> None:
    """With `late_days` 0 a check that was judged at all can be revised no more."""
    story = timeline("""
        02-01 08:00 | policy late_days=0
        02-02 20:00 | open O1 P1 home, last exposure 02-02
        02-03 12:35 | tick
        02-03 12:36 | visit P1 seen, taken 02-03 09:00
    """)

    assert story.states("P1", "visit", "02-03", "am") == ["missed"]


def test_a_first_verdict_is_no_revision(timeline: Timeline) -> None:
    """A check that is still pending gets its first verdict, however long after its due time it came into being."""
    story = timeline("""
        02-01 08:00 | policy late_days=0
        02-05 09:00 | tick
        02-05 09:01 | open O1 P1 home, last exposure 02-02, taken 02-02 20:00
        02-05 09:02 | visit P1 seen, taken 02-03 09:00
        02-05 09:03 | tick
    """)

    assert story.states("P1", "visit", "02-03", "am") == ["done"]
    assert story.states("P1", "visit", "02-03", "pm") == ["missed"]
