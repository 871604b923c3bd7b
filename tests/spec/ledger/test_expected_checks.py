"""Expected checks"""

from tests.support.timeline import Timeline


def test_day_1_to_the_last_day(timeline: Timeline) -> None:
    """Checks are expected from the day after the last exposure to day 14, each in every one of its windows."""
    story = timeline("""
        02-01 08:00 | open O1 P1 home, last exposure 02-02
    """)

    expected = list(story.expected("P1"))
    assert (expected[0], expected[-1], len(expected)) == ("temperature/02-03/am", "visit/02-16/pm", 2 * 2 * 14)


def test_nothing_is_expected_on_the_day_of_the_exposure(timeline: Timeline) -> None:
    """Day 0 brings no check, even when the observation is opened before its windows."""
    story = timeline("""
        02-02 05:00 | open O1 P1 home, last exposure 02-02
        02-02 09:00 | visit P1 seen 36.5 axillary
    """)

    assert story.verdicts() == []


def test_a_window_that_starts_at_the_opening(timeline: Timeline) -> None:
    """A window that starts exactly at the opening is expected; one that started before it is not."""
    story = timeline("""
        02-05 06:00           | open O1 P1 home, last exposure 02-01
        02-05 06:00:00.000001 | open O2 P2 home, last exposure 02-01
    """)

    assert next(iter(story.expected("P1"))) == "temperature/02-05/am"
    assert next(iter(story.expected("P2"))) == "temperature/02-05/pm"


def test_the_opening_counts_from_when_it_happened(timeline: Timeline) -> None:
    """The opening's `occurred_at` decides, not its arrival: windows that passed in between are expected too."""
    story = timeline("""
        02-05 09:00 | tick
        02-05 09:30 | open O1 P1 home, last exposure 02-01, taken 02-04 13:00
        02-05 09:31 | tick
    """)

    assert story.states("P1", "visit", "02-04", "am") == []
    assert story.states("P1", "visit", "02-04", "pm") == ["missed"]


def test_an_exposure_long_past_promises_what_is_left(timeline: Timeline) -> None:
    """An observation that opens on day 13 has the windows of its last two days only, one after its last day none."""
    story = timeline("""
        02-15 13:00 | open O1 P1 home, last exposure 02-02
        02-17 13:00 | open O2 P2 home, last exposure 02-02
    """)

    assert story.figures("P1") == {"pending": 2 * 3}
    assert story.figures("P2") == {}


def test_an_exposure_in_the_future(timeline: Timeline) -> None:
    """Days are counted from the exposure, though it lies ahead of the opening."""
    story = timeline("""
        02-02 20:00 | open O1 P1 home, last exposure 02-05
    """)

    assert next(iter(story.expected("P1"))) == "temperature/02-06/am"


def test_windows_that_only_an_extension_brings(timeline: Timeline) -> None:
    """Days beyond the former last day are expected from the extension's `occurred_at` on, not before."""
    story = timeline("""
        02-02 20:00 | open O1 P1 home, last exposure 02-02
        02-18 13:00 | extend O1 P1, last exposure 02-04
    """)

    assert "visit/02-16/pm" in story.expected("P1")
    assert not [name for name in story.expected("P1") if "/02-17/" in name]
    assert "visit/02-18/am" not in story.expected("P1")
    assert "visit/02-18/pm" in story.expected("P1")


def test_an_extension_leaves_days_of_the_opening_as_they_were(timeline: Timeline) -> None:
    """Days that both exposures cover stay expected from the opening on, decided ones stay decided."""
    story = timeline("""
        02-02 20:00 | open O1 P1 home, last exposure 02-02
        02-03 09:00 | visit P1 seen 36.5 axillary
        02-04 13:00 | extend O1 P1, last exposure 02-03
    """)

    assert story.expected("P1")["visit/02-03/am"] == "done"
    assert story.expected("P1")["visit/02-04/am"] == "pending"
    assert list(story.expected("P1"))[-1] == "visit/02-17/pm"


def test_an_exposure_after_a_gap_brings_no_days_between(timeline: Timeline) -> None:
    """An extension by an exposure after the last day leaves the days between the two periods free."""
    story = timeline("""
        02-02 20:00 | open O1 P1 home, last exposure 02-02
        02-16 20:00 | extend O1 P1, last exposure 02-20
    """)

    days = {name.split("/")[1] for name in story.expected("P1")}
    assert ("02-16" in days, "02-17" in days, "02-20" in days, "02-21" in days) == (True, False, False, True)


def test_a_check_belongs_to_the_first_observation_that_had_it(timeline: Timeline) -> None:
    """What one observation decided is not expected again by another that covers the same window."""
    story = timeline("""
        02-02 20:00 | open O1 P1 home, last exposure 02-02
        02-03 09:00 | visit P1 seen 36.5 axillary
        02-03 13:00 | close O1 P1 moved
        02-03 13:30 | open O2 P1 centralised, last exposure 02-02, taken 02-03 05:00
        02-03 13:40 | tick
    """)

    assert story.states("P1", "visit", "02-03", "am") == ["done"]
    assert story.verdict("P1", "visit", "02-03", "am").observation_id == "O1"


def test_a_check_that_a_closing_took_away_can_be_promised_again(timeline: Timeline) -> None:
    """A window that a closing took away is expected by the observation that opens next."""
    story = timeline("""
        02-02 20:00 | open O1 P1 home, last exposure 02-02
        02-03 13:00 | close O1 P1 moved
        02-03 13:30 | open O2 P1 centralised, last exposure 02-02
        02-03 15:00 | visit P1 seen 36.5 axillary
    """)

    assert story.verdict("P1", "visit", "02-03", "pm").observation_id == "O2"


def test_every_check_is_in_one_state_always(timeline: Timeline) -> None:
    """Expected checks are the sum of done, late, missed, waived, unknown and pending ones, at every moment."""
    story = timeline("""
        02-02 20:00 | open O1 P1 home, last exposure 02-02
        02-03 09:00 | visit P1 seen 36.5 axillary
        02-04 12:40 | tick
        02-04 13:00 | visit P1 seen, taken 02-04 09:00
        02-04 13:10 | waive P1 temperature 02-04 am
    """)

    assert story.figures("P1") == {"done": 2, "missed": 2, "late": 1, "waived": 1, "pending": 50}
    assert sum(story.figures("P1").values()) == 56
