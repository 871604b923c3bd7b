"""The count"""

from tests.support.timeline import Timeline


def test_while_it_is_open_a_further_scan_adds_nothing(timeline: Timeline) -> None:
    """A further scan of the day neither raises nor changes an alert, while that with the highest N is open."""
    story = timeline("""
        02-02 20:00 | open O1 P1 home, last exposure 02-02
        02-03 09:00 | scan P1 out passed
        02-03 09:30 | acknowledge breach P1 O1/02-03/1
        02-03 10:00 | scan P1 in passed
    """)

    assert story.outcome(4).alerts == ()


def test_after_it_was_resolved_the_next_scan_opens_n_plus_1(timeline: Timeline) -> None:
    """After the alert was resolved, the next scan of the same day opens one with the next number."""
    story = timeline("""
        02-02 20:00 | open O1 P1 home, last exposure 02-02
        02-03 09:00 | scan P1 out passed
        02-03 09:30 | resolve breach P1 O1/02-03/1
        02-03 10:00 | scan P1 in passed
        02-03 10:30 | resolve breach P1 O1/02-03/2
        02-03 11:00 | scan P1 out passed
    """)

    assert story.raised("breach") == ["O1/02-03/1", "O1/02-03/2", "O1/02-03/3"]


def test_every_day_counts_by_itself(timeline: Timeline) -> None:
    """The day is the local date of the scan's `occurred_at`: 23:59 and 00:01 are two days, also for a late upload."""
    story = timeline("""
        02-02 20:00 | open O1 P1 home, last exposure 02-02
        02-04 00:01 | scan P1 out passed
        02-04 09:00 | scan P1 out passed, taken 02-03 23:59
    """)

    assert story.raised("breach") == ["O1/02-04/1", "O1/02-03/1"]


def test_the_observation_is_named_by_its_first_id(timeline: Timeline) -> None:
    """A second opening gives the observation another name, but its breaches go on counting under the first."""
    story = timeline("""
        02-02 20:00 | open O1 P1 home, last exposure 02-02
        02-03 09:00 | scan P1 out passed
        02-03 09:30 | open O2 P1 home, last exposure 02-03
        02-03 10:00 | scan P1 in passed
        02-04 10:00 | scan P1 in passed
    """)

    assert story.raised("breach") == ["O1/02-03/1", "O1/02-04/1"]
