"""The routes of the gateway, without a server: what becomes of requests and of the records in them."""

import asyncio
import base64
import gzip
import json
from datetime import timedelta

import pytest

from streams.gateway.keys import make_key
from tests.support.asgi import ask
from tests.support.gateway_rig import NOW, SOURCE, GatewayRig, scan

pytestmark = pytest.mark.asyncio


async def test_a_record_is_accepted_when_the_brokers_have_it() -> None:
    async with GatewayRig() as rig:
        rig.brokers.gate.clear()
        asking = asyncio.create_task(rig.post(scan()))
        await asyncio.sleep(0.01)
        assert not asking.done()
        rig.brokers.gate.set()
        reply = await asking
        assert reply.status == 200
        assert reply.json() == {
            "accepted": 1, "duplicate": 0, "refused": 0, "passed_over": 0, "records": [{"result": "accepted"}]
        }  # fmt: skip
        assert reply.headers["cache-control"] == "no-store"
        (record,) = rig.brokers.of("checkpoints")
        assert record["received_at"] == "2020-02-01T01:00:00Z"
        assert record["occurred_at"] == "2020-02-01T00:59:00Z"
        assert rig.brokers.outputs[0].key == SOURCE.encode()


async def test_each_record_has_its_result_in_the_order_of_the_request() -> None:
    async with GatewayRig() as rig:
        body = [scan(1), scan(2, temperature_c="hot"), scan(1), scan(3)]
        reply = await rig.post(body)
        assert reply.status == 200
        assert [each["result"] for each in reply.json()["records"]] == ["accepted", "refused", "duplicate", "accepted"]
        refused = reply.json()["records"][1]
        assert (refused["reason"], refused["path"]) == ("invalid_field", "temperature_c")
        assert [record["sequence"] for record in rig.brokers.of("checkpoints")] == [1, 3]


@pytest.mark.parametrize("form", ["array", "lines", "gzip", "basic", "path"])
async def test_the_same_in_every_form(form: str) -> None:
    async with GatewayRig() as rig:
        array, lines = (
            json.dumps([scan(1), scan(2)]).encode(),
            f"{json.dumps(scan(1))}\n\n{json.dumps(scan(2))}".encode(),
        )
        basic = base64.b64encode(f"{SOURCE}:{rig.key}".encode()).decode()
        match form:
            case "array":
                reply = await rig.post(array)
            case "lines":
                reply = await rig.post(lines, content_type="application/x-ndjson")
            case "gzip":
                reply = await rig.post(gzip.compress(array, mtime=0), content_encoding="gzip")
            case "basic":
                reply = await rig.post(array, authorization=f"Basic {basic}")
            case _:
                reply = await rig.post(array, path=f"/v1/push/{rig.key}/whatever/it/adds", authorization="")
        assert (reply.status, reply.json()["accepted"]) == (200, 2)
        assert len(rig.brokers.of("checkpoints")) == 2


async def test_a_repeat_is_told_once_the_first_was_acknowledged() -> None:
    async with GatewayRig() as rig:
        await rig.post([scan(1), scan(2)])
        reply = await rig.post([scan(2), scan(3)])
        assert [each["result"] for each in reply.json()["records"]] == ["duplicate", "accepted"]
        assert len(rig.brokers.of("checkpoints")) == 3


async def test_what_the_core_may_refuse_is_taken_as_often_as_it_comes() -> None:
    """It may have come too early; intake knows what it took."""
    opening = {
        "kind": "observation_opened",
        "event_id": "o-1",
        "sequence": 1,
        "occurred_at": "2020-02-01T00:00:00Z",
        "observation_id": "obs-1",
        "person_id": "p-1",
        "area": "jintang/c001/g01",
        "category": "home",
        "last_exposure_on": "2020-01-20",
    }
    async with GatewayRig(kinds=("observation_opened",)) as rig:
        for _ in range(2):
            assert (await rig.post([opening, opening])).json()["accepted"] == 2
        assert len(rig.brokers.of("observations")) == 4


