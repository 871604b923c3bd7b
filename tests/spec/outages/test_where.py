"""Where an outage holds"""

from tests.support.timeline import Timeline


def test_the_area_and_all_below_it(timeline: Timeline) -> None:
    """An outage of an area concerns the people there and in every area below it, and nobody beside it."""
    story = timeline("""
        02-02 20:00 | open O1 P1 home, last exposure 02-02, in t/c1/g1
        02-02 20:00 | open O2 P2 home, last exposure 02-02, in t/c1
        02-02 20:00 | open O3 P3 home, last exposure 02-02, in t/c12/g1
        02-03 10:00 | outage B1 declared, since 02-03 09:30, in t/c1
        02-03 12:40 | tick
    """)

    assert story.states("P1", "visit", "02-03", "am") == ["unknown"]
    assert story.states("P2", "visit", "02-03", "am") == ["unknown"]
    assert story.states("P3", "visit", "02-03", "am") == ["missed"]


def test_a_copy_holds_as_the_record_does(timeline: Timeline) -> None:
    """In the other partitions the copies hold checks and release them; they raise no alert."""
    story = timeline("""
        02-02 20:00 | open O1 P1 home, last exposure 02-02
        02-03 10:00 | outage B1 declared, since 02-03 09:30, copied
        02-03 12:40 | tick
        02-03 13:00 | restore B1, until 02-03 13:00, back-filled 02-03 14:00, copied
        02-03 14:00 | tick
    """)

    assert story.states("P1", "visit", "02-03", "am") == ["unknown", "missed"]
    assert story.alerts("way_broken") == []


def test_a_closing_that_comes_first(timeline: Timeline) -> None:
    """Opening and closing come from several sources and may come in either order."""
    story = timeline("""
        02-02 20:00 | open O1 P1 home, last exposure 02-02
        02-03 10:00 | restore B1, until 02-03 10:00, back-filled 02-03 16:00
        02-03 10:10 | outage B1 declared, since 02-03 09:30
        02-03 12:40 | tick
        02-03 16:00 | tick
    """)

    assert story.states("P1", "visit", "02-03", "am") == ["unknown", "missed"]
    assert [state for state, _, _ in story.alert("way_broken", "outage:B1", "B1")] == ["open", "resolved"]


def test_the_first_opening_and_the_first_closing_count(timeline: Timeline) -> None:
    """What comes again under the id of an outage changes nothing."""
    story = timeline("""
        02-02 20:00 | open O1 P1 home, last exposure 02-02
        02-03 10:00 | outage B1 declared, since 02-03 09:30
        02-03 10:10 | outage B1 declared, since 02-03 12:35, in t/elsewhere
        02-03 11:00 | restore B1, until 02-03 11:00, back-filled 02-03 14:00
        02-03 11:10 | restore B1, until 02-03 11:00, back-filled 02-03 11:30
        02-03 12:40 | tick
        02-03 14:00 | tick
    """)

    assert story.states("P1", "visit", "02-03", "am") == ["unknown", "missed"]
    assert len(story.alerts("way_broken")) == 2
