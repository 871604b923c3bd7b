"""The first reading"""

import pytest

from tests.support.timeline import Timeline


def test_at_a_confirm_site(timeline: Timeline) -> None:
    """A first reading at a confirm site raises a critical alert with reason `confirmed` and no `due_at`."""
    story = timeline("""
        02-03 09:00 | temperature P1 37.3 axillary
    """)

    assert story.alert("fever", "P1", "e1") == [("open", "critical", "confirmed")]
    assert story.alerts("fever")[0].due_at is None


def test_elsewhere(timeline: Timeline) -> None:
    """Anywhere else it raises a warning with reason `screened`, due `confirm_within` after the reading was taken."""
    story = timeline("""
        02-03 09:20 | temperature P1 37.9 forehead, taken 02-03 09:00
    """)

    assert story.alert("fever", "P1", "e1") == [("open", "warning", "screened")]
    assert story.local(story.alerts("fever")[0].due_at) == "02-03 09:30"


@pytest.mark.parametrize(
    ("site", "threshold"),
    [
        ("axillary", 37.3),
        ("ear", 37.5),
        ("forehead", 37.3),
        ("temple", 37.3),
        ("wrist", 37.3),
        ("neck", 37.3),
        ("oral", 37.5),
        ("rectal", 38.0),
        ("unknown", 37.3),
        ("", 37.3),
    ],
)
def test_every_site_has_its_threshold(timeline: Timeline, site: str, threshold: float) -> None:
    """A reading at its site's threshold is a fever, one a tenth below is none; no site is `unknown`."""
    story = timeline(f"""
        02-03 09:00 | temperature P1 {threshold - 0.1:.1f} {site}
        02-03 09:00 | temperature P2 {threshold} {site}
    """)

    assert [alert.subject for alert in story.alerts("fever")] == ["person:P2"]


@pytest.mark.parametrize("record", ["temperature P1 38.0 ear", "visit P1 absent 38.0 ear", "scan P1 in held 38.0 ear"])
def test_readings_of_all_three_kinds_count(timeline: Timeline, record: str) -> None:
    """Readings, visits and scans count, for observed and other people alike."""
    story = timeline(f"""
        02-02 20:00 | open O1 P1 home, last exposure 02-02
        02-03 09:00 | {record}
        02-03 09:00 | {record.replace("P1", "P2")}
    """)

    assert [alert.subject for alert in story.alerts("fever")] == ["person:P1", "person:P2"]


def test_an_implausible_reading_is_no_fever(timeline: Timeline) -> None:
    """A reading above the plausible range raises none; one at the bound does."""
    story = timeline("""
        02-03 09:00 | temperature P1 42.6 ear
        02-03 09:00 | temperature P2 42.5 ear
    """)

    assert [alert.subject for alert in story.alerts("fever")] == ["person:P2"]


def test_confirm_sites_are_those_of_the_policy(timeline: Timeline) -> None:
    """Which sites confirm, and within how long, stands in the policy."""
    story = timeline("""
        02-01 08:00 | policy confirm_sites=rectal+ear confirm_within_minutes=60
        02-03 09:00 | temperature P1 38.0 ear
        02-03 09:00 | temperature P2 38.0 axillary
    """)

    assert [alert.reason for alert in story.alerts("fever")] == ["confirmed", "screened"]
    assert story.local(story.alerts("fever")[1].due_at) == "02-03 10:00"
