"""Extension"""

import pytest

from tests.support.timeline import Timeline


def test_an_extension_moves_the_last_exposure_forward(timeline: Timeline) -> None:
    """An extension by a later exposure moves the last day with it."""
    story = timeline("""
        02-02 20:00 | open O1 P1 home, last exposure 02-02
        02-03 05:00 | extend O1 P1, last exposure 02-04
    """)

    assert list(story.expected("P1"))[-1] == "visit/02-18/pm"


@pytest.mark.parametrize("day", ["02-02", "01-31"])
def test_an_extension_never_moves_it_back(timeline: Timeline, day: str) -> None:
    """An extension by the same or an earlier exposure changes nothing, and is no dead letter."""
    story = timeline(f"""
        02-02 20:00 | open O1 P1 home, last exposure 02-02
        02-03 05:00 | extend O1 P1, last exposure {day}
    """)

    assert len(story.expected("P1")) == 4 * 14
    assert story.dead_letters == []


@pytest.mark.parametrize("name", ["O9 P1", "O1 P2", "O1 P9"])
def test_an_extension_of_nothing(timeline: Timeline, name: str) -> None:
    """An extension of an observation that the person does not have is a dead letter."""
    story = timeline(f"""
        02-02 20:00 | open O1 P1 home, last exposure 02-02
        02-02 20:00 | open O2 P2 home, last exposure 02-02
        02-03 05:00 | extend {name}, last exposure 02-04
    """)

    assert story.refusals == [("no_such_observation", "observation_id")]


def test_an_extension_of_a_closed_observation(timeline: Timeline) -> None:
    """An extension of a closed observation is a dead letter and changes nothing."""
    story = timeline("""
        02-02 20:00 | open O1 P1 home, last exposure 02-02
        02-03 05:00 | close O1 P1 cancelled
        02-03 05:10 | extend O1 P1, last exposure 02-04
    """)

    assert story.refusals == [("observation_is_closed", "observation_id")]
    assert story.expected("P1") == {}
