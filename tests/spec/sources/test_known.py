"""What is known of a source"""

from tests.support.timeline import Timeline


def test_told_after_each_change(timeline: Timeline) -> None:
    """Whatever changes what is known of a source tells of it: a definition, a sign of life, the clock."""
    story = timeline("""
        02-03 09:00 | tick
        02-03 09:00 | source gate-1 every 3600 t/c1
        02-03 09:02 | heard gate-1 until 02-03 09:05 1-4, delay 1500
        02-03 10:05 | tick
    """)

    assert [len(outcome.sources) for outcome in story.outcomes] == [0, 1, 1, 1]
    state = story.source("gate-1")
    assert (state.is_active, state.areas, state.interval_seconds) == (True, ("t/c1",), 3600)
    assert (state.is_silent, state.clock_offset_ms) == (True, 1500)
    assert (story.local(state.heard_until), story.local(state.updated_at)) == ("02-03 09:05", "02-03 10:05")


def test_the_offset_of_its_clock(timeline: Timeline) -> None:
    """The offset of its clock is the least delay of the last twelve times that it was heard, each counted once."""
    story = timeline("""
        02-03 09:02 | heard gate-1 until 02-03 09:05, delay -7000
        02-03 09:03 | heard gate-1 until 02-03 09:05, delay 900, as again
        02-03 09:03 | heard gate-1 until 02-03 09:05, delay 900, as again
    """)
    later = "\n".join(
        f"02-03 10:{minute} | heard gate-1 until 02-03 10:50, delay 2{minute}" for minute in range(10, 22)
    )

    assert story.source("gate-1").clock_offset_ms == -7000
    assert timeline(later).source("gate-1").clock_offset_ms == 210
    assert (
        timeline(f"02-03 09:02 | heard gate-1 until 02-03 09:05, delay 100\n{later}").source("gate-1").clock_offset_ms
        == 210
    )


def test_forgotten(timeline: Timeline) -> None:
    """A source that nobody defined is forgotten when it was not heard for as long as anything is remembered."""
    story = timeline("""
        02-03 09:00 | tick
        02-03 09:02 | heard gate-1 until 02-03 09:05 1-4
        02-03 09:02 | heard gate-2 until 02-03 09:05 1-4
        03-04 09:04 | tick
        03-04 09:04 | heard gate-1 until 03-04 09:10 9
        03-04 09:05 | tick
        03-04 09:05 | heard gate-2 until 03-04 09:10 9
    """)

    assert story.source("gate-1").missing == 4
    assert story.source("gate-2").missing == 0
