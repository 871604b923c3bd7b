"""The deadline"""

from tests.support.timeline import Timeline


def test_unconfirmed_for_a_person_under_observation(timeline: Timeline) -> None:
    """When the clock reaches `due_at` unsettled, the alert of a person under observation is critical, `unconfirmed`."""
    story = timeline("""
        02-02 20:00           | open O1 P1 home, last exposure 02-02
        02-03 09:00           | temperature P1 37.9 forehead
        02-03 09:29:59.999999 | tick
        02-03 09:30           | tick
    """)

    assert story.outcome(3).alerts == ()
    assert story.alert("fever", "P1", "e2") == [("open", "warning", "screened"), ("open", "critical", "unconfirmed")]
    assert story.alerts("fever")[-1].evidence == ("e2",)


def test_lapsed_for_others(timeline: Timeline) -> None:
    """The alert of a person who is not under observation is resolved, `lapsed`."""
    story = timeline("""
        02-03 09:00 | scan P1 in passed 37.9 forehead
        02-03 09:30 | tick
    """)

    assert story.alert("fever", "P1", "e1")[-1] == ("resolved", "warning", "lapsed")


def test_who_is_under_observation_when_the_clock_reaches_it(timeline: Timeline) -> None:
    """It matters whether an observation is open when the clock reaches `due_at`, not whether one was at the reading."""
    story = timeline("""
        02-02 20:00 | open O1 P1 home, last exposure 02-02
        02-03 09:00 | temperature P1 37.9 forehead
        02-03 09:00 | temperature P2 37.9 forehead
        02-03 09:10 | close O1 P1 moved
        02-03 09:20 | open O2 P2 home, last exposure 02-02
        02-03 09:30 | tick
    """)

    assert story.alert("fever", "P1", "e2")[-1] == ("resolved", "warning", "lapsed")
    assert story.alert("fever", "P2", "e3")[-1] == ("open", "critical", "unconfirmed")


def test_an_unconfirmed_fever_can_be_confirmed(timeline: Timeline) -> None:
    """A high reading at a confirm site makes an unconfirmed alert `confirmed`."""
    story = timeline("""
        02-02 20:00 | open O1 P1 home, last exposure 02-02
        02-03 09:00 | temperature P1 37.9 forehead
        02-03 09:30 | tick
        02-03 12:00 | temperature P1 38.0 axillary
    """)

    assert story.alert("fever", "P1", "e2")[-1] == ("open", "critical", "confirmed")


def test_an_unconfirmed_fever_can_be_refuted(timeline: Timeline) -> None:
    """A low reading at a confirm site resolves an unconfirmed alert, `not_confirmed`; its severity stays."""
    story = timeline("""
        02-02 20:00 | open O1 P1 home, last exposure 02-02
        02-03 09:00 | temperature P1 37.9 forehead
        02-03 09:30 | tick
        02-03 12:00 | temperature P1 36.5 axillary
    """)

    assert story.alert("fever", "P1", "e2")[-1] == ("resolved", "critical", "not_confirmed")


def test_a_due_time_already_past(timeline: Timeline) -> None:
    """A reading from a backlog, due before the clock, is decided by the next tick that raises the clock."""
    story = timeline("""
        02-03 14:00 | tick
        02-03 14:10 | scan P1 in passed 37.9 forehead, taken 02-03 09:00
        02-03 14:00 | tick
        02-03 14:11 | tick
    """)

    assert [len(outcome.alerts) for outcome in story.outcomes] == [0, 1, 0, 1]


def test_a_settled_alert_has_no_deadline(timeline: Timeline) -> None:
    """What was confirmed, refuted or resolved by staff in time is not decided again at `due_at`."""
    story = timeline("""
        02-03 09:00 | temperature P1 37.9 forehead
        02-03 09:00 | temperature P2 37.9 forehead
        02-03 09:00 | temperature P3 37.9 forehead
        02-03 09:10 | temperature P1 38.0 axillary
        02-03 09:10 | temperature P2 36.5 axillary
        02-03 09:10 | resolve fever P3 e3
        02-03 10:00 | tick
    """)

    assert story.outcome(-1).alerts == ()


def test_acknowledging_settles_nothing(timeline: Timeline) -> None:
    """An acknowledged alert is due as before, and open again when it becomes critical."""
    story = timeline("""
        02-02 20:00 | open O1 P1 home, last exposure 02-02
        02-03 09:00 | temperature P1 37.9 forehead
        02-03 09:10 | acknowledge fever P1 e2
        02-03 09:30 | tick
    """)

    assert story.alert("fever", "P1", "e2")[-1] == ("open", "critical", "unconfirmed")