async def test_brokers_that_are_away_take_nothing_and_the_same_again_is_taken() -> None:
    async with GatewayRig() as rig:
        rig.brokers.are_away = True
        reply = await rig.post([scan(1), scan(2)])
        assert (reply.status, reply.json()["code"]) == (503, "unavailable")
        assert int(reply.headers["retry-after"]) >= 1
        assert reply.headers["content-type"] == "application/problem+json"
        assert (await rig.post(scan(1))).status == 503  # known at once, without a write
        assert rig.brokers.writes == [2]
        rig.brokers.are_away = False
        await asyncio.sleep(1.1)  # it tries to connect once a second
        reply = await rig.post([scan(1), scan(2)])
        assert reply.json()["accepted"] == 2
        assert [record["sequence"] for record in rig.brokers.of("checkpoints")] == [1, 2]


async def test_overload_is_told_and_never_held() -> None:
    async with GatewayRig(most_records=5, burst=1000) as rig:
        rig.brokers.gate.clear()
        under_way = [asyncio.create_task(rig.post([scan(n)])) for n in range(1, 6)]
        await asyncio.sleep(0.01)
        reply = await rig.post([scan(6)])
        assert (reply.status, reply.json()["code"]) == (429, "overloaded")
        assert "retry-after" in reply.headers
        rig.brokers.gate.set()
        assert [(await each).status for each in under_way] == [200] * 5
        assert rig.writer.held_records == 0


async def test_who_hangs_up_does_not_take_the_write_with_him() -> None:
    async with GatewayRig() as rig:
        rig.brokers.gate.clear()
        asking = asyncio.create_task(rig.post(scan()))
        await asyncio.sleep(0.01)
        asking.cancel()
        await asyncio.gather(asking, return_exceptions=True)
        rig.brokers.gate.set()
        await asyncio.sleep(0.01)
        assert len(rig.brokers.of("checkpoints")) == 1
        assert rig.writer.held_records == 0


@pytest.mark.parametrize(
    ("fields", "path"),
    [
        ({"source_id": "gate-2"}, "source_id"),
        ({"area": "jintang/c0011/g01"}, "area"),
        ({"area": "jintang"}, "area"),
        ({"checkpoint_id": "cp-2"}, "checkpoint_id"),
    ],
)
async def test_a_source_cannot_say_what_it_may_not(fields: dict[str, str], path: str) -> None:
    async with GatewayRig() as rig:
        reply = await rig.post(scan(**fields))
        assert reply.status == 403
        assert reply.json()["records"][0]["reason"] == "not_allowed"
        assert reply.json()["records"][0]["path"] == path
        assert rig.brokers.of("checkpoints") == []
        (told,) = rig.brokers.of("audit")
        assert (told["action"], told["source_id"], told["at"]) == ("request_refused", SOURCE, "2020-02-01T01:00:00Z")
        assert told["detail"] == {"reason": "not_allowed", "path": path, "count": 1}


async def test_another_kind_is_not_allowed_either() -> None:
    async with GatewayRig() as rig:
        command = {"kind": "alert_resolved", "event_id": "x", "occurred_at": "2020-02-01T00:00:00Z"}
        command |= {"alert_id": "a" * 32, "key": "p1", "actor_id": "me"}
        reply = await rig.post(command)
        assert (reply.status, reply.json()["records"][0]["path"]) == (403, "kind")
        reply = await rig.post({"kind": "tick", "at": "2020-02-01T00:00:00Z"})
        assert (reply.status, reply.json()["records"][0]["reason"]) == (422, "unknown_kind")


async def test_nobody_copies_an_outage_through_the_gateway() -> None:
    async with GatewayRig(kinds=("outage_opened",)) as rig:
        outage = {"kind": "outage_opened", "event_id": "x", "occurred_at": "2020-02-01T00:00:00Z", "outage_id": "o"}
        outage |= {"cause": "declared", "since": "2020-02-01T00:00:00Z", "area": "jintang/c001"}
        assert (await rig.post({**outage, "is_copy": True})).json()["records"][0]["path"] == "is_copy"
        assert (await rig.post(outage)).status == 200


