"""Identity"""

from hashlib import sha256

from tests.support.timeline import Timeline


def test_an_alert_id_names_rule_subject_and_occurrence(timeline: Timeline) -> None:
    """The `alert_id` is the first 32 hex digits of SHA-256 over `RULE|SUBJECT|OCCURRENCE`."""
    story = timeline("""
        02-02 20:00 | open O1 P1 home, last exposure 02-02
        02-03 12:40 | tick
    """)

    digest = sha256(b"missed_check|person:P1|visit/2020-02-03/am").hexdigest()
    assert [alert.alert_id for alert in story.alerts("missed_check")][1] == digest[:32]


def test_an_alert_changes_only_by_a_higher_revision(timeline: Timeline) -> None:
    """Every change of an alert is a further revision with the same id; revisions count from 1."""
    story = timeline("""
        02-02 20:00 | open O1 P1 home, last exposure 02-02
        02-03 12:40 | tick
        02-03 12:50 | acknowledge missed_check P1 visit/02-03/am
        02-03 13:00 | visit P1 seen, taken 02-03 09:00
    """)

    revisions = story.revisions("missed_check", "P1", "visit/02-03/am")
    assert [(alert.revision, alert.state) for alert in revisions] == [(1, "open"), (2, "acknowledged"), (3, "resolved")]


def test_a_resolved_alert_does_not_change_any_more(timeline: Timeline) -> None:
    """After its resolution neither the cause's end nor a command brings another revision."""
    story = timeline("""
        02-02 20:00 | open O1 P1 home, last exposure 02-02
        02-03 12:40 | tick
        02-03 12:50 | resolve missed_check P1 visit/02-03/am
        02-03 13:00 | visit P1 seen, taken 02-03 09:00
        02-03 13:10 | acknowledge missed_check P1 visit/02-03/am
        02-03 13:20 | resolve missed_check P1 visit/02-03/am
        02-03 13:30 | close O1 P1 released
    """)

    assert story.alert("missed_check", "P1", "visit/02-03/am")[-1] == ("resolved", "warning", "by_staff")
    assert story.states("P1", "visit", "02-03", "am") == ["missed", "late"]
    assert story.dead_letters == []
