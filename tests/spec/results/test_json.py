"""JSON"""

import json

from events.results import encode_alert, encode_verdict
from tests.support.timeline import Timeline


def test_the_keys_of_a_verdict(timeline: Timeline) -> None:
    """A verdict has these keys in this order, without spaces between them."""
    story = timeline("""
        02-02 20:00 | open O1 P1 home, last exposure 02-02, in jintang/c1/g1
        02-03 09:00 | tick
        02-03 09:30 | visit P1 seen
    """)

    (verdict,) = story.verdicts()
    assert encode_verdict(verdict) == (
        b'{"check_id":"b9239881b688e6aefc35d95e3ff6fed5","revision":1,"person_id":"P1","observation_id":"O1",'
        b'"area":"jintang/c1/g1","check":"visit","date":"2020-02-03","window":"am","state":"done",'
        b'"due_at":"2020-02-03T04:30:00Z","decided_at":"2020-02-03T01:00:00Z","evidence":["e3"],'
        b'"policy_version":"2020-02-01"}'
    )


def test_the_keys_of_an_alert(timeline: Timeline) -> None:
    """An alert has these keys in this order; `detail` is an object of the rule's own."""
    story = timeline("""
        02-03 09:00 | temperature P1 38.0 ear
    """)

    (alert,) = story.alerts()
    assert list(json.loads(encode_alert(alert))) == [
        "alert_id",
        "revision",
        "rule",
        "state",
        "severity",
        "reason",
        "subject",
        "person_id",
        "key",
        "area",
        "occurrence",
        "due_at",
        "raised_at",
        "updated_at",
        "evidence",
        "policy_version",
        "detail",
    ]
    assert b" " not in encode_alert(alert)


def test_instants_are_utc_with_z(timeline: Timeline) -> None:
    """Instants are written in UTC with `Z`, and with a fraction only where there is one."""
    story = timeline("""
        02-03 09:00:00.250000 | tick
        02-03 09:00:01        | temperature P1 38.0 ear
    """)

    written = json.loads(encode_alert(story.alerts()[0]))
    assert written["raised_at"] == "2020-02-03T01:00:00.250000Z"
    assert written["due_at"] == "2020-02-03T01:30:01Z"


def test_text_is_utf_8(timeline: Timeline) -> None:
    """Text that is not ASCII is written as UTF-8, not escaped."""
    story = timeline("""
        02-01 08:00 | policy 二月
        02-03 09:00 | temperature P1 38.0 axillary
    """)

    assert '"policy_version":"二月"'.encode() in encode_alert(story.alerts()[0])


def test_nothing_is_written_as_null(timeline: Timeline) -> None:
    """An absent `due_at` is written as null, never left out."""
    story = timeline("""
        02-03 09:00 | temperature P1 38.0 axillary
    """)

    assert b'"due_at":null' in encode_alert(story.alerts()[0])
