"""A policy changes"""

from tests.support.timeline import Timeline


def test_a_window_that_has_begun_keeps_its_policy(timeline: Timeline) -> None:
    """A window that has begun is judged by the policy it began under, grace and settling time included."""
    story = timeline("""
        02-02 20:00 | open O1 P1 home, last exposure 02-02
        02-03 06:00 | tick
        02-03 07:00 | policy temperature.grace_minutes=0
        02-03 12:40 | tick
    """)

    assert story.local(story.verdict("P1", "temperature", "02-03", "am").due_at) == "02-03 12:30"


def test_a_window_has_begun_when_the_clock_has_reached_its_start(timeline: Timeline) -> None:
    """With the clock a microsecond below its start a window has not begun, though a record says it is later."""
    story = timeline("""
        02-02 20:00           | open O1 P1 home, last exposure 02-02
        02-03 05:59:59.999999 | tick
        02-03 07:00           | policy temperature.grace_minutes=0
        02-03 12:40           | tick
    """)

    assert story.local(story.verdict("P1", "temperature", "02-03", "am").due_at) == "02-03 12:00"


def test_before_the_first_tick_no_window_has_begun(timeline: Timeline) -> None:
    """While there is no clock, a new policy lays out every window anew."""
    story = timeline("""
        02-02 20:00 | open O1 P1 home, last exposure 02-02
        02-03 13:00 | policy temperature.grace_minutes=0
        02-03 13:00 | tick
    """)

    assert story.local(story.verdict("P1", "temperature", "02-03", "am").due_at) == "02-03 12:00"


def test_windows_not_begun_are_laid_out_anew(timeline: Timeline) -> None:
    """A window that has not begun takes the times of the new policy."""
    story = timeline("""
        02-02 20:00 | open O1 P1 home, last exposure 02-02
        02-03 07:00 | tick
        02-03 08:00 | policy temperature.windows=am@06:00-12:00+pm@15:00-18:00
        02-03 14:30 | temperature P1 36.6 axillary
        02-03 18:35 | tick
    """)

    assert story.states("P1", "temperature", "02-03", "pm") == ["missed"]
    assert story.local(story.verdict("P1", "temperature", "02-03", "pm").due_at) == "02-03 18:30"


def test_a_window_whose_new_start_has_passed_keeps_its_former_layout(timeline: Timeline) -> None:
    """A window not begun whose new start the clock has already passed stays as it was laid out before."""
    story = timeline("""
        02-02 20:00 | open O1 P1 home, last exposure 02-02
        02-03 13:30 | tick
        02-03 13:40 | policy temperature.windows=am@06:00-12:00+pm@13:00-18:00
        02-03 20:35 | tick
        02-04 20:35 | tick
    """)

    assert story.local(story.verdict("P1", "temperature", "02-03", "pm").due_at) == "02-03 20:30"
    assert story.local(story.verdict("P1", "temperature", "02-04", "pm").due_at) == "02-04 18:30"


def test_a_window_whose_new_start_is_the_clock_is_laid_out_anew(timeline: Timeline) -> None:
    """A window not begun whose new start is exactly the clock begins with the new policy."""
    story = timeline("""
        02-02 20:00 | open O1 P1 home, last exposure 02-02
        02-03 13:30 | tick
        02-03 13:40 | policy temperature.windows=am@06:00-12:00+pm@13:30-18:00
        02-03 20:35 | tick
    """)

    assert story.local(story.verdict("P1", "temperature", "02-03", "pm").due_at) == "02-03 18:30"


def test_a_window_keeps_its_policy_for_whoever_is_enrolled_later(timeline: Timeline) -> None:
    """A window that had begun when a policy came keeps its own for an observation that arrives after the policy, too."""
    story = timeline("""
        02-01 08:00 | policy first
        02-03 07:00 | tick
        02-03 08:00 | policy second temperature.grace_minutes=0
        02-03 09:00 | open O1 P1 home, last exposure 02-02, taken 02-02 20:00
        02-03 20:40 | tick
    """)

    assert story.local(story.verdict("P1", "temperature", "02-03", "am").due_at) == "02-03 12:30"
    assert story.local(story.verdict("P1", "temperature", "02-03", "pm").due_at) == "02-03 20:00"


