"""What watch writes beside verdicts and alerts: outages that follow from alerts about sources, and what is known of them."""

import json
from collections.abc import Iterable
from datetime import UTC, datetime, timedelta

import pytest

from events.codec import decode, decode_from_topic
from events.records import OutageClosed, OutageOpened, OutageRecord
from events.results import decode_source_state
from events.vocabulary import OutageCause
from streams.broker.outputs import Output
from streams.core.sources import Source
from streams.core.state import new_state
from streams.intake.decider import new_intake
from streams.partition import UndecidableRecordError
from streams.watch.decider import WatchPartition
from tests.support.fakes import RawRecord, raw_record

NINE = datetime(2020, 2, 3, 1, tzinfo=UTC)


def tick(at: str) -> bytes:
    return b'{"kind":"tick","at":"2020-02-03T%sZ"}' % at.encode()


def defined(*areas: str, interval_seconds: int = 3600, is_active: bool = True) -> bytes:
    document = {
        "kind": "source_defined",
        "event_id": f"d{interval_seconds}",
        "source_id": "office",
        "occurred_at": "2020-02-03T01:00:00Z",
        "defined_source_id": "gate-1",
        "areas": areas,
        "interval_seconds": interval_seconds,
        "is_active": is_active,
    }
    return json.dumps(document).encode()


def heard(until: str, *numbers: int) -> bytes:
    document = {
        "kind": "source_heard",
        "event_id": f"h{until}",
        "source_id": "gate-1",
        "heard_until": f"2020-02-03T{until}Z",
        "sequences": [
            {
                "first": number,
                "last": number,
                "since": f"2020-02-03T00:{number:02d}:00Z",
                "until": f"2020-02-03T00:{number:02d}:00Z",
            }
            for number in numbers
        ],
    }
    return json.dumps(document).encode()


def decided(*lines: bytes, publish_from: int = 0) -> list[Output]:
    return WatchPartition(0, new_state()).take(records(*lines), publish_from)


def records(*lines: bytes) -> list[RawRecord]:
    return [raw_record("timeline", 0, number, line, 0) for number, line in enumerate(lines)]


def told(outputs: Iterable[Output]) -> list[Output]:
    return [output for output in outputs if output.topic == "source-states"]


def outages(outputs: Iterable[Output]) -> list[OutageRecord]:
    found = []
    for output in outputs:
        if output.topic == "commands":
            assert output.key == b"gridwatch-watch"
            record = decode_from_topic(output.value, "commands")
            assert isinstance(record, OutageRecord)
            assert record.source_id == "gridwatch-watch"
            found.append(record)
    return found


def test_a_silence_is_an_outage_of_every_area() -> None:
    """It begins an hour before the silence, which is known to an hour, and concerns the source."""
    found = outages(decided(tick("01:00:00"), defined("t/c1", "t/c2"), heard("01:05:00"), tick("02:06:00")))

    assert [type(record) for record in found] == [OutageOpened, OutageOpened]
    first, second = (record for record in found if isinstance(record, OutageOpened))
    assert (first.area, second.area, first.concerned_source_id) == ("t/c1", "t/c2", "gate-1")
    assert (first.cause, first.since) == (OutageCause.SOURCE_SILENT, NINE - timedelta(minutes=55))
    assert first.occurred_at == NINE + timedelta(minutes=66)
    assert first.outage_id != second.outage_id
    assert max(len(first.outage_id), len(first.event_id)) <= 64


def test_it_ends_with_the_silence() -> None:
    """The outage of each area is closed under its id, and settled half an hour later."""
    lines = [tick("01:00:00"), defined("t/c1"), heard("01:05:00"), tick("02:06:00")]
    opened, closed = outages(decided(*lines, tick("02:20:00"), heard("02:25:00")))

    assert isinstance(closed, OutageClosed)
    assert closed.outage_id == opened.outage_id
    assert closed.event_id != opened.event_id
    assert (closed.until, closed.backfill_until) == (NINE + timedelta(minutes=80), NINE + timedelta(minutes=110))


def test_it_ends_when_nobody_expects_to_hear_of_the_source() -> None:
    """Areas of another definition make no difference: those of the alert are closed."""
    lines = [tick("01:00:00"), defined("t/c1"), tick("02:06:00"), defined("t/c9", interval_seconds=0)]
    opened, closed = outages(decided(*lines))

    assert closed.outage_id == opened.outage_id


def test_a_gap_is_an_outage_of_the_time_in_which_the_missing_records_were_made() -> None:
    """It is closed at once, and settled a day later."""
    found = outages(decided(tick("01:00:00"), defined("t/c1"), heard("01:05:00", 3, 7, 12), tick("01:10:00")))

    opened, closed = found
    assert isinstance(opened, OutageOpened)
    assert isinstance(closed, OutageClosed)
    assert (opened.cause, opened.outage_id) == (OutageCause.SEQUENCE_GAP, closed.outage_id)
    assert opened.since == NINE.replace(hour=0, minute=3)
    assert closed.until == NINE.replace(hour=0, minute=12)
    assert closed.backfill_until == NINE + timedelta(hours=24, minutes=10)


def test_a_source_without_areas_has_no_outage() -> None:
    outputs = decided(tick("01:00:00"), defined(), heard("01:05:00", 3, 7), tick("08:00:00"))

    assert outages(outputs) == []
    assert len([output for output in outputs if output.topic == "alerts"]) == 2


