"""Sending over HTTP: whatever the gateway answers, every record arrives once and in order."""

import logging
from datetime import timedelta
from pathlib import Path

import pytest

from streams.device.answers import Failed, KeyRefused, Later
from streams.device.sending import Limits
from streams.device.spool import Keeping
from streams.device.spool_view import refused_in, status_of
from tests.support.device_rig import Device
from tests.support.scripted_gateway import BEHAVIOURS, Behaviour, ScriptedGateway


def assert_all_arrived(gateway: ScriptedGateway, device: Device) -> None:
    """Every record once, with the numbers from 1 on, in the order of recording."""
    assert gateway.persons() == device.recorded
    assert list(gateway.ledger.taken) == list(range(1, len(device.recorded) + 1))


def test_records_arrive_with_what_the_spool_adds(gateway: ScriptedGateway, device: Device) -> None:
    device.record(3)

    device.drain()

    assert_all_arrived(gateway, device)
    first = gateway.ledger.taken[1]
    assert first["source_id"] == "d-000001"
    assert first["occurred_at"] == "2020-02-01T08:00:00Z"
    assert len({record["event_id"] for record in gateway.ledger.taken.values()}) == 3
    assert "received_at" not in first


def test_a_request_holds_a_thousand_records(gateway: ScriptedGateway, device: Device) -> None:
    device.spool.record_all([("temperature_taken", {"person_id": f"p-{n:06}"}) for n in range(2500)])

    device.drain()

    assert [len(request) for request in gateway.ledger.requests] == [1000, 1000, 500]


def test_a_request_stays_below_a_mebibyte(gateway: ScriptedGateway, device: Device) -> None:
    """The gateway of the test refuses to take more."""
    device.spool.record_all([("visit_recorded", {"person_id": "p-000001", "note": "x" * 60_000}) for _ in range(40)])

    device.drain()

    assert [len(request) for request in gateway.ledger.requests] == [17, 17, 6]
    assert len(gateway.ledger.taken) == 40


@pytest.mark.parametrize("behaviour", BEHAVIOURS)
def test_after_any_answer_all_arrive(gateway: ScriptedGateway, device: Device, behaviour: Behaviour) -> None:
    """Twice the same trouble, and then an answer as it should be."""
    device.record(5)
    gateway.script.extend([behaviour, behaviour])

    device.drain()

    assert_all_arrived(gateway, device)


def test_a_lost_answer_is_answered_by_the_same_request(gateway: ScriptedGateway, device: Device) -> None:
    device.record(3)
    gateway.script.append("lose_answer")

    device.drain()

    assert gateway.ledger.requests == [[1, 2, 3], [1, 2, 3]]
    assert gateway.ledger.duplicates.total() == 3
    assert_all_arrived(gateway, device)


def test_a_refused_record_is_put_aside_and_blocks_nothing(
    gateway: ScriptedGateway, device: Device, caplog: pytest.LogCaptureFixture
) -> None:
    device.record(3)
    gateway.ledger.refuses_persons = {"p-000002"}

    with caplog.at_level(logging.INFO):
        device.drain()

    assert gateway.persons() == ["p-000001", "p-000003"]
    (refused,) = refused_in(device.path)
    assert (refused.sequence, refused.reason, refused.path) == (2, "invalid_field", "person_id")
    assert refused.message == "expected another"
    assert "record 2 was refused: invalid_field person_id" in caplog.text
    assert "p-0000" not in caplog.text


def test_a_request_of_refused_records_alone(gateway: ScriptedGateway, device: Device) -> None:
    """The gateway answers 422, and the records are settled all the same."""
    device.record(2)
    gateway.ledger.refuses_persons = {"p-000001", "p-000002"}

    device.drain()

    assert len(gateway.ledger.requests) == 1
    assert len(list(refused_in(device.path))) == 2


def test_a_request_that_is_too_large_is_halved(gateway: ScriptedGateway, device: Device) -> None:
    device.record(20)
    gateway.ledger.most_records = 6

    device.drain()

    assert [len(request) for request in gateway.ledger.requests][:3] == [20, 10, 5]
    assert_all_arrived(gateway, device)


def test_a_record_that_spoils_every_request_is_found_and_put_aside(gateway: ScriptedGateway, device: Device) -> None:
    """Halving leaves it alone in a request; those before and behind it arrive."""
    device.record(9)
    gateway.ledger.poisons = {"p-000005"}

    device.drain()

    assert gateway.persons() == [person for person in device.recorded if person != "p-000005"]
    assert [refused.reason for refused in refused_in(device.path)] == ["not_json"]


def test_a_page_of_a_proxy_never_puts_a_record_aside(gateway: ScriptedGateway, device: Device) -> None:
    """Only the gateway's own word for it does."""
    device.record(1)
    gateway.script.extend(["garbage", "redirect", "server_error"] * 3)

    device.drain()

    assert_all_arrived(gateway, device)
    assert list(refused_in(device.path)) == []


def test_retry_after_is_honoured(gateway: ScriptedGateway, device: Device) -> None:
    device.record(1)
    gateway.script.append("too_many")
    device.turn()

    assert 7 <= device.turn() <= 7.7
    assert isinstance(device.uploader.trouble, Later)
    device.seconds += 6.9
    device.turn()
    assert len(gateway.ledger.requests) == 1
    device.seconds += 1
    device.turn()
    assert_all_arrived(gateway, device)


def test_a_refused_key_is_tried_again_slowly(
    gateway: ScriptedGateway, device: Device, caplog: pytest.LogCaptureFixture
) -> None:
    device.record(1)
    gateway.script.append("bad_key")
    device.turn()

    with caplog.at_level(logging.WARNING):
        assert device.turn() == 300

    assert device.uploader.trouble == KeyRefused("401 bad_key")
    assert "the gateway refuses the key: 401 bad_key; next attempt in 300 s" in caplog.text
    assert "AAAA" not in caplog.text
    device.drain()
    assert_all_arrived(gateway, device)


