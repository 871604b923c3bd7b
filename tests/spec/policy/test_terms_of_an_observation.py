"""Terms of an observation"""

from tests.support.timeline import Timeline


def test_an_observation_keeps_the_period_of_its_opening(timeline: Timeline) -> None:
    """A shorter period holds for observations that open after it; those already open keep theirs."""
    story = timeline("""
        02-02 20:00 | open O1 P1 home, last exposure 02-02
        02-02 21:00 | policy period_days=7
        02-02 22:00 | open O2 P2 home, last exposure 02-02
    """)

    assert len(story.expected("P1")) == 14 * 4
    assert len(story.expected("P2")) == 7 * 4


def test_an_observation_keeps_the_grace_of_its_opening(timeline: Timeline) -> None:
    """The overdue grace of a later policy does not hold for an observation that is already open."""
    story = timeline("""
        02-02 20:00 | open O1 P1 home, last exposure 02-02
        02-02 21:00 | policy overdue_grace_minutes=60
        02-02 22:00 | open O2 P2 home, last exposure 02-02
        02-18 00:00 | tick
    """)

    due = {alert.subject: story.local(alert.due_at) for alert in story.alerts("observation_overdue")}
    assert due == {"person:P1": "02-17 12:00", "person:P2": "02-17 01:00"}


def test_an_extension_that_moves_the_last_exposure_takes_the_terms_that_hold(timeline: Timeline) -> None:
    """An extension that moves the last exposure brings period and grace of the policy that then holds."""
    story = timeline("""
        02-02 20:00 | open O1 P1 home, last exposure 02-02
        02-03 05:00 | policy period_days=21 overdue_grace_minutes=60
        02-04 05:00 | extend O1 P1, last exposure 02-03
        02-25 00:00 | tick
        02-26 00:00 | tick
    """)

    assert story.raised("observation_overdue") == ["O1/02-24"]
    assert [story.local(alert.due_at) for alert in story.alerts("observation_overdue")] == ["02-25 01:00"]


def test_an_extension_that_moves_nothing_brings_no_new_terms(timeline: Timeline) -> None:
    """An extension to the same last exposure leaves period and grace as they were."""
    story = timeline("""
        02-02 20:00 | open O1 P1 home, last exposure 02-02
        02-03 05:00 | policy period_days=21 overdue_grace_minutes=60
        02-04 05:00 | extend O1 P1, last exposure 02-02
        02-18 00:00 | tick
    """)

    assert story.raised("observation_overdue") == ["O1/02-16"]
    assert [story.local(alert.due_at) for alert in story.alerts("observation_overdue")] == ["02-17 12:00"]


def test_a_shorter_period_holds_for_every_exposure(timeline: Timeline) -> None:
    """An extension under a shorter period brings it for all exposures: days beyond it go, unless decided or begun."""
    story = timeline("""
        02-02 20:00 | open O1 P1 home, last exposure 02-02
        02-03 04:00 | waive P1 visit 02-16 pm
        02-03 05:00 | policy period_days=7
        02-04 05:00 | extend O1 P1, last exposure 02-03
    """)

    assert list(story.expected("P1"))[-2:] == ["visit/02-10/pm", "visit/02-16/pm"]
    assert story.figures("P1") == {"pending": 4 * 8, "waived": 1}


def test_the_time_zone_is_always_the_current_one(timeline: Timeline) -> None:
    """When the time zone changes, the midnight after the last day is that of the new zone."""
    story = timeline("""
        02-02 20:00 | open O1 P1 home, last exposure 02-02
        02-03 05:00 | policy timezone=Asia/Tokyo
        02-18 00:00 | tick
    """)

    assert [story.local(alert.due_at) for alert in story.alerts("observation_overdue")] == ["02-17 12:00"]
    assert story.zone.key == "Asia/Tokyo"
