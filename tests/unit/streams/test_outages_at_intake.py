"""Outages at intake: one record under its key, and a copy for every partition."""

import json
from dataclasses import replace
from datetime import UTC, datetime

from events.codec import decode, encode
from events.records import OutageOpened
from events.vocabulary import OutageCause
from streams.broker.outputs import Output
from streams.intake.decider import new_intake
from tests.support.fakes import raw_record, without_signs_of_life

AT = datetime(2020, 2, 3, 1, tzinfo=UTC)
OPENED = OutageOpened(
    event_id="b1", source_id="office", occurred_at=AT, outage_id="B1", cause=OutageCause.DECLARED, area="t/c1", since=AT
)


def taken(value: bytes) -> list[Output]:
    """Return what intake makes of one record of the topic `commands`."""
    received_ms = int(AT.timestamp() * 1000)
    return without_signs_of_life(
        new_intake("commands", 0, 48).take([raw_record("commands", 0, 0, value, received_ms)], 0)
    )


def test_an_outage_stands_under_its_key_and_in_every_partition() -> None:
    own, copy = taken(encode(OPENED))

    assert (own.topic, own.key, own.to_all_partitions) == ("timeline", b"outage:B1", False)
    assert (copy.topic, copy.key, copy.to_all_partitions) == ("timeline", None, True)
    assert decode(copy.value) == replace(decode(own.value), is_copy=True)
    assert decode(own.value) == replace(OPENED, received_at=AT)


def test_a_copy_from_outside_is_refused() -> None:
    """Otherwise a partition would hold checks of an outage whose alert nobody sees."""
    (refused,) = taken(encode(replace(OPENED, is_copy=True)))

    letter = json.loads(refused.value)
    assert (refused.topic, letter["reason"], letter["path"]) == ("dead-letters", "invalid_field", "is_copy")
