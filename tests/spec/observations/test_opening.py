"""Opening"""

from tests.support.timeline import Timeline


def test_a_second_opening_counts_as_an_extension(timeline: Timeline) -> None:
    """An opening for a person with an open observation moves the last exposure of that one."""
    story = timeline("""
        02-02 20:00 | open O1 P1 home, last exposure 02-02
        02-03 05:00 | open O2 P1 home, last exposure 02-03
    """)

    assert list(story.expected("P1"))[-1] == "visit/02-17/pm"
    assert len(story.expected("P1")) == 4 * 15


def test_its_windows_are_those_of_an_extension(timeline: Timeline) -> None:
    """Days that only the second opening brings are expected from its `occurred_at` on, the others as before."""
    story = timeline("""
        02-02 20:00 | open O1 P1 home, last exposure 02-02
        02-17 13:00 | open O2 P1 home, last exposure 02-03
    """)

    assert "visit/02-03/am" in story.expected("P1")
    assert "visit/02-17/am" not in story.expected("P1")
    assert "visit/02-17/pm" in story.expected("P1")


def test_area_and_category_of_the_second_opening_hold_from_then_on(timeline: Timeline) -> None:
    """After a second opening verdicts carry its area, and its category decides what is a breach."""
    story = timeline("""
        02-01 08:00 | policy breach_categories=home
        02-02 20:00 | open O1 P1 home, last exposure 02-02, in jintang/c1/g1
        02-03 09:00 | scan P1 out passed
        02-04 09:00 | open O2 P1 centralised, last exposure 02-02, in jintang/c2/g2
        02-04 09:10 | scan P1 out passed
        02-04 09:20 | visit P1 seen
    """)

    assert story.raised("breach") == ["O1/02-03/1"]
    assert story.verdict("P1", "visit", "02-04", "am").area == "jintang/c2/g2"


def test_a_second_opening_that_moves_nothing_still_brings_area_and_category(timeline: Timeline) -> None:
    """The last exposure goes never back; area and category change all the same."""
    story = timeline("""
        02-02 20:00 | open O1 P1 home, last exposure 02-02
        02-03 05:00 | open O2 P1 home, last exposure 01-28, in jintang/c2/g2
        02-03 09:00 | visit P1 seen
    """)

    assert len(story.expected("P1")) == 4 * 14
    assert story.verdict("P1", "visit", "02-03", "am").area == "jintang/c2/g2"


def test_its_id_is_another_name_of_the_same_observation(timeline: Timeline) -> None:
    """The id of the second opening names the same observation in extensions and closings."""
    story = timeline("""
        02-02 20:00 | open O1 P1 home, last exposure 02-02
        02-02 21:00 | open O2 P1 home, last exposure 02-02
        02-03 05:00 | extend O2 P1, last exposure 02-03
        02-03 05:10 | close O2 P1 cancelled
        02-03 05:20 | close O1 P1 cancelled
    """)

    assert story.dead_letters == ["observation_is_closed"]
    assert story.expected("P1") == {}


def test_an_opening_may_repeat_the_id_of_the_open_observation(timeline: Timeline) -> None:
    """Another opening under the same id is an extension too."""
    story = timeline("""
        02-02 20:00 | open O1 P1 home, last exposure 02-02
        02-03 05:00 | open O1 P1 home, last exposure 02-03
    """)

    assert story.dead_letters == []
    assert len(story.expected("P1")) == 4 * 15


def test_an_id_that_was_closed_is_never_opened_again(timeline: Timeline) -> None:
    """An opening with any name of a closed observation is a dead letter, even while another observation is open."""
    story = timeline("""
        02-02 20:00 | open O1 P1 home, last exposure 02-02
        02-02 21:00 | open O2 P1 home, last exposure 02-02
        02-03 05:00 | close O1 P1 cancelled
        02-03 05:10 | open O1 P1 home, last exposure 02-02
        02-03 05:20 | open O2 P1 home, last exposure 02-02
        02-03 05:30 | open O3 P1 home, last exposure 02-02
        02-03 05:40 | open O1 P1 home, last exposure 02-05
    """)

    assert story.dead_letters == ["observation_is_closed"] * 3
    assert len(story.expected("P1")) == 4 * 14


def test_a_closed_id_stays_closed_for_ever(timeline: Timeline) -> None:
    """Long after the closing its id is still refused."""
    story = timeline("""
        02-02 20:00 | open O1 P1 home, last exposure 02-02
        02-03 05:00 | close O1 P1 cancelled
        12-24 00:00 | tick
        12-24 09:00 | open O1 P1 home, last exposure 12-23
    """)

    assert story.dead_letters == ["observation_is_closed"]
