"""What the routes hold against clients that mean harm, and against chance: keys, shares, races, and what is kept of them."""

import asyncio
import gc
import json
from dataclasses import replace
from typing import Any

import pytest

from streams.gateway.keys import make_key
from streams.gateway.problems import Problem
from tests.support.asgi import ask
from tests.support.gateway_rig import NOW, SOURCE, GatewayRig, ToldPublisher, scan


async def test_ids_of_keys_that_are_made_up_are_not_kept() -> None:
    """Anybody knows the name of a source: however many keys he makes up, the audit trail has one line a minute."""
    async with GatewayRig() as rig:
        secret = rig.key.rpartition(".")[2]
        for number in range(200):
            assert (await rig.post(scan(), key=f"gw_{SOURCE}.{number:08d}.{secret}")).status == 401
        assert (await rig.post(scan(), key=rig.key[:-1] + ("A" if rig.key[-1] != "A" else "B"))).status == 401
        await rig.gateway.tell_denials()
        told = {each["key_id"]: each["detail"]["count"] for each in rig.brokers.of("audit")}
        assert told == {None: 200, rig.key.split(".")[1]: 1}
        assert len(rig.gateway._denials._began_s) == 2


async def test_nobody_learns_which_sources_there_are() -> None:
    """A wrong key is answered without the brokers, whether its source is registered or not."""
    async with GatewayRig() as rig:
        rig.brokers.gate.clear()
        for source_id in (SOURCE, "gate-9"):
            wrong, _ = make_key(source_id, lambda count: b"\x01" * count)
            reply = await asyncio.wait_for(rig.post(scan(), key=wrong), 1)
            assert reply.status == 401
        assert rig.brokers.writes == []


async def test_denials_that_cannot_be_written_are_kept() -> None:
    """While brokers are away, and where there is no room."""
    async with GatewayRig(most_records=2) as rig:
        await rig.post(scan(), key=rig.key[:-1] + "_")
        rig.brokers.gate.clear()
        writing = [asyncio.create_task(rig.post(scan(number))) for number in (1, 2)]
        await asyncio.sleep(0.01)
        with pytest.raises(Problem):
            await rig.gateway.tell_denials()
        rig.brokers.gate.set()
        await asyncio.gather(*writing)
        rig.pass_seconds(61)
        await rig.gateway.tell_denials()
        assert [each["detail"]["count"] for each in rig.brokers.of("audit")] == [1]


async def test_a_refusal_keeps_nothing_of_its_request() -> None:
    """What is raised holds the frames of the request: none of them may outlive it."""
    async with GatewayRig() as rig:
        for number in range(3):
            await rig.post(scan(), key=f"gw_nobody-{number}.AAAAAAAA.{'A' * 43}")
            await ask(rig.app, "POST", "/v1/nothing")
        gc.collect()
        left = [each for each in gc.get_objects() if isinstance(each, Problem) and each.__traceback__ is not None]
        assert left == []


async def test_keys_that_are_not_known_yet_are_told_to_come_again() -> None:
    """A process that has just started has read no sources: a good key is no wrong one."""
    async with GatewayRig() as rig:
        rig.gateway._is_ready = lambda: False
        rig.registry.take(SOURCE, None)
        reply = await rig.post(scan())
        assert (reply.status, reply.json()["code"]) == (503, "unavailable")
        assert "retry-after" in reply.headers
        assert (await rig.post(scan(), key="nothing")).status == 401


async def test_a_key_that_is_revoked_while_the_body_comes() -> None:
    """Nothing of it is taken; nor what the source may not send any more."""
    async with GatewayRig() as rig:
        (kept,) = rig.source.keys

        async def ask_slowly(number: int, after_the_first: Any) -> int:
            body = json.dumps(scan(number)).encode()

            def pieces() -> Any:
                yield body[:10]
                yield body[10:]

            original = rig.registry.admit
            asked = 0

            def admit(*arguments: Any) -> Any:
                nonlocal asked
                asked += 1
                if asked == 2:
                    rig.register(after_the_first)
                return original(*arguments)

            rig.registry.admit = admit  # type: ignore[method-assign]
            headers = {"Authorization": f"Bearer {rig.key}", "Content-Type": "application/json"}
            reply = await ask(rig.app, "POST", "/v1/events", list(pieces()), headers)
            rig.registry.admit = original  # type: ignore[method-assign]
            return reply.status

        assert await ask_slowly(1, replace(rig.source, areas=("elsewhere",))) == 403
        assert await ask_slowly(2, replace(rig.source, keys=(replace(kept, revoked_at=NOW),))) == 401
        assert rig.brokers.of("checkpoints") == []