async def test_denials_are_gathered_and_told_later() -> None:
    async with GatewayRig() as rig:
        for number in range(3):
            await rig.post([scan(number + 1, area="other"), scan(number + 1, area="other")])
        assert [each["detail"]["count"] for each in rig.brokers.of("audit")] == [1]
        rig.pass_seconds(61)
        await rig.gateway.tell_denials()
        assert [each["detail"]["count"] for each in rig.brokers.of("audit")] == [1, 5]


@pytest.mark.parametrize(
    "header", ["", "Bearer", "Bearer gw_gate-1.AAAAAAAA.x", "Basic !!!", "Digest x", "Bearer \xe9"]
)
async def test_what_is_no_key_is_refused(header: str) -> None:
    async with GatewayRig() as rig:
        reply = await rig.post(scan(), authorization=header)
        assert (reply.status, reply.json()["code"]) == (401, "unauthorized")
        assert reply.headers["www-authenticate"].startswith("Bearer")
        assert rig.brokers.outputs == []


async def test_a_key_ends_with_its_time_its_revocation_and_its_source() -> None:
    async with GatewayRig() as rig:
        (kept,) = rig.source.keys
        from dataclasses import replace

        rig.register(replace(rig.source, keys=(replace(kept, expires_at=NOW + timedelta(seconds=10)),)))
        assert (await rig.post(scan(1))).status == 200
        rig.pass_seconds(10)
        assert (await rig.post(scan(2))).status == 401
        rig.register(replace(rig.source, keys=(replace(kept, revoked_at=NOW),)))
        assert (await rig.post(scan(3))).status == 401
        rig.registry.take(SOURCE, None)
        assert (await rig.post(scan(4))).status == 401
        assert rig.brokers.of("audit") == []  # nobody waits for it: that would tell which sources there are
        await rig.gateway.tell_denials()
        assert [each["detail"]["reason"] for each in rig.brokers.of("audit")] == ["unauthorized"]
        assert [each["detail"]["count"] for each in rig.brokers.of("audit")] == [2]


async def test_no_key_is_wrong_before_all_sources_are_known() -> None:
    """A gateway that has just started: whoever hears that its key is wrong gives up, or rests for minutes."""
    async with GatewayRig() as rig:
        rig.is_ready = False
        rig.registry.take(SOURCE, None)
        reply = await rig.post(scan())
        assert (reply.status, reply.json()["code"]) == (503, "unavailable")
        assert reply.headers["retry-after"]
        rig.register(rig.source)
        rig.is_ready = True
        assert (await rig.post(scan())).status == 200


async def test_the_secret_of_another_key_does_not_open() -> None:
    async with GatewayRig() as rig:
        other, _ = make_key(SOURCE, lambda count: b"\x01" * count)
        key_id = rig.key.split(".")[1]
        mixed = ".".join([other.split(".")[0], key_id, other.split(".")[2]])
        assert (await rig.post(scan(), key=mixed)).status == 401


async def test_more_than_a_source_may_send_is_told_when_to_come_again() -> None:
    async with GatewayRig(records_per_s=1.0, burst=3) as rig:
        assert (await rig.post([scan(1), scan(2), scan(3)])).status == 200
        reply = await rig.post(scan(4))
        assert (reply.status, reply.json()["code"], reply.headers["retry-after"]) == (429, "too_many", "1")
        rig.pass_seconds(1)
        assert (await rig.post(scan(4))).status == 200


async def test_an_identity_becomes_a_pseudonym_before_anything_is_written() -> None:
    async with GatewayRig() as rig:
        record = scan(1)
        del record["person_id"]
        reply = await rig.post({**record, "identity": {"type": "passport", "number": "E12345678"}})
        assert reply.status == 200
        (written,) = rig.brokers.of("checkpoints")
        assert written["person_id"] == "k1-passport-9"
        assert b"E12345678" not in b"".join(output.value for output in rig.brokers.outputs)
        for wrong, path in (
            ({**record, "identity": {"type": "passport", "number": "bad"}}, "identity.number"),
            ({**record, "identity": {"type": "passport"}}, "identity"),
            ({**scan(1), "identity": {"type": "passport", "number": "E1"}}, "identity"),
        ):
            reply = await rig.post(wrong)
            assert (reply.status, reply.json()["records"][0]["path"]) == (422, path)
            assert b"E1" not in reply.body


