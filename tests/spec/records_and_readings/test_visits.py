"""Visits"""

import pytest

from tests.support.timeline import Timeline


@pytest.mark.parametrize(("outcome", "states"), [("seen", ["done"]), ("absent", []), ("refused", [])])
def test_a_visit_counts_when_the_person_was_seen(timeline: Timeline, outcome: str, states: list[str]) -> None:
    """A visit satisfies only with outcome `seen`: nobody at home, or a door that stays shut, is no check."""
    story = timeline(f"""
        02-02 20:00 | open O1 P1 home, last exposure 02-02
        02-03 09:00 | visit P1 {outcome} 36.5 axillary
    """)

    assert story.states("P1", "visit", "02-03", "am") == states
    assert story.states("P1", "temperature", "02-03", "am") == states


def test_a_visit_with_a_plausible_temperature_satisfies_both_checks(timeline: Timeline) -> None:
    """One record may satisfy several checks: a visit with a temperature is the reading too."""
    story = timeline("""
        02-02 20:00 | open O1 P1 home, last exposure 02-02
        02-03 09:00 | visit P1 seen 36.5 axillary
    """)

    assert [(verdict.check, verdict.state) for verdict in story.verdicts()] == [
        ("temperature", "done"),
        ("visit", "done"),
    ]


@pytest.mark.parametrize("reading", ["", "0 axillary", "33.9 forehead", "42.6 forehead"])
def test_a_visit_without_a_plausible_temperature_is_only_a_visit(timeline: Timeline, reading: str) -> None:
    """A visit without temperature, with 0 for not measured, or an implausible one satisfies no check of a reading."""
    story = timeline(f"""
        02-02 20:00 | open O1 P1 home, last exposure 02-02
        02-03 09:00 | visit P1 seen {reading}
    """)

    assert story.states("P1", "visit", "02-03", "am") == ["done"]
    assert story.states("P1", "temperature", "02-03", "am") == []


def test_a_check_that_a_reading_satisfies_too_asks_visits_for_one(timeline: Timeline) -> None:
    """Whatever its name, a check that `temperature_taken` satisfies too takes a visit only with a temperature."""
    story = timeline("""
        02-01 08:00 | policy visit.satisfied_by=visit_recorded+temperature_taken
        02-02 20:00 | open O1 P1 home, last exposure 02-02
        02-03 09:00 | visit P1 seen
        02-03 09:10 | temperature P1 36.5 axillary
    """)

    assert story.verdict("P1", "visit", "02-03", "am").evidence == ("e4",)


def test_a_visit_satisfies_only_checks_that_name_it(timeline: Timeline) -> None:
    """A visit, even with a temperature, does not satisfy a check that asks for `temperature_taken` alone."""
    story = timeline("""
        02-01 08:00 | policy temperature.satisfied_by=temperature_taken
        02-02 20:00 | open O1 P1 home, last exposure 02-02
        02-03 09:00 | visit P1 seen 36.5 axillary
    """)

    assert story.states("P1", "temperature", "02-03", "am") == []
