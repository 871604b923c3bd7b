"""Kinds and topics"""

import json

import pytest

from events.codec import Refusal, decode, decode_from_topic
from events.records import RAW_TOPICS
from tests.spec.bad_input.test_fields import COMPLETE, record, refused

TOPIC_OF_KIND = {
    "observation_opened": "observations",
    "observation_extended": "observations",
    "observation_closed": "observations",
    "check_waived": "observations",
    "visit_recorded": "visits",
    "temperature_taken": "temperatures",
    "checkpoint_scanned": "checkpoints",
    "alert_acknowledged": "commands",
    "alert_resolved": "commands",
}


@pytest.mark.parametrize("kind", ["visit", "Tick", "", "pending"])
def test_unknown_kinds(kind: str) -> None:
    """A kind that this version does not know is `unknown_kind`."""
    assert refused(json.dumps({"kind": kind}).encode()) == ("unknown_kind", "kind")


@pytest.mark.parametrize("document", [{}, {"kind": None}, {"kind": 7}, {"kind": ["tick"]}])
def test_a_kind_that_is_missing_or_no_string(document: dict[str, object]) -> None:
    """A record without a kind, or with one that is no string, is an `unknown_kind` as well."""
    assert refused(json.dumps(document).encode()) == ("unknown_kind", "kind")


@pytest.mark.parametrize(("kind", "topic"), TOPIC_OF_KIND.items())
def test_every_kind_has_its_topic(kind: str, topic: str) -> None:
    """A record is taken from its own raw topic, and refused as `unknown_kind` in any other."""
    assert decode_from_topic(record(kind), topic) == decode(record(kind))
    for other in RAW_TOPICS:
        if other != topic:
            with pytest.raises(Refusal) as caught:
                decode_from_topic(record(kind), other)
            assert caught.value.reason == "unknown_kind"


@pytest.mark.parametrize("topic", RAW_TOPICS)
def test_nobody_outside_moves_the_clock(topic: str) -> None:
    """A tick in a raw topic is an `unknown_kind`."""
    with pytest.raises(Refusal) as caught:
        decode_from_topic(record("tick"), topic)

    assert (caught.value.reason, caught.value.path) == ("unknown_kind", "kind")


def test_a_tick_has_no_common_fields() -> None:
    """A tick has none of the common fields but `kind`."""
    assert "event_id" not in COMPLETE["tick"]
    assert refused(record("tick", event_id="e1")) == ("invalid_field", "event_id")