async def test_two_authorizations_are_none() -> None:
    """Whichever of them something before the gateway has looked at."""
    async with GatewayRig() as rig:

        class Twice(dict[str, str]):
            def items(self) -> Any:
                return [("Authorization", f"Bearer {rig.key}"), ("Authorization", f"Bearer {rig.key}")]

        assert (await ask(rig.app, "GET", "/v1/sources/me", headers=Twice(a="b"))).status == 401


@pytest.mark.parametrize("path", ["/v1/events/", "/livez/", "/v1/sources/me/"])
async def test_nobody_is_sent_elsewhere(path: str) -> None:
    """A redirect would name the Host of the request, without TLS, and many clients send their key along."""
    async with GatewayRig() as rig:
        reply = await ask(rig.app, "POST", path, headers={"Host": "elsewhere"})
        assert (reply.status, "location" in reply.headers) == (404, False)


async def test_large_bodies_count_as_many_records() -> None:
    """What is read costs time, whatever is in it."""
    async with GatewayRig(records_per_s=1.0, burst=40) as rig:
        body = b"[" + b" " * ((1 << 20) - 2) + b"]"
        replies = [await rig.post(body) for _ in range(4)]
        assert [reply.status for reply in replies] == [400, 400, 429, 429]
        assert (await rig.post(scan())).status == 200


async def test_a_source_has_a_share_of_the_bodies() -> None:
    """One of four, here; the others wait for nobody."""
    async with GatewayRig() as rig:
        other, kept = make_key("gate-2", lambda count: b"\x02" * count)
        rig.register(replace(rig.source, source_id="gate-2", keys=(kept,)))
        rig.gateway._reading[SOURCE] = rig.gateway._bodies_of_one
        assert (await rig.post(scan(1))).status == 429
        assert (await rig.post(scan(1, source_id="gate-2"), key=other)).status == 200
        rig.gateway._reading["gate-7"] = 10
        assert (await rig.post(scan(2, source_id="gate-2"), key=other)).status == 429


async def test_what_another_source_has_sent_is_no_repeat() -> None:
    """Records without a number are known by their event id, which anybody can use first."""
    async with GatewayRig() as rig:
        other, kept = make_key("gate-2", lambda count: b"\x02" * count)
        rig.register(replace(rig.source, source_id="gate-2", keys=(kept,)))
        mine = {name: value for name, value in scan(1).items() if name != "sequence"}
        assert (await rig.post({**mine, "source_id": "gate-2"}, key=other)).json()["accepted"] == 1
        assert (await rig.post(mine)).json()["accepted"] == 1
        assert (await rig.post(mine)).json()["duplicate"] == 1


@pytest.mark.parametrize("number", ["1e400", "-1e400", "9" * 5000])
@pytest.mark.parametrize("kind", ["checkpoint_scanned", "temperature_taken"])
async def test_numbers_beyond_all_are_refused(number: str, kind: str) -> None:
    """With or without an identity, and the other records of the request are taken."""
    async with GatewayRig(kinds=("checkpoint_scanned", "temperature_taken")) as rig:
        wrong = json.dumps(scan(2, kind=kind, temperature_c="N")).replace('"N"', number)
        reply = await rig.post(f"[{json.dumps(scan(1))},{wrong}]".encode())
        assert [each["result"] for each in reply.json()["records"]] == ["accepted", "refused"]


async def test_a_fault_of_the_client_of_the_brokers_is_heard(monkeypatch: pytest.MonkeyPatch) -> None:
    """Whatever it raises: who waits is told to come again, and the next one is taken."""
    async with GatewayRig() as rig:

        async def fail(*_: object) -> None:
            raise RuntimeError("p000001")

        with monkeypatch.context() as patched:
            patched.setattr(ToldPublisher, "publish", fail)
            reply = await asyncio.wait_for(rig.post(scan(1)), 5)
            assert reply.status == 503
        assert rig.writer.held_records == 0
        await asyncio.sleep(0)
        for _ in range(100):
            if rig.writer.is_connected:
                break
            await asyncio.sleep(0.01)
        assert (await rig.post(scan(1))).status == 200
