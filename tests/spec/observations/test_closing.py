"""Closing"""

import pytest

from tests.support.timeline import Timeline


@pytest.mark.parametrize("name", ["O9 P1", "O1 P2", "O1 P9"])
def test_a_closing_of_nothing(timeline: Timeline, name: str) -> None:
    """A closing of an observation that the person does not have is a dead letter and changes nothing."""
    story = timeline(f"""
        02-02 20:00 | open O1 P1 home, last exposure 02-02
        02-02 20:00 | open O2 P2 home, last exposure 02-02
        02-03 05:00 | close {name} cancelled
    """)

    assert story.refusals == [("no_such_observation", "observation_id")]
    assert (len(story.expected("P1")), len(story.expected("P2"))) == (56, 56)


def test_a_second_closing(timeline: Timeline) -> None:
    """A closing of a closed observation is a dead letter; the first closing stands."""
    story = timeline("""
        02-02 20:00 | open O1 P1 home, last exposure 02-02
        02-03 12:40 | tick
        02-03 13:00 | close O1 P1 moved
        02-03 13:10 | close O1 P1 moved, taken 02-03 07:00
    """)

    assert story.refusals == [("observation_is_closed", "observation_id")]
    assert story.states("P1", "visit", "02-03", "am") == ["missed"]


def test_a_closing_before_its_opening_in_the_log(timeline: Timeline) -> None:
    """A closing that arrives before its opening is a dead letter, and can be sent in again after it."""
    story = timeline("""
        02-03 05:00 | close O1 P1 cancelled, as e7
        02-03 05:10 | open O1 P1 home, last exposure 02-02, taken 02-02 20:00
        02-03 05:20 | close O1 P1 cancelled, taken 02-03 05:00, as e7
    """)

    assert story.dead_letters == ["no_such_observation"]
    assert story.expected("P1") == {}


def test_after_the_closing_another_observation_can_open(timeline: Timeline) -> None:
    """After its closing the person can be observed again, under a new id."""
    story = timeline("""
        02-02 20:00 | open O1 P1 home, last exposure 02-02
        02-03 05:00 | close O1 P1 cancelled
        02-03 05:10 | open O2 P1 home, last exposure 02-02
        02-03 09:00 | visit P1 seen
    """)

    assert story.dead_letters == []
    assert story.verdict("P1", "visit", "02-03", "am").observation_id == "O2"


def test_a_closing_that_claims_to_lie_before_the_opening(timeline: Timeline) -> None:
    """A closing dated before its opening takes everything away that the clock has not begun."""
    story = timeline("""
        02-02 20:00 | open O1 P1 home, last exposure 02-02
        02-03 06:00 | tick
        02-03 06:10 | close O1 P1 cancelled, taken 02-01 09:00
    """)

    assert story.figures("P1") == {"waived": 2}
