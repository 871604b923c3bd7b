"""Which numbers are missing"""

from tests.support.timeline import Story, Timeline


def holes(story: Story) -> list[tuple[int, int]]:
    """Return the holes that were told of last."""
    return [(hole.first, hole.last) for hole in story.source("gate-1").holes]


def test_between_the_numbers_that_came(timeline: Timeline) -> None:
    """Missing is what lies between numbers that came, through whichever topics and in whichever order."""
    story = timeline("""
        02-03 09:02 | heard gate-1 until 02-03 09:05 5-7 12-13
        02-03 09:02 | heard gate-1 until 02-03 09:05 9
        02-03 09:02 | heard gate-1 until 02-03 09:05 20 6-8
    """)

    assert holes(story) == [(10, 11), (14, 19)]
    state = story.source("gate-1")
    assert (state.last_sequence, state.missing) == (20, 8)


def test_below_the_first_number(timeline: Timeline) -> None:
    """What lies below the first number ever known is not asked for."""
    story = timeline("""
        02-03 09:02 | heard gate-1 until 02-03 09:05 500-510
        02-03 09:03 | heard gate-1 until 02-03 09:05 3
        02-03 09:04 | heard gate-1 until 02-03 09:05 499
    """)

    assert holes(story) == []
    assert story.source("gate-1").last_sequence == 510


def test_a_counter_that_begins_again(timeline: Timeline) -> None:
    """A number more than 100,000 below the highest, in no hole, is that of a counter that began again."""
    story = timeline("""
        02-03 09:00 | tick
        02-03 09:02 | heard gate-1 until 02-03 09:05 1-100004 100010-100012
        02-03 09:10 | tick
        02-03 09:12 | heard gate-1 until 02-03 09:15 11
        02-03 09:12 | heard gate-1 until 02-03 09:15 12-13
    """)

    assert [(alert.state, alert.reason) for alert in story.alerts("sequence_gap")] == [
        ("open", "opened"),
        ("resolved", "given_up"),
    ]
    assert story.source("gate-1").last_sequence == 13


def test_a_record_from_long_ago(timeline: Timeline) -> None:
    """However far below the highest, a number that is missing fills its hole."""
    story = timeline("""
        02-03 09:02 | heard gate-1 until 02-03 09:05 1-4 6-200000
        02-03 09:02 | heard gate-1 until 02-03 09:05 5
    """)

    assert holes(story) == []
    assert story.source("gate-1").last_sequence == 200_000


def test_too_many_holes(timeline: Timeline) -> None:
    """At most 64 holes are kept; of more the lowest is given up."""
    odd = " ".join(str(number) for number in range(1, 133, 2))
    story = timeline(f"""
        02-03 09:02 | heard gate-1 until 02-03 09:05 {odd}
    """)

    state = story.source("gate-1")
    assert (state.last_sequence, state.missing) == (131, 64)
    assert (len(state.holes), holes(story)[0]) == (50, (4, 4))
