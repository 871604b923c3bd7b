"""What staff can do"""

import pytest

from tests.support.timeline import Timeline


def test_acknowledge_and_resolve(timeline: Timeline) -> None:
    """Staff make an open alert `acknowledged`, then `resolved`, both with reason `by_staff`."""
    story = timeline("""
        02-03 09:00 | temperature P1 38.5 axillary
        02-03 09:10 | acknowledge fever P1 e1
        02-03 09:20 | resolve fever P1 e1
    """)

    assert story.alert("fever", "P1", "e1") == [
        ("open", "critical", "confirmed"),
        ("acknowledged", "critical", "by_staff"),
        ("resolved", "critical", "by_staff"),
    ]


def test_resolve_without_acknowledging(timeline: Timeline) -> None:
    """An open alert can be resolved at once."""
    story = timeline("""
        02-03 09:00 | temperature P1 38.5 axillary
        02-03 09:10 | resolve fever P1 e1
    """)

    assert story.alert("fever", "P1", "e1")[-1] == ("resolved", "critical", "by_staff")


def test_other_commands_have_no_effect(timeline: Timeline) -> None:
    """Acknowledging what is acknowledged or resolved, or resolving what is resolved, has no effect and is no dead letter."""
    story = timeline("""
        02-03 09:00 | temperature P1 38.5 axillary
        02-03 09:10 | acknowledge fever P1 e1
        02-03 09:20 | acknowledge fever P1 e1
        02-03 09:30 | resolve fever P1 e1
        02-03 09:40 | resolve fever P1 e1
        02-03 09:50 | acknowledge fever P1 e1
    """)

    assert [len(outcome.alerts) for outcome in story.outcomes] == [1, 1, 0, 1, 0, 0]
    assert story.dead_letters == []


def test_an_acknowledged_alert_still_changes(timeline: Timeline) -> None:
    """An acknowledged alert is resolved by its cause's end as an open one is."""
    story = timeline("""
        02-02 20:00 | open O1 P1 home, last exposure 02-02
        02-03 12:40 | tick
        02-03 12:50 | acknowledge missed_check P1 visit/02-03/am
        02-03 13:00 | waive P1 visit 02-03 am
    """)

    assert story.alert("missed_check", "P1", "visit/02-03/am")[-1] == ("resolved", "warning", "waived")


def test_when_its_severity_rises_an_acknowledged_alert_is_open_again(timeline: Timeline) -> None:
    """An acknowledged warning that becomes critical is `open` again, for nobody has taken on the critical one."""
    story = timeline("""
        02-03 09:00 | temperature P1 38.5 ear
        02-03 09:10 | acknowledge fever P1 e1
        02-03 09:20 | temperature P1 38.5 axillary
    """)

    assert story.alert("fever", "P1", "e1") == [
        ("open", "warning", "screened"),
        ("acknowledged", "warning", "by_staff"),
        ("open", "critical", "confirmed"),
    ]


def test_without_a_rise_it_stays_acknowledged(timeline: Timeline) -> None:
    """An acknowledged critical alert that is confirmed keeps its severity, and stays `acknowledged`."""
    story = timeline("""
        02-02 20:00 | open O1 P1 home, last exposure 02-02
        02-03 09:00 | temperature P1 38.5 ear
        02-03 09:30 | tick
        02-03 09:40 | acknowledge fever P1 e2
        02-03 09:50 | temperature P1 38.5 axillary
    """)

    assert story.alert("fever", "P1", "e2")[1:] == [
        ("open", "critical", "unconfirmed"),
        ("acknowledged", "critical", "by_staff"),
        ("acknowledged", "critical", "confirmed"),
    ]


@pytest.mark.parametrize(
    "command",
    [
        "acknowledge fever P1 e9",
        "resolve fever P1 e9",
        "acknowledge fever P1 e1, under P2",
        "resolve fever P1 e1, under P2",
        "resolve fever P1 e1, under nobody",
    ],
)
def test_a_command_for_nothing(timeline: Timeline, command: str) -> None:
    """A command for an alert that does not exist, or lives under another key, is a dead letter and changes nothing."""
    story = timeline(f"""
        02-03 09:00 | temperature P1 38.5 axillary
        02-03 09:00 | temperature P2 38.5 axillary
        02-03 09:10 | {command}
    """)

    assert story.dead_letters == ["no_such_alert"]
    assert len(story.alerts()) == 2
