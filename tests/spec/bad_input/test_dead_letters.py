"""Dead letters"""

import pytest

from events.codec import Refusal, decode
from tests.support.timeline import Timeline


def test_one_bad_record_never_stops_the_rest(timeline: Timeline) -> None:
    """Records before and after a bad one are taken as if it were not there."""
    story = timeline("""
        02-02 20:00 | open O1 P1 home, last exposure 02-02
        02-03 08:00 | raw this is no record
        02-03 08:10 | close O9 P1 released
        02-03 09:00 | visit P1 seen
    """)

    assert story.dead_letters == ["not_json", "no_such_observation"]
    assert story.states("P1", "visit", "02-03", "am") == ["done"]


def test_the_four_reasons_of_the_ledger(timeline: Timeline) -> None:
    """A record that refers to nothing is a dead letter with a reason of its own, and brings neither verdict nor alert."""
    story = timeline("""
        02-02 20:00 | open O1 P1 home, last exposure 02-02
        02-02 21:00 | waive P1 visit 02-28 am
        02-02 21:10 | extend O9 P1, last exposure 02-05
        02-02 21:20 | resolve fever P1 e9
        02-02 21:30 | close O1 P1 cancelled
        02-02 21:40 | close O1 P1 cancelled
    """)

    assert story.refusals == [
        ("no_such_check", "check"),
        ("no_such_observation", "observation_id"),
        ("no_such_alert", "alert_id"),
        ("observation_is_closed", "observation_id"),
    ]
    assert story.written == []


def test_a_mended_record_can_be_sent_in_again(timeline: Timeline) -> None:
    """A dead letter does not use up its `event_id`: mended, it is taken."""
    story = timeline("""
        02-02 20:00 | open O1 P1 home, last exposure 02-02
        02-03 09:00 | visit P1 vanished, as e7
        02-03 09:10 | visit P1 seen, as e7
    """)

    assert story.refusals == [("invalid_field", "outcome")]
    assert story.verdict("P1", "visit", "02-03", "am").evidence == ("e7",)


def test_made_in_the_future(timeline: Timeline) -> None:
    """A record made more than 5 minutes after it was received is `occurred_in_future`; exactly 5 minutes are borne."""
    story = timeline("""
        02-03 09:00 | temperature P1 38.0 axillary, taken 02-03 09:05
        02-03 09:00 | temperature P2 38.0 axillary, taken 02-03 09:05:00.000001
    """)

    assert story.refusals == [("occurred_in_future", "occurred_at")]
    assert story.raised("fever") == ["e1"]


def test_without_received_at_nothing_is_in_the_future(timeline: Timeline) -> None:
    """Where nobody set `received_at`, as in a file, nothing is `occurred_in_future`."""
    story = timeline("""
        02-03 09:00 | temperature P1 38.5 axillary, taken 2199-02-03 09:00, received never
    """)

    assert story.dead_letters == []


@pytest.mark.parametrize(
    "raw",
    [
        b'{"kind":"temperature_taken","event_id":"li wei","person_id":"li wei"}',
        b'{"kind":"li wei"}',
        b'{"li wei":1,"li wei":2}',
        b'{"kind":"tick","at":"2020-02-03T00:00:00Z","li wei":1}',
        b'{"kind":"policy_changed","policy":{"li wei":1}}',
        b"li wei",
    ],
)
def test_a_message_holds_no_personal_data(raw: bytes) -> None:
    """Reason, path and message say what was expected and repeat nothing of what came, not even a field's name."""
    with pytest.raises(Refusal) as caught:
        decode(raw)

    assert "li" not in f"{caught.value.path} {caught.value.message}".split()
    assert "li wei" not in f"{caught.value.path} {caught.value.message}"
