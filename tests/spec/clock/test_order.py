"""Order of results"""

from tests.support.timeline import Timeline


def test_verdicts_of_one_instant_come_by_person_check_date_and_window(timeline: Timeline) -> None:
    """Verdicts that need the same clock are ordered by person, check, date and window."""
    story = timeline("""
        02-02 20:00 | open O2 P2 home, last exposure 02-02
        02-02 20:00 | open O1 P1 home, last exposure 02-02
        02-03 12:35 | tick
    """)

    assert [(verdict.person_id, verdict.check) for verdict in story.verdicts()] == [
        ("P1", "temperature"),
        ("P1", "visit"),
        ("P2", "temperature"),
        ("P2", "visit"),
    ]


def test_results_of_one_tick_come_by_the_instant_that_the_clock_had_to_reach(timeline: Timeline) -> None:
    """What one tick brings is ordered first by the instant that the clock had to reach, whoever it concerns."""
    story = timeline("""
        02-01 08:00 | policy temperature.settle_minutes=60
        02-02 20:00 | open O1 P1 home, last exposure 02-02
        02-02 20:00 | open O2 P2 home, last exposure 02-02
        02-03 18:00 | tick
    """)

    assert [(verdict.check, verdict.person_id) for verdict in story.verdicts()] == [
        ("visit", "P1"),
        ("visit", "P2"),
        ("temperature", "P1"),
        ("temperature", "P2"),
    ]


def test_the_instant_of_a_miss_is_end_grace_and_settle(timeline: Timeline) -> None:
    """A miss stands at the end of its settling time, here 12:35: after a fever due at 12:34, before one due at 12:36."""
    story = timeline("""
        02-02 20:00 | open O1 P1 home, last exposure 02-02
        02-03 12:04 | temperature P2 38.0 ear
        02-03 12:06 | temperature P3 38.0 ear
        02-03 13:01 | tick
    """)

    assert [(alert.rule, alert.subject) for alert in story.outcome(-1).alerts] == [
        ("fever", "person:P2"),
        ("missed_check", "person:P1"),
        ("missed_check", "person:P1"),
        ("fever", "person:P3"),
    ]


def test_alerts_of_one_instant_come_by_rule_subject_occurrence_and_revision(timeline: Timeline) -> None:
    """Alerts that need the same clock are ordered by rule, subject, occurrence and revision."""
    story = timeline("""
        02-02 20:00 | open O2 P2 home, last exposure 02-02
        02-02 20:00 | open O1 P1 home, last exposure 02-02
        02-03 12:35 | tick
        02-03 20:35 | tick
    """)

    assert [(alert.rule, alert.subject, alert.occurrence) for alert in story.outcome(-1).alerts] == [
        (rule, f"person:{person}", f"{check}/2020-02-03/pm")
        for rule in ("contact_lost", "missed_check")
        for person in ("P1", "P2")
        for check in ("temperature", "visit")
    ]


def test_revisions_that_one_record_brings_come_in_their_order(timeline: Timeline) -> None:
    """An alert that is raised and settled by the same record comes with revision 1 before revision 2."""
    story = timeline("""
        02-02 20:00 | open O1 P1 home, last exposure 02-02
        02-03 09:20 | temperature P1 36.8 axillary, taken 02-03 09:10
        02-03 09:30 | scan P1 in passed 37.9 forehead, taken 02-03 09:00, code red
    """)

    assert [(alert.rule, alert.revision) for alert in story.outcome(-1).alerts] == [
        ("breach", 1),
        ("fever", 1),
        ("fever", 2),
        ("health_code", 1),
    ]


def test_what_a_record_brings_needs_no_clock_and_comes_in_one_order(timeline: Timeline) -> None:
    """What a closing waives needs no instant of the clock: verdicts by check, date and window, alerts by rule."""
    story = timeline("""
        02-02 20:00 | open O1 P1 home, last exposure 02-02
        02-04 07:00 | tick
        02-04 08:00 | close O1 P1 moved, taken 02-03 07:00
    """)

    assert [(verdict.check, f"{verdict.date:%m-%d}", verdict.window) for verdict in story.outcome(-1).verdicts] == [
        ("temperature", "02-03", "am"),
        ("temperature", "02-03", "pm"),
        ("temperature", "02-04", "am"),
        ("visit", "02-03", "am"),
        ("visit", "02-03", "pm"),
        ("visit", "02-04", "am"),
    ]
    assert [alert.rule for alert in story.outcome(-1).alerts] == ["contact_lost"] * 2 + ["missed_check"] * 4
