"""The alert that names an outage"""

import pytest

from tests.support.timeline import Timeline


@pytest.mark.parametrize(
    ("terms", "subject", "area", "severity"),
    [
        ("since 02-03 09:30", "outage:B1", "", "critical"),
        ("since 02-03 09:30, in t/c1", "area:t/c1", "t/c1", "warning"),
        ("since 02-03 09:30, in t/c1, concerns phone-1", "source:phone-1", "t/c1", "warning"),
    ],
    ids=["everywhere", "an area", "a source"],
)
def test_one_alert_names_the_outage(timeline: Timeline, terms: str, subject: str, area: str, severity: str) -> None:
    """The outage of an area is a warning, that of all is critical; the alert lives under the key of the outage."""
    story = timeline(f"""
        02-03 09:00 | tick
        02-03 10:00 | outage B1 source_silent, {terms}, as b1
    """)

    (alert,) = story.alerts("way_broken")
    assert (alert.subject, alert.area, alert.severity) == (subject, area, severity)
    assert (alert.key, alert.person_id, alert.occurrence, alert.due_at) == ("outage:B1", None, "B1", None)
    assert alert.evidence == ("b1",)
    assert alert.detail["cause"] == "source_silent"


def test_resolved_by_the_closing(timeline: Timeline) -> None:
    """The closing resolves it with reason `way_restored`, while checks may still be held for the back-fill."""
    story = timeline("""
        02-03 10:00 | outage B1 declared, since 02-03 09:30
        02-03 13:00 | restore B1, until 02-03 13:00, back-filled 02-03 16:00
    """)

    assert story.alert("way_broken", "outage:B1", "B1") == [
        ("open", "critical", "opened"),
        ("resolved", "critical", "way_restored"),
    ]


def test_staff(timeline: Timeline) -> None:
    """Staff acknowledge and resolve it under its key; that ends no outage."""
    story = timeline("""
        02-02 20:00 | open O1 P1 home, last exposure 02-02
        02-03 10:00 | outage B1 declared, since 02-03 09:30
        02-03 10:10 | acknowledge way_broken outage:B1 B1
        02-03 10:20 | resolve way_broken outage:B1 B1
        02-03 12:40 | tick
        02-03 13:00 | restore B1, until 02-03 13:00, back-filled 02-03 16:00
    """)

    states = [state for state, _, _ in story.alert("way_broken", "outage:B1", "B1")]
    assert states == ["open", "acknowledged", "resolved"]
    assert story.states("P1", "visit", "02-03", "am") == ["unknown"]


def test_an_outage_that_nobody_told_of(timeline: Timeline) -> None:
    """A command for the alert of an outage that is not there is refused."""
    story = timeline("""
        02-03 10:10 | acknowledge way_broken outage:B1 B1
    """)

    assert story.dead_letters == ["no_such_alert"]
