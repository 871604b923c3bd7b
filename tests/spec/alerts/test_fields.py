"""Fields"""

from tests.support.timeline import Timeline


def test_area_due_time_and_raising_are_those_of_revision_1(timeline: Timeline) -> None:
    """Area, `due_at` and `raised_at` stay as at revision 1; `updated_at` is the clock at each revision."""
    story = timeline("""
        02-02 20:00 | open O1 P1 home, last exposure 02-02, in jintang/c1/g1
        02-03 12:40 | tick
        02-03 12:45 | open O2 P1 home, last exposure 02-02, in jintang/c2/g2
        02-03 13:00 | tick
        02-03 13:10 | visit P1 seen, taken 02-03 09:00
    """)

    revisions = story.revisions("missed_check", "P1", "visit/02-03/am")
    assert [alert.area for alert in revisions] == ["jintang/c1/g1"] * 2
    assert [story.local(alert.due_at) for alert in revisions] == ["02-03 12:30"] * 2
    assert [story.local(alert.raised_at) for alert in revisions] == ["02-03 12:40"] * 2
    assert [story.local(alert.updated_at) for alert in revisions] == ["02-03 12:40", "02-03 13:00"]


def test_a_fever_keeps_its_due_time(timeline: Timeline) -> None:
    """A screened fever that is confirmed keeps the `due_at` of revision 1."""
    story = timeline("""
        02-03 09:00 | temperature P1 38.5 ear
        02-03 09:10 | temperature P1 38.5 axillary
    """)

    assert [story.local(alert.due_at) for alert in story.alerts("fever")] == ["02-03 09:30", "02-03 09:30"]


def test_the_area_is_that_of_the_observation_else_of_the_record(timeline: Timeline) -> None:
    """For a person under observation an alert has the observation's area, for others the record's."""
    story = timeline("""
        02-02 20:00 | open O1 P1 home, last exposure 02-02, in jintang/c1/g1
        02-03 09:00 | scan P1 out passed 38.5 axillary, in gate, code red
        02-03 09:00 | scan P2 out passed 38.5 axillary, in gate, code red
        02-03 09:10 | temperature P1 30.0, in gate
    """)

    assert {alert.area for alert in story.alerts(name="P1")} == {"jintang/c1/g1"}
    assert {alert.area for alert in story.alerts(name="P2")} == {"gate"}
    assert {alert.area for alert in story.alerts("implausible_reading")} == {"jintang/c1/g1"}


def test_evidence_grows_in_log_order(timeline: Timeline) -> None:
    """The evidence holds the event ids so far in log order, staff's commands included; what the clock brings adds none."""
    story = timeline("""
        02-02 20:00 | open O1 P1 home, last exposure 02-02
        02-03 12:40 | tick
        02-03 12:50 | acknowledge missed_check P1 visit/02-03/am, as taken-on
        02-03 13:00 | visit P1 seen, taken 02-03 09:00, as upload
    """)

    assert [alert.evidence for alert in story.revisions("missed_check", "P1", "visit/02-03/am")] == [
        (),
        ("taken-on",),
        ("taken-on", "upload"),
    ]


def test_an_alert_lives_under_the_person_it_concerns(timeline: Timeline) -> None:
    """The `key` of an alert is the person's id, also where the subject is a source."""
    story = timeline("""
        02-03 09:00 | temperature P1 30.0 ear, from gate-7
    """)

    (alert,) = story.alerts()
    assert (alert.subject, alert.key, alert.person_id) == ("source:gate-7", "P1", "P1")


def test_the_reason_is_opened_where_nothing_else_is_said(timeline: Timeline) -> None:
    """The first revision has reason `opened`, but for a fever, which is `screened` or `confirmed`."""
    story = timeline("""
        02-02 20:00 | open O1 P1 home, last exposure 02-02
        02-03 09:00 | scan P1 out passed 30.0 wrist, code yellow
        02-03 21:00 | tick
        02-18 00:00 | tick
    """)

    assert {alert.rule for alert in story.alerts()} == {
        "breach",
        "contact_lost",
        "health_code",
        "implausible_reading",
        "missed_check",
        "observation_overdue",
    }
    assert {alert.reason for alert in story.alerts()} == {"opened"}
