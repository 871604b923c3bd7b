"""One at a time"""

from tests.support.timeline import Timeline


def test_while_one_is_open_no_other_is_raised(timeline: Timeline) -> None:
    """While a fever alert of the person is open or acknowledged, a further high reading raises none."""
    story = timeline("""
        02-03 09:00 | temperature P1 38.0 axillary
        02-03 09:10 | acknowledge fever P1 e1
        02-03 15:00 | temperature P1 39.0 ear
        02-03 16:00 | temperature P1 39.0 axillary
    """)

    assert story.raised("fever") == ["e1"]
    assert len(story.alerts("fever")) == 2


def test_after_it_was_resolved_the_next_reading_raises_another(timeline: Timeline) -> None:
    """After the alert was resolved, the next high reading is the first of another one."""
    story = timeline("""
        02-03 09:00 | temperature P1 37.9 forehead
        02-03 09:10 | temperature P1 36.5 axillary
        02-03 15:00 | temperature P1 37.9 forehead
        02-03 16:00 | tick
        02-04 09:00 | temperature P1 38.0 axillary
    """)

    assert story.raised("fever") == ["e1", "e3", "e5"]


def test_a_settling_reading_raises_none_of_its_own(timeline: Timeline) -> None:
    """The reading that confirms an alert does not raise one besides."""
    story = timeline("""
        02-03 09:00 | temperature P1 37.9 forehead
        02-03 09:10 | temperature P1 38.5 axillary
    """)

    assert story.raised("fever") == ["e1"]


def test_every_person_by_themselves(timeline: Timeline) -> None:
    """A fever of one person says nothing about another."""
    story = timeline("""
        02-03 09:00 | temperature P1 38.0 axillary
        02-03 09:10 | temperature P2 38.0 axillary
    """)

    assert story.raised("fever") == ["e1", "e2"]
