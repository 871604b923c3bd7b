"""Resolved"""

from tests.support.timeline import Timeline


def test_by_the_next_check_that_is_done(timeline: Timeline) -> None:
    """A later check that is `done` brings the count to none and resolves with reason `check_done`."""
    story = timeline("""
        02-02 20:00 | open O1 P1 home, last exposure 02-02
        02-03 20:35 | tick
        02-04 09:00 | visit P1 seen
    """)

    assert story.alert("contact_lost", "P1", "visit/02-03/pm")[-1] == ("resolved", "critical", "check_done")
    assert story.alert("contact_lost", "P1", "temperature/02-03/pm")[-1] == ("open", "critical", "opened")


def test_by_a_late_record(timeline: Timeline) -> None:
    """A record that makes one of two misses `late` resolves with reason `check_done`."""
    story = timeline("""
        02-02 20:00 | open O1 P1 home, last exposure 02-02
        02-03 20:35 | tick
        02-03 21:00 | visit P1 seen, taken 02-03 09:00
    """)

    assert story.alert("contact_lost", "P1", "visit/02-03/pm")[-1] == ("resolved", "critical", "check_done")


def test_not_while_enough_misses_are_left(timeline: Timeline) -> None:
    """Of three misses in a row the oldest becomes `late`: two are left, and the alert stays open."""
    story = timeline("""
        02-02 20:00 | open O1 P1 home, last exposure 02-02
        02-04 12:35 | tick
        02-04 13:00 | visit P1 seen, taken 02-03 09:00
    """)

    assert story.alert("contact_lost", "P1", "visit/02-03/pm") == [("open", "critical", "opened")]


def test_by_a_late_record_in_the_middle(timeline: Timeline) -> None:
    """Of three misses in a row the middle one becomes `late`: only the last counts, and the alert is resolved."""
    story = timeline("""
        02-02 20:00 | open O1 P1 home, last exposure 02-02
        02-04 12:35 | tick
        02-04 13:00 | visit P1 seen, taken 02-03 15:00
    """)

    assert story.alert("contact_lost", "P1", "visit/02-03/pm")[-1] == ("resolved", "critical", "check_done")


def test_by_a_waiver(timeline: Timeline) -> None:
    """A waiver that brings the count below `lost_after` resolves with reason `waived`."""
    story = timeline("""
        02-02 20:00 | open O1 P1 home, last exposure 02-02
        02-04 12:35 | tick
        02-04 13:00 | waive P1 visit 02-03 am
        02-04 13:10 | waive P1 visit 02-03 pm
    """)

    assert [alert.rule for alert in story.outcome(3).alerts] == ["missed_check"]
    assert story.alert("contact_lost", "P1", "visit/02-03/pm")[-1] == ("resolved", "critical", "waived")


def test_by_the_closing(timeline: Timeline) -> None:
    """The closing resolves it with reason `observation_closed`, whatever becomes of the verdicts."""
    story = timeline("""
        02-02 20:00 | open O1 P1 home, last exposure 02-02
        02-03 20:35 | tick
        02-03 21:00 | close O1 P1 moved
        02-03 21:10 | visit P1 seen, taken 02-03 09:00
    """)

    assert story.alert("contact_lost", "P1", "visit/02-03/pm")[1:] == [("resolved", "critical", "observation_closed")]


def test_by_a_closing_that_waives(timeline: Timeline) -> None:
    """A closing that waives the misses resolves it as closed, not as waived."""
    story = timeline("""
        02-02 20:00 | open O1 P1 home, last exposure 02-02
        02-03 20:35 | tick
        02-03 21:00 | close O1 P1 moved, taken 02-03 07:00
    """)

    assert story.alert("contact_lost", "P1", "visit/02-03/pm")[1:] == [("resolved", "critical", "observation_closed")]


def test_it_opens_again_when_contact_is_lost_again(timeline: Timeline) -> None:
    """After it was resolved by a check that was done, two further misses open another one."""
    story = timeline("""
        02-02 20:00 | open O1 P1 home, last exposure 02-02
        02-03 20:35 | tick
        02-04 09:00 | visit P1 seen 36.5 axillary
        02-05 12:35 | tick
    """)

    assert story.raised("contact_lost")[2:] == ["temperature/02-05/am", "visit/02-05/am"]


def test_a_verdict_that_can_change_no_more_leaves_it_open(timeline: Timeline) -> None:
    """Where the verdict is final a late record does not change the count."""
    story = timeline("""
        02-01 08:00 | policy late_days=0
        02-02 20:00 | open O1 P1 home, last exposure 02-02
        02-03 20:35 | tick
        02-03 21:00 | visit P1 seen, taken 02-03 15:00
    """)

    assert story.alert("contact_lost", "P1", "visit/02-03/pm") == [("open", "critical", "opened")]


def test_by_a_visit_that_waited(timeline: Timeline) -> None:
    """What was made before its opening and resolves with the checks that an extension brings: the evidence is the visit."""
    story = timeline("""
        02-01 08:00 | policy period_days=2
        02-05 09:00 | visit P1 seen, as waited
        02-05 10:00 | open O1 P1 home, last exposure 02-02, taken 02-02 20:00
        02-05 11:00 | tick
        02-05 11:10 | acknowledge contact_lost P1 visit/2020-02-03/pm, as ack
        02-05 12:00 | open O2 P1 home, last exposure 02-03, taken 02-02 20:00
    """)

    alert = next(alert for alert in story.outcome(6).alerts if alert.occurrence == "visit/2020-02-03/pm")
    assert (alert.rule, alert.state, alert.reason) == ("contact_lost", "resolved", "check_done")
    assert alert.evidence == ("waited", "ack")
