"""Confirmation"""

from tests.support.timeline import Timeline


def test_a_high_reading_at_a_confirm_site_confirms(timeline: Timeline) -> None:
    """A plausible reading at a confirm site at or above its threshold makes a screened alert critical, `confirmed`."""
    story = timeline("""
        02-03 09:00 | temperature P1 37.9 forehead
        02-03 09:10 | temperature P1 37.3 axillary
    """)

    assert story.alert("fever", "P1", "e1") == [("open", "warning", "screened"), ("open", "critical", "confirmed")]
    assert story.alerts("fever")[-1].evidence == ("e1", "e2")


def test_a_low_reading_at_a_confirm_site_resolves(timeline: Timeline) -> None:
    """One below its threshold resolves it with reason `not_confirmed`."""
    story = timeline("""
        02-03 09:00 | temperature P1 37.9 forehead
        02-03 09:10 | temperature P1 37.2 axillary
    """)

    assert story.alert("fever", "P1", "e1")[-1] == ("resolved", "warning", "not_confirmed")


def test_the_threshold_is_that_of_the_confirming_site(timeline: Timeline) -> None:
    """A confirming reading is measured by the threshold of its own site."""
    story = timeline("""
        02-01 08:00 | policy confirm_sites=axillary+rectal
        02-03 09:00 | temperature P1 37.9 forehead
        02-03 09:10 | temperature P1 37.9 rectal
    """)

    assert story.alert("fever", "P1", "e2")[-1] == ("resolved", "warning", "not_confirmed")


def test_readings_elsewhere_settle_nothing(timeline: Timeline) -> None:
    """Readings at other sites, high or low, neither settle nor change the alert."""
    story = timeline("""
        02-03 09:00 | temperature P1 37.9 forehead
        02-03 09:10 | temperature P1 39.0 ear
        02-03 09:20 | temperature P1 36.0 forehead
    """)

    assert story.alert("fever", "P1", "e1") == [("open", "warning", "screened")]


def test_an_implausible_reading_settles_nothing(timeline: Timeline) -> None:
    """An implausible reading at a confirm site neither confirms nor refutes."""
    story = timeline("""
        02-03 09:00 | temperature P1 37.9 forehead
        02-03 09:10 | temperature P1 43.0 axillary
        02-03 09:20 | temperature P1 34.0 axillary
    """)

    assert story.alert("fever", "P1", "e1") == [("open", "warning", "screened")]


def test_a_high_reading_of_up_to_24_hours_before_confirms(timeline: Timeline) -> None:
    """A high reading that was taken exactly 24 h before the first one confirms when it arrives."""
    story = timeline("""
        02-03 09:00 | temperature P1 37.9 forehead
        02-03 09:10 | temperature P1 38.0 axillary, taken 02-02 09:00
    """)

    assert story.alert("fever", "P1", "e1")[-1] == ("open", "critical", "confirmed")


def test_an_older_high_reading_settles_nothing(timeline: Timeline) -> None:
    """A high reading taken more than 24 h before the first one is of another time."""
    story = timeline("""
        02-03 09:00 | temperature P1 37.9 forehead
        02-03 09:10 | temperature P1 38.0 axillary, taken 02-02 08:59:59.999999
    """)

    assert story.alert("fever", "P1", "e1") == [("open", "warning", "screened")]


def test_a_low_reading_from_the_first_on_resolves(timeline: Timeline) -> None:
    """A low reading resolves when it was taken at the very moment of the first one, not when a microsecond before."""
    story = timeline("""
        02-03 09:00 | temperature P1 37.9 forehead
        02-03 09:10 | temperature P1 36.5 axillary, taken 02-03 08:59:59.999999
        02-03 09:20 | temperature P1 36.5 axillary, taken 02-03 09:00
    """)

    assert [len(outcome.alerts) for outcome in story.outcomes] == [1, 0, 1]
    assert story.alert("fever", "P1", "e1")[-1] == ("resolved", "warning", "not_confirmed")


def test_a_reading_after_the_due_time_settles_too(timeline: Timeline) -> None:
    """A reading taken after `due_at` settles an alert on which the clock has not yet decided."""
    story = timeline("""
        02-03 09:00 | temperature P1 37.9 forehead
        02-03 11:00 | temperature P1 36.5 axillary
        02-03 11:01 | tick
    """)

    assert story.alert("fever", "P1", "e1")[-1] == ("resolved", "warning", "not_confirmed")


def test_a_visit_or_scan_can_confirm(timeline: Timeline) -> None:
    """A confirming reading may come by a visit or a scan."""
    story = timeline("""
        02-03 09:00 | temperature P1 37.9 forehead
        02-03 09:00 | temperature P2 37.9 forehead
        02-03 09:10 | visit P1 seen 38.0 axillary
        02-03 09:10 | scan P2 in held 38.0 axillary
    """)

    assert story.alert("fever", "P1", "e1")[-1] == ("open", "critical", "confirmed")
    assert story.alert("fever", "P2", "e2")[-1] == ("open", "critical", "confirmed")


def test_a_confirmed_fever_is_resolved_by_staff_alone(timeline: Timeline) -> None:
    """Neither low readings, nor time, nor the closing of the observation resolve a confirmed fever."""
    story = timeline("""
        02-02 20:00 | open O1 P1 home, last exposure 02-02
        02-03 09:00 | temperature P1 38.0 axillary
        02-03 09:10 | temperature P1 36.5 axillary
        02-03 21:00 | tick
        02-04 09:00 | close O1 P1 hospital
        02-04 10:00 | resolve fever P1 e2
    """)

    assert story.alert("fever", "P1", "e2") == [("open", "critical", "confirmed"), ("resolved", "critical", "by_staff")]
