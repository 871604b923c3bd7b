"""Resolved"""

from tests.support.timeline import Timeline


def test_by_a_late_record(timeline: Timeline) -> None:
    """A record that makes the check `late` resolves its alert with reason `late_record`."""
    story = timeline("""
        02-02 20:00 | open O1 P1 home, last exposure 02-02
        02-03 12:40 | tick
        02-03 13:00 | visit P1 seen, taken 02-03 09:00
    """)

    assert story.alert("missed_check", "P1", "visit/02-03/am")[-1] == ("resolved", "warning", "late_record")
    assert story.alert("missed_check", "P1", "temperature/02-03/am")[-1] == ("open", "warning", "opened")


def test_by_a_waiver(timeline: Timeline) -> None:
    """A waiver of the missed check resolves its alert with reason `waived`."""
    story = timeline("""
        02-02 20:00 | open O1 P1 home, last exposure 02-02
        02-03 12:40 | tick
        02-03 13:00 | waive P1 visit 02-03 am
    """)

    assert story.alert("missed_check", "P1", "visit/02-03/am")[-1] == ("resolved", "warning", "waived")


def test_by_the_closing_though_the_verdict_stays(timeline: Timeline) -> None:
    """The closing resolves the alerts of every missed check, also of those that it leaves `missed`."""
    story = timeline("""
        02-02 20:00 | open O1 P1 home, last exposure 02-02
        02-03 12:40 | tick
        02-03 13:00 | close O1 P1 moved
    """)

    assert story.states("P1", "visit", "02-03", "am") == ["missed"]
    assert story.alert("missed_check", "P1", "visit/02-03/am")[-1] == ("resolved", "warning", "observation_closed")


def test_by_the_closing_though_the_verdict_is_waived(timeline: Timeline) -> None:
    """Where the closing waives the check, its alert is resolved once, with reason `observation_closed`."""
    story = timeline("""
        02-02 20:00 | open O1 P1 home, last exposure 02-02
        02-03 12:40 | tick
        02-03 13:00 | close O1 P1 moved, taken 02-03 07:00
    """)

    assert story.states("P1", "visit", "02-03", "am") == ["missed", "waived"]
    assert story.alert("missed_check", "P1", "visit/02-03/am")[1:] == [("resolved", "warning", "observation_closed")]


def test_by_the_closing_though_the_verdict_is_final(timeline: Timeline) -> None:
    """The closing resolves the alert of a miss that cannot be revised any more."""
    story = timeline("""
        02-01 08:00 | policy late_days=0
        02-02 20:00 | open O1 P1 home, last exposure 02-02
        02-03 12:40 | tick
        02-03 13:00 | close O1 P1 moved, taken 02-03 07:00
    """)

    assert story.states("P1", "visit", "02-03", "am") == ["missed"]
    assert story.alert("missed_check", "P1", "visit/02-03/am")[-1] == ("resolved", "warning", "observation_closed")


def test_by_a_waiver_though_the_verdict_is_final(timeline: Timeline) -> None:
    """A waiver resolves the alert of a miss that cannot be revised any more; the verdict stays."""
    story = timeline("""
        02-01 08:00 | policy late_days=0
        02-02 20:00 | open O1 P1 home, last exposure 02-02
        02-03 12:40 | tick
        02-03 13:00 | waive P1 visit 02-03 am
    """)

    assert story.states("P1", "visit", "02-03", "am") == ["missed"]
    assert story.alert("missed_check", "P1", "visit/02-03/am")[-1] == ("resolved", "warning", "waived")


def test_not_by_a_record_that_comes_too_late(timeline: Timeline) -> None:
    """Where the verdict is final a record does not make the check `late`, and the alert stays open."""
    story = timeline("""
        02-01 08:00 | policy late_days=0
        02-02 20:00 | open O1 P1 home, last exposure 02-02
        02-03 12:40 | tick
        02-03 13:00 | visit P1 seen, taken 02-03 09:00
    """)

    assert story.alert("missed_check", "P1", "visit/02-03/am") == [("open", "warning", "opened")]


def test_the_closing_leaves_alerts_of_other_people(timeline: Timeline) -> None:
    """A closing resolves the alerts of its own observation alone."""
    story = timeline("""
        02-02 20:00 | open O1 P1 home, last exposure 02-02
        02-02 20:00 | open O2 P2 home, last exposure 02-02
        02-03 12:40 | tick
        02-03 13:00 | close O1 P1 moved
    """)

    assert {alert.subject for alert in story.outcome(-1).alerts} == {"person:P1"}