def test_staff_who_acknowledge_end_nothing() -> None:
    lines = [tick("01:00:00"), defined("t/c1"), tick("02:06:00")]
    (alert,) = [json.loads(output.value) for output in decided(*lines) if output.topic == "alerts"]
    command = {"kind": "alert_acknowledged", "event_id": "c1", "source_id": "office", "actor_id": "A1"}
    command |= {"occurred_at": "2020-02-03T02:07:00Z", "alert_id": alert["alert_id"], "key": alert["key"]}

    assert len(outages(decided(*lines, json.dumps(command).encode()))) == 1


def test_the_outage_raises_no_alert_of_its_own() -> None:
    """Through intake and back it holds checks; the alert of the source names it."""
    lines = [tick("01:00:00"), defined("t/c1"), tick("02:06:00")]
    (output,) = [output for output in decided(*lines) if output.topic == "commands"]
    stamp_ms = int((NINE + timedelta(minutes=66)).timestamp() * 1000)

    own, _, _ = new_intake("commands", 0, 48).take([raw_record("commands", 0, 0, output.value, stamp_ms)], 0)

    assert isinstance(decode(own.value), OutageOpened)
    assert [each.topic for each in decided(*lines, own.value)] == [each.topic for each in decided(*lines)]


def test_what_is_known_of_a_source_is_written_under_its_id() -> None:
    """Each record or tick that changes it writes it whole; it can be read back."""
    lines = (tick("01:00:00"), defined("t/c1"), heard("01:05:00", 3, 7), tick("01:10:00"), tick("01:11:00"))
    watch = WatchPartition(0, new_state())

    states = [output for record in records(*lines) for output in told(watch.take([record], 0))]

    assert [output.key for output in states] == [b"gate-1"] * 3
    state = decode_source_state(states[-1].value)
    assert (state.last_sequence, state.missing, state.is_silent) == (7, 3, False)
    assert json.loads(states[-1].value) == {
        "source_id": "gate-1",
        "is_active": True,
        "areas": ["t/c1"],
        "interval_seconds": 3600,
        "heard_until": "2020-02-03T01:05:00Z",
        "is_silent": False,
        "last_sequence": 7,
        "missing": 3,
        "holes": [{"first": 4, "last": 6}],
        "clock_offset_ms": None,
        "updated_at": "2020-02-03T01:10:00Z",
    }


def test_of_what_is_decided_together_the_last_is_told() -> None:
    """Once for each source, by their ids and behind all others, as if its records had been decided one by one."""
    other = heard("01:05:00", 8).replace(b"gate-1", b"gate-0")
    lines = [tick("01:00:00"), defined("t/c1"), heard("01:05:00", 3), other, heard("01:10:00", 4), tick("02:10:00")]
    watch = WatchPartition(0, new_state())
    one_by_one = {output.key: output for record in records(*lines) for output in told(watch.take([record], 0))}

    together = decided(*lines)

    assert [output.topic for output in together] == ["alerts", "commands", "source-states", "source-states"]
    assert together[2:] == [one_by_one[b"gate-0"], one_by_one[b"gate-1"]]
    states = [decode_source_state(output.value) for output in together[2:]]
    assert [(state.last_sequence, state.is_silent) for state in states] == [(8, False), (4, True)]


def test_a_source_that_is_forgotten_is_told_of() -> None:
    """What is told is that nothing is known any more; heard again behind that, what it is then."""
    later = b'{"kind":"tick","at":"2020-04-03T01:00:00Z"}'
    again = heard("01:05:00", 9).replace(b"2020-02-03T", b"2020-04-03T")
    lines = [tick("01:00:00"), heard("01:05:00", 3), later]

    (forgotten,), (back,) = told(decided(*lines)), told(decided(*lines, again))

    state = decode_source_state(forgotten.value)
    assert (state.heard_until, state.last_sequence, state.updated_at.month) == (None, None, 4)
    assert decode_source_state(back.value).last_sequence == 9


def test_what_stands_in_the_log_is_not_told_again() -> None:
    """Of records before `publish_from` nothing is told; of a record behind them, all that is known since."""
    other = heard("01:05:00", 8).replace(b"gate-1", b"gate-0")
    lines = [tick("01:00:00"), other, heard("01:05:00", 3), heard("01:10:00", 4)]

    assert [output.key for output in decided(*lines, publish_from=3)] == [b"gate-1"]
    assert decided(*lines, publish_from=3)[0] == decided(*lines)[-1]
    assert decided(*lines, publish_from=4) == []


def test_what_is_refused_beside_it_hides_nothing() -> None:
    """A record that is refused is a dead letter, and what the others changed is told."""
    outputs = decided(tick("01:00:00"), heard("01:05:00", 3), b"{", heard("01:10:00", 4), b"")

    assert [output.topic for output in outputs] == ["dead-letters", "dead-letters", "source-states"]
    assert decode_source_state(outputs[-1].value).last_sequence == 4


def test_a_state_that_cannot_be_told_names_the_record(monkeypatch: pytest.MonkeyPatch) -> None:
    """An error of ours ends the worker before the ack, and says which record was the last that changed the source."""
    lines = (tick("01:00:00"), heard("01:05:00", 3), heard("01:10:00", 4), tick("01:11:00"))
    monkeypatch.setattr(Source, "state", lambda *_: 1 / 0)

    with pytest.raises(UndecidableRecordError) as raised:
        decided(*lines)

    assert raised.value.offset == 2
