"""Readings"""

import pytest

from tests.support.timeline import Timeline


def test_a_plausible_reading_satisfies(timeline: Timeline) -> None:
    """A plausible reading satisfies the checks that name `temperature_taken`, and no other."""
    story = timeline("""
        02-02 20:00 | open O1 P1 home, last exposure 02-02
        02-03 09:00 | temperature P1 36.5 axillary
    """)

    assert [verdict.check for verdict in story.verdicts()] == ["temperature"]


@pytest.mark.parametrize(("celsius", "states"), [(34.5, ["done"]), (42.5, ["done"]), (34.49, []), (42.51, [])])
def test_the_bounds_are_plausible(timeline: Timeline, celsius: float, states: list[str]) -> None:
    """An implausible reading satisfies no check that `temperature_taken` satisfies; the bounds are plausible."""
    story = timeline(f"""
        02-02 20:00 | open O1 P1 home, last exposure 02-02
        02-03 09:00 | temperature P1 {celsius} axillary
    """)

    assert story.states("P1", "temperature", "02-03", "am") == states


def test_a_feverish_reading_satisfies_as_well(timeline: Timeline) -> None:
    """A reading above the threshold is a check that was made, and a fever besides."""
    story = timeline("""
        02-02 20:00 | open O1 P1 home, last exposure 02-02
        02-03 09:00 | temperature P1 38.5 axillary
    """)

    assert story.states("P1", "temperature", "02-03", "am") == ["done"]
    assert story.raised("fever") == ["e2"]


def test_an_integer_is_a_temperature(timeline: Timeline) -> None:
    """Where a number is asked, an integer is good."""
    story = timeline("""
        02-03 09:00 | temperature P1 38
    """)

    assert story.raised("fever") == ["e1"]


def test_a_record_outside_every_window_satisfies_nothing(timeline: Timeline) -> None:
    """A reading between two windows satisfies nothing, and is kept all the same: it can be a fever."""
    story = timeline("""
        02-02 20:00 | open O1 P1 home, last exposure 02-02
        02-03 13:00 | temperature P1 37.9 axillary
    """)

    assert story.verdicts() == []
    assert story.raised("fever") == ["e2"]


def test_a_reading_of_another_area_satisfies(timeline: Timeline) -> None:
    """The area of a record does not matter to the checks of the person."""
    story = timeline("""
        02-02 20:00 | open O1 P1 home, last exposure 02-02
        02-03 09:00 | temperature P1 36.5 axillary, in elsewhere
    """)

    assert story.states("P1", "temperature", "02-03", "am") == ["done"]


def test_a_reading_of_another_person_satisfies_nothing(timeline: Timeline) -> None:
    """A record counts for the person that it names."""
    story = timeline("""
        02-02 20:00 | open O1 P1 home, last exposure 02-02
        02-03 09:00 | temperature P2 36.5 axillary
    """)

    assert story.verdicts() == []


def test_plausibility_for_a_check_is_that_of_its_window(timeline: Timeline) -> None:
    """A check asks for what is plausible by its window's policy; the alert asks the policy that holds."""
    story = timeline("""
        02-02 20:00 | open O1 P1 home, last exposure 02-02
        02-03 06:00 | tick
        02-03 08:00 | policy implausible_below_c=33.5
        02-03 09:00 | temperature P1 34.0 forehead
        02-03 15:00 | temperature P1 34.0 forehead
    """)

    assert story.states("P1", "temperature", "02-03", "am") == []
    assert story.states("P1", "temperature", "02-03", "pm") == ["done"]
    assert story.alerts("implausible_reading") == []