def test_windows_of_a_closed_observation_change_too(timeline: Timeline) -> None:
    """A window that ended before the closing but that the clock has not begun is laid out anew as any other."""
    story = timeline("""
        02-02 20:00 | open O1 P1 home, last exposure 02-02
        02-02 21:00 | tick
        02-03 13:00 | close O1 P1 moved
        02-03 13:10 | policy temperature.grace_minutes=0
        02-03 13:20 | tick
    """)

    assert story.local(story.verdict("P1", "temperature", "02-03", "am").due_at) == "02-03 12:00"
    assert len(story.verdicts()) == 2


def test_a_new_window_whose_start_is_past_does_not_exist(timeline: Timeline) -> None:
    """A window that is new in the policy exists from the first day on which its start is still to come."""
    story = timeline("""
        02-02 20:00 | open O1 P1 home, last exposure 02-02
        02-03 12:40 | tick
        02-03 12:50 | policy temperature.windows=am@06:00-12:00+noon@12:30-13:30+pm@14:00-20:00
    """)

    assert "temperature/02-03/noon" not in story.expected("P1")
    assert "temperature/02-04/noon" in story.expected("P1")


def test_a_new_check_begins_with_the_first_window_still_to_come(timeline: Timeline) -> None:
    """A check that is new in the policy is expected of those already under observation."""
    story = timeline("""
        02-02 20:00 | open O1 P1 home, last exposure 02-02
        02-03 07:00 | tick
        02-03 08:00 | policy oxygen.windows=am@06:00-12:00+pm@14:00-20:00
    """)

    assert "oxygen/02-03/am" not in story.expected("P1")
    assert "oxygen/02-03/pm" in story.expected("P1")
    assert story.figures("P1") == {"pending": 28 + 28 + 27}


def test_a_window_that_the_policy_no_longer_knows_goes_unless_it_has_begun(timeline: Timeline) -> None:
    """A window that the new policy leaves out is expected no more, but one that has begun is judged."""
    story = timeline("""
        02-02 20:00 | open O1 P1 home, last exposure 02-02
        02-03 07:00 | tick
        02-03 08:00 | policy checks=temperature
        02-03 12:35 | tick
    """)

    assert story.states("P1", "visit", "02-03", "am") == ["missed"]
    assert "visit/02-03/pm" not in story.expected("P1")


def test_a_decided_check_keeps_its_verdict_under_a_new_policy(timeline: Timeline) -> None:
    """A check that was waived before its window began stays waived, whatever the new policy expects."""
    story = timeline("""
        02-02 20:00 | open O1 P1 home, last exposure 02-02
        02-03 07:00 | waive P1 visit 02-04 am
        02-03 07:30 | tick
        02-03 08:00 | policy checks=temperature
        02-03 09:00 | policy later checks=temperature+visit
        02-04 12:40 | tick
    """)

    assert story.states("P1", "visit", "02-04", "am") == ["waived"]


def test_a_new_policy_decides_nothing_by_itself(timeline: Timeline) -> None:
    """A deadline that a policy moves into the past, here by an eastern zone, is decided by the next tick."""
    story = timeline("""
        02-02 20:00 | open O1 P1 home, last exposure 02-02
        02-17 11:30 | tick
        02-17 12:40 | policy timezone=Asia/Tokyo
        02-17 12:41 | tick
    """)

    assert story.outcome(3).alerts == ()
    assert [(alert.rule, story.local(alert.due_at)) for alert in story.outcome(4).alerts] == [
        ("observation_overdue", "02-17 12:00")
    ]


def test_a_policy_counts_for_readings_from_its_place_in_the_log(timeline: Timeline) -> None:
    """Thresholds and plausible bounds are those of the policy that stands in the log before the reading."""
    story = timeline("""
        02-03 09:00 | temperature P1 37.2 ear
        02-03 09:30 | policy threshold_c.ear=37.0
        02-03 09:40 | temperature P1 37.2 ear
    """)

    assert story.raised("fever", "P1") == ["e3"]
