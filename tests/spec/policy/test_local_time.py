"""Local time"""

from tests.support.timeline import Timeline


def test_windows_are_local_to_the_time_zone(timeline: Timeline) -> None:
    """A window of 06:00 begins at six o'clock of the policy's zone, in Berlin an hour after UTC's five."""
    story = timeline("""
        02-01 08:00  | policy timezone=Europe/Berlin
        02-02 20:00  | open O1 P1 home, last exposure 02-02
        02-03 05:00Z | temperature P1 36.6 axillary
    """)

    assert story.states("P1", "temperature", "02-03", "am") == ["done"]
    assert story.verdict("P1", "temperature", "02-03", "am").due_at.isoformat() == "2020-02-03T11:30:00+00:00"


def test_days_are_local_to_the_time_zone(timeline: Timeline) -> None:
    """The day of a record is its local date: half past midnight in Shanghai is the day before in UTC."""
    story = timeline("""
        02-02 16:30Z | scan P1 in held, code red
    """)

    assert story.raised("health_code") == ["02-03/red/1"]


def test_a_skipped_start_is_read_with_the_offset_before_the_change(timeline: Timeline) -> None:
    """Where daylight saving skips 02:30, a window of 02:30 begins at 03:30 of the new time."""
    story = timeline("""
        03-01 08:00           | policy timezone=Europe/Berlin temperature.windows=night@02:30-05:00 checks=temperature
        03-28 20:00           | open O1 P1 home, last exposure 03-28
        03-29 03:29:59.999999 | temperature P1 36.6 axillary
        03-29 03:30           | temperature P1 36.6 axillary, as begins
    """)

    assert story.verdict("P1", "temperature", "03-29", "night").evidence == ("begins",)


def test_a_skipped_end_is_read_with_the_offset_before_the_change(timeline: Timeline) -> None:
    """Where daylight saving skips 02:30, a window to 02:30 with thirty minutes of grace is due at 04:00."""
    story = timeline("""
        03-01 08:00 | policy timezone=Europe/Berlin temperature.windows=night@00:00-02:30 checks=temperature
        03-28 20:00 | open O1 P1 home, last exposure 03-28
        03-29 04:05 | tick
    """)

    assert story.local(story.verdict("P1", "temperature", "03-29", "night").due_at) == "03-29 04:00"


def test_of_a_repeated_time_the_first_is_meant(timeline: Timeline) -> None:
    """Where the clocks go back, a window of 02:30 begins when they show 02:30 for the first time."""
    story = timeline("""
        10-01 08:00       | policy timezone=Europe/Berlin temperature.windows=night@02:30-05:00 checks=temperature
        10-24 20:00       | open O1 P1 home, last exposure 10-24
        10-25 02:30+02:00 | temperature P1 36.6 axillary, as first
        10-25 02:30+01:00 | temperature P1 36.6 axillary, as second
    """)

    assert story.verdict("P1", "temperature", "10-25", "night").evidence == ("first",)


def test_of_a_repeated_end_the_first_is_meant(timeline: Timeline) -> None:
    """Where the clocks go back, a window to 02:30 ends when they show 02:30 for the first time."""
    story = timeline("""
        10-01 08:00       | policy timezone=Europe/Berlin temperature.windows=night@00:00-02:30 temperature.grace_minutes=0
        10-24 20:00       | open O1 P1 home, last exposure 10-24
        10-25 02:30+02:00 | temperature P1 36.6 axillary
        10-25 02:35+02:00 | tick
    """)

    assert story.states("P1", "temperature", "10-25", "night") == ["missed"]


def test_a_day_with_a_change_has_its_own_length(timeline: Timeline) -> None:
    """A window of a whole day lasts 23 hours when the clocks go forward, and its end is the next local midnight."""
    story = timeline("""
        03-01 08:00 | policy timezone=Europe/Berlin temperature.windows=day@00:00-24:00 checks=temperature
        03-27 20:00 | open O1 P1 home, last exposure 03-27
        03-31 00:00 | tick
    """)

    ends = [story.local(verdict.due_at) for verdict in story.verdicts("P1")]
    assert ends == ["03-29 00:30", "03-30 00:30"]
    first, second = (verdict.due_at for verdict in story.verdicts("P1"))
    assert (second - first).total_seconds() == 23 * 3600


def test_an_end_may_be_24_00(timeline: Timeline) -> None:
    """A window to 24:00 ends at the next midnight, so that with its grace it takes a reading of 00:29."""
    story = timeline("""
        02-01 08:00 | policy temperature.windows=pm@14:00-24:00
        02-02 20:00 | open O1 P1 home, last exposure 02-02
        02-04 00:29 | temperature P1 36.6 axillary
    """)

    assert story.states("P1", "temperature", "02-03", "pm") == ["done"]
    assert story.local(story.verdict("P1", "temperature", "02-03", "pm").due_at) == "02-04 00:30"


def test_late_days_are_24_hours_each(timeline: Timeline) -> None:
    """Late days are counted in 24 hours, so that a change of the clocks moves their end by an hour."""
    table = """
        03-01 08:00 | policy timezone=Europe/Berlin late_days=2
        03-27 20:00 | open O1 P1 home, last exposure 03-27
        03-28 12:40 | tick
        03-30 {} | tick
        03-30 14:00 | temperature P1 36.6 axillary, taken 03-28 09:00
    """

    assert timeline(table.format("13:29")).states("P1", "temperature", "03-28", "am") == ["missed", "late"]
    assert timeline(table.format("13:30")).states("P1", "temperature", "03-28", "am") == ["missed"]


def test_early_days_are_24_hours_each(timeline: Timeline) -> None:
    """Early days are counted in 24 hours, so that a change of the clocks moves their end by an hour."""
    table = """
        03-01 08:00 | policy timezone=Europe/Berlin early_days=2
        03-28 09:00 | tick
        03-28 09:05 | temperature P1 36.6 axillary
        03-30 {} | tick
        03-30 11:00 | open O1 P1 home, last exposure 03-27, taken 03-27 20:00
    """

    assert timeline(table.format("09:59")).states("P1", "temperature", "03-28", "am") == ["done"]
    assert timeline(table.format("10:00")).states("P1", "temperature", "03-28", "am") == []