async def test_without_a_key_for_pseudonyms_no_identity_is_taken() -> None:
    async with GatewayRig(person_id_of=None) as rig:
        record = scan(1)
        del record["person_id"]
        reply = await rig.post({**record, "identity": {"type": "passport", "number": "E12345678"}})
        assert (reply.status, reply.json()["records"][0]["path"]) == (422, "identity.number")


@pytest.mark.parametrize(
    ("body", "headers", "status", "code"),
    [
        (b"", {}, 400, "no_records"),
        (b"[]", {}, 400, "no_records"),
        (b"[1,", {}, 400, "not_json"),
        (b"x" * 20, {"content_encoding": "gzip"}, 400, "truncated"),
        (gzip.compress(b"{}", mtime=0)[:-4], {"content_encoding": "gzip"}, 400, "truncated"),
        (gzip.compress(b" " * (1 << 21), mtime=0), {"content_encoding": "gzip"}, 413, "too_large"),
        (b"{}", {"content_encoding": "br"}, 415, "encoding"),
        (b"{}", {"content_type": "text/plain"}, 415, "content_type"),
        (b"{}", {"content_type": "application/json; charset=gbk"}, 415, "charset"),
        (b"[" + b"{}," * 1000 + b"{}]", {}, 413, "too_large"),
        (b" " * ((1 << 20) + 1), {}, 413, "too_large"),
    ],
)
async def test_a_body_that_cannot_be_taken_is_a_problem(
    body: bytes, headers: dict[str, str], status: int, code: str
) -> None:
    async with GatewayRig(burst=5000) as rig:
        reply = await rig.post(body, **headers)
        assert (reply.status, reply.json()["code"]) == (status, code)
        assert reply.json()["status"] == status
        assert rig.brokers.outputs == []


async def test_a_body_that_does_not_come_is_given_up() -> None:
    async with GatewayRig() as rig:

        async def never() -> None:
            await asyncio.Event().wait()

        headers = {"Authorization": f"Bearer {rig.key}", "Content-Type": "application/json"}
        reply = await ask(rig.app, "POST", "/v1/events", [b"{", b"}"], headers, hangs_up=True)
        assert (reply.status, reply.json()["code"]) == (400, "truncated")


async def test_what_goes_wrong_inside_is_told_without_what_was_sent(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    async with GatewayRig() as rig:

        def fail(*_: object) -> None:
            raise RuntimeError("p000001 had 39.5")

        monkeypatch.setattr(rig.gateway.door, "judge", fail)
        reply = await rig.post(scan())
        assert (reply.status, reply.json()["code"]) == (500, "internal")
        assert "p000001" not in caplog.text
        assert b"39.5" not in reply.body


async def test_a_source_is_told_what_is_known_of_it() -> None:
    async with GatewayRig() as rig:
        await rig.post([scan(4), scan(7)])
        reply = await ask(rig.app, "GET", "/v1/sources/me", headers={"Authorization": f"Bearer {rig.key}"})
        assert reply.status == 200
        told = reply.json()
        assert (told["source_id"], told["last_sequence"], told["holes"]) == (SOURCE, 7, [])
        assert told["key"] == {"key_id": rig.key.split(".")[1], "expires_at": None}
        assert (await ask(rig.app, "GET", "/v1/sources/me")).status == 401


async def test_paths_and_methods_that_do_not_exist_are_problems() -> None:
    async with GatewayRig() as rig:
        assert (await ask(rig.app, "GET", "/v1/nothing")).json()["code"] == "not_found"
        reply = await ask(rig.app, "GET", "/v1/events")
        assert (reply.status, reply.json()["code"]) == (405, "method_not_allowed")
        assert "POST" in reply.headers["allow"]


async def test_readiness_follows_the_brokers() -> None:
    async with GatewayRig() as rig:
        assert (await ask(rig.app, "GET", "/readyz")).status == 200
        rig.brokers.are_away = True
        await rig.post(scan())
        assert (await ask(rig.app, "GET", "/readyz")).status == 503
        assert (await ask(rig.app, "GET", "/livez")).status == 200