def test_nobody_there(tmp_path: Path) -> None:
    """Waits grow and stay below five minutes, and are not always the same."""
    with ScriptedGateway() as gateway:
        device = Device(tmp_path, gateway)
        device.record(1)
    waits = []
    for _ in range(40):
        waits.append(device.turn())
        device.seconds += waits[-1]
    device.close()

    assert isinstance(device.uploader.trouble, Failed)
    assert max(waits) <= 300
    assert max(waits[20:]) > 200
    assert min(waits[20:]) < 100
    assert waits[0] <= 2


def test_nothing_is_sent_before_the_gateway_said_where_the_source_stands(
    gateway: ScriptedGateway, device: Device
) -> None:
    device.record(2)
    gateway.asked_status = 503
    for _ in range(3):
        device.seconds += device.turn()

    assert gateway.ledger.requests == []

    gateway.asked_status = 200
    device.drain()
    assert_all_arrived(gateway, device)


def test_once_that_is_known_sending_does_not_wait_for_it(gateway: ScriptedGateway, device: Device) -> None:
    device.drain()
    gateway.asked_status = 500
    device.seconds += 1000
    device.record(1)

    device.drain()

    assert_all_arrived(gateway, device)


def test_holes_are_filled_from_what_is_kept(gateway: ScriptedGateway, device: Device) -> None:
    device.record(6)
    device.drain()
    for lost in (2, 3, 5):
        gateway.ledger.forget(lost)
    device.seconds += 1000
    device.record(2)

    device.drain()

    assert gateway.ledger.requests[1:] == [[2, 3, 5], [7, 8]]
    assert gateway.ledger.holes() == []
    assert set(gateway.persons()) == set(device.recorded)
    assert status_of(device.path).gone == 0


def test_holes_are_asked_for_after_an_outage(gateway: ScriptedGateway, device: Device) -> None:
    device.record(3)
    device.drain()
    asked = gateway.ledger.asked
    device.record(1)
    gateway.script.append("server_error")
    device.drain()
    device.turn()

    assert gateway.ledger.asked == asked + 1


def test_back_fill_and_new_records_take_turns(tmp_path: Path, gateway: ScriptedGateway) -> None:
    device = Device(tmp_path, gateway, limits=Limits(most_records=2))
    device.record(6)
    device.drain()
    for lost in (1, 2, 3, 4):
        gateway.ledger.forget(lost)
    device.seconds += 1000
    device.record(4)
    before = len(gateway.ledger.requests)

    device.drain()
    device.close()

    assert gateway.ledger.requests[before:] == [[1, 2], [7, 8], [3, 4], [9, 10]]


def test_what_is_no_longer_kept_is_said(
    tmp_path: Path, gateway: ScriptedGateway, caplog: pytest.LogCaptureFixture
) -> None:
    device = Device(tmp_path, gateway, keeping=Keeping(records=2))
    device.record(5)
    device.drain()
    for lost in (1, 2, 4):
        gateway.ledger.forget(lost)
    device.seconds += 1000

    with caplog.at_level(logging.WARNING):
        device.drain()
    gone = status_of(device.path).gone
    device.close()

    assert "of what the gateway lacks, 2 records are no longer here" in caplog.text
    assert gone == 2
    assert gateway.ledger.holes() == [[1, 2]]


def test_delivered_records_are_kept_for_as_long_as_was_said(tmp_path: Path, gateway: ScriptedGateway) -> None:
    device = Device(tmp_path, gateway, keeping=Keeping(age=timedelta(hours=1)))
    device.record(2)
    device.drain()
    assert status_of(device.path).kept == 2
    device.seconds += 3601
    device.record(1)
    device.drain()
    kept = status_of(device.path).kept
    device.close()

    assert kept == 1


def test_a_disk_that_went_back_in_time_uses_no_number_twice(gateway: ScriptedGateway, device: Device) -> None:
    """Records of the same number would be taken for repeats, and be lost."""
    device.record(3)
    device.drain()
    image = device.image()
    device.record(4)
    device.drain()
    device.lose_power(image)
    device.record(2)

    device.drain()

    assert gateway.persons() == device.recorded
    assert list(gateway.ledger.taken) == [1, 2, 3, 4, 5, 6, 7, 1008, 1009]


def test_a_new_spool_of_a_known_source_begins_behind_what_may_have_been_sent(
    tmp_path: Path, gateway: ScriptedGateway, device: Device
) -> None:
    """The numbers between stay a hole: that records were lost is to be seen."""
    device.record(5)
    device.drain()
    empty = tmp_path / "new-disk"
    empty.mkdir()
    device.lose_power(empty)
    device.record(2)

    device.drain()

    assert list(gateway.ledger.taken) == [1, 2, 3, 4, 5, 1006, 1007]
    device.seconds += 1000
    device.drain()
    assert status_of(device.path).gone == 1000


def test_results_that_cannot_be_written_are_waited_for(gateway: ScriptedGateway, device: Device) -> None:
    """What was sent is sent again; the gateway knows it."""
    device.record(2)
    device.turn()
    device.spool._connection.execute(
        "CREATE TEMP TRIGGER no_room BEFORE UPDATE OF delivered_at ON records BEGIN SELECT RAISE(ABORT, ''); END"
    )

    assert device.turn() >= 0
    assert isinstance(device.uploader.trouble, Failed)
    device.spool._connection.execute("DROP TRIGGER no_room")
    device.drain()

    assert gateway.ledger.duplicates.total() == 2
    assert_all_arrived(gateway, device)
