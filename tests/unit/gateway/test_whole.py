"""Records that come in one piece with their head: the same answers as in pieces, the same bounds, and no task."""

import asyncio
import gc
import gzip
import json
from collections.abc import Callable
from dataclasses import replace
from itertools import pairwise
from typing import Any

import pytest

from streams.gateway.problems import Problem
from streams.gateway.protocol import MOST_AHEAD
from streams.gateway.whole import LARGEST_WHOLE_BYTES
from tests.support.gateway_rig import NOW, SOURCE, GatewayRig, scan
from tests.support.gateway_wire import Wire, request, settle

HELLO = b"GET /hello HTTP/1.1\r\nHost: g\r\n\r\n"


def fields_of(rig: GatewayRig, *more: str) -> list[str]:
    return [f"Authorization: Bearer {rig.key}", "Content-Type: application/json", *more]


def post(rig: GatewayRig, number: int = 1, *more: str, **fields: Any) -> bytes:
    return request(json.dumps(scan(number, **fields)).encode(), fields_of(rig, *more))


async def test_it_is_answered_when_the_brokers_have_it_and_takes_no_task() -> None:
    async with GatewayRig() as rig:
        wire = Wire(rig.app)
        rig.brokers.gate.clear()
        await wire.send(post(rig))
        assert wire.said == b""
        assert wire.state.tasks == set()
        assert rig.gateway.insight.under_way == 1
        rig.brokers.gate.set()
        await settle()
        (reply,) = wire.replies()
        assert (reply.status, reply.json()["accepted"]) == (200, 1)
        assert reply.headers["cache-control"] == "no-store"
        assert reply.headers["content-type"] == "application/json"
        assert (rig.gateway.insight.under_way, rig.gateway.insight.requests[200]) == (0, 1)
        assert wire.state.total_requests == 1
        assert [record["sequence"] for record in rig.brokers.of("checkpoints")] == [1]


GOOD = json.dumps(scan(1)).encode()
REQUESTS: dict[str, Callable[[GatewayRig], bytes]] = {
    "a record": post,
    "records": lambda rig: request(json.dumps([scan(1), scan(2, area="x"), scan(1)]).encode(), fields_of(rig)),
    "what may not be": lambda rig: post(rig, area="elsewhere"),
    "what is wrong": lambda rig: post(rig, temperature_c="hot"),
    "gzip": lambda rig: request(gzip.compress(GOOD, mtime=0), fields_of(rig, "Content-Encoding: gzip")),
    "no gzip": lambda rig: request(GOOD, fields_of(rig, "Content-Encoding: gzip")),
    "a type": lambda rig: request(GOOD, [*fields_of(rig)[:1], "Content-Type: text/plain"]),
    "two types": lambda rig: request(GOOD, fields_of(rig, "Content-Type: text/plain")),
    "an empty type and another": lambda rig: request(GOOD, [*fields_of(rig)[:1], "Content-Type:", "Content-Type: a/b"]),
    "nothing": lambda rig: request(b"", fields_of(rig)),
    "no key": lambda _: request(GOOD, []),
    "two keys": lambda rig: request(GOOD, fields_of(rig, f"Authorization: Bearer {rig.key}")),
    "a wrong key": lambda rig: request(GOOD, [f"Authorization: Bearer {rig.key[:-1]}_"]),
    "close": lambda rig: post(rig, 1, "Connection: close"),
    "HTTP/1.0": lambda rig: post(rig).replace(b"HTTP/1.1", b"HTTP/1.0", 1),
    "HTTP/1.0 that would stay": lambda rig: post(rig, 1, "Connection: keep-alive").replace(b"HTTP/1.1", b"HTTP/1.0", 1),
    "a query": lambda rig: post(rig).replace(b"/v1/events", b"/v1/events?a=b", 1),
    "a proxy's target": lambda rig: post(rig).replace(b"/v1/events", b"http://g/v1/events", 1),
    "another method": lambda rig: post(rig).replace(b"POST", b"PUT", 1),
}  # fmt: skip


@pytest.mark.parametrize("name", REQUESTS)
async def test_the_same_is_answered_however_it_comes(name: str) -> None:
    """In one piece, head before body, torn anywhere: status, fields and body are the same, and so is what is written."""
    found = []
    for tear in (None, "head", "body", "both"):
        async with GatewayRig() as rig:
            wire, sent = Wire(rig.app), REQUESTS[name](rig)
            head_ends = sent.index(b"\r\n\r\n") + 4
            cuts = {"head": [head_ends], "body": [len(sent) - 1], "both": [40, head_ends + 1]}.get(tear or "", [])
            edges = [0, *(min(cut, len(sent)) for cut in cuts), len(sent)]
            pieces = [sent[begin:end] for begin, end in pairwise(edges) if begin < end]
            await wire.send(*pieces)
            (reply,) = wire.replies()
            found.append((reply, wire.transport.is_closed, rig.brokers.outputs, dict(rig.gateway.insight.requests)))
            assert (rig.gateway.insight.under_way, len(wire.protocol._unanswered)) == (0, 0)
    assert all(each == found[0] for each in found), found


async def test_who_asks_first_and_who_sends_chunks() -> None:
    async with GatewayRig() as rig:
        wire = Wire(rig.app)
        sent = post(rig, 1, "Expect: 100-continue")
        head_ends = sent.index(b"\r\n\r\n") + 4
        await wire.send(sent[:head_ends])
        assert wire.said == b"HTTP/1.1 100 Continue\r\n\r\n"
        await wire.send(sent[head_ends:])
        body = json.dumps(scan(2)).encode()
        head = "\r\n".join(
            ["POST /v1/events HTTP/1.1", "Host: g", *fields_of(rig, "Transfer-Encoding: chunked"), "", ""]
        )
        await wire.send(head.encode() + b"%x\r\n%s\r\n0\r\n\r\n" % (len(body), body))
        assert [reply.status for reply in wire.replies()] == [200, 200]


async def test_a_body_that_is_large_is_waited_for() -> None:
    async with GatewayRig(records_per_s=10_000.0, burst=10_000) as rig:
        wire = Wire(rig.app)
        for size in (LARGEST_WHOLE_BYTES, LARGEST_WHOLE_BYTES + 1):
            rig.brokers.gate.clear()
            await wire.send(request(json.dumps(scan(size)).encode().ljust(size), fields_of(rig)))
            assert len(wire.state.tasks) == (size > LARGEST_WHOLE_BYTES)
            rig.brokers.gate.set()
            await settle()
        assert [reply.status for reply in wire.replies()] == [200, 200]


async def test_who_hangs_up_does_not_take_the_write_with_him() -> None:
    async with GatewayRig() as rig:
        wire = Wire(rig.app)
        rig.brokers.gate.clear()
        await wire.send(post(rig))
        await wire.hang_up()
        rig.brokers.gate.set()
        await settle()
        assert wire.said == b""
        assert len(rig.brokers.of("checkpoints")) == 1
        assert (rig.writer.held_records, rig.gateway.insight.under_way) == (0, 0)
        assert wire.state.connections == set()
        again = Wire(rig.app)
        await again.send(post(rig))
        assert again.replies()[0].json()["duplicate"] == 1  # it was acknowledged


class _FatalError(BaseException):
    pass


@pytest.mark.parametrize("place", ["judge", "acknowledge"])
@pytest.mark.parametrize("error", [RuntimeError, _FatalError])
async def test_what_goes_wrong_inside_is_told_and_counted(
    place: str, error: type[BaseException], monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """Before the write or behind it; the next request is answered."""
    async with GatewayRig() as rig:
        wire = Wire(rig.app)

        def fail(*_: object) -> None:
            raise error("p000001 had 39.5")

        with monkeypatch.context() as patched:
            patched.setattr(rig.gateway.door, place, fail)
            await wire.send(post(rig, 1))
        await wire.send(post(rig, 2))
        first, second = wire.replies()
        assert (first.status, first.json()["code"], second.status) == (500, "internal", 200)
        assert dict(rig.gateway.insight.requests) == {500: 1, 200: 1}
        assert (rig.gateway.insight.under_way, rig.writer.held_records) == (0, 0)
        assert "p000001" not in caplog.text
        assert b"39.5" not in wire.said


async def test_an_answer_that_cannot_be_said_is_no_other_requests_concern() -> None:
    async with GatewayRig() as rig:
        wires = [Wire(rig.app) for _ in range(3)]
        rig.brokers.gate.clear()
        for number, wire in enumerate(wires, 1):
            await wire.send(post(rig, number))

        def fail(_: bytes) -> None:
            raise RuntimeError

        wires[1].transport.write = fail  # type: ignore[method-assign]
        rig.brokers.gate.set()
        await settle()
        assert [len(wire.said) > 0 for wire in wires] == [True, False, True]
        assert [wire.transport.is_closed for wire in wires] == [False, True, False]
        assert rig.writer.held_records == 0
        assert rig.writer.is_connected


async def test_brokers_that_fail_meanwhile() -> None:
    async with GatewayRig() as rig:
        wire = Wire(rig.app)
        rig.brokers.gate.clear()
        await wire.send(post(rig))
        rig.brokers.are_away = True
        rig.brokers.gate.set()
        await settle()
        await wire.send(post(rig))  # known by now
        assert [(each.status, each.headers["retry-after"]) for each in wire.replies()] == [(503, "5"), (503, "5")]
        assert rig.gateway.insight.under_way == 0


async def test_a_key_that_is_revoked_while_the_body_comes() -> None:
    async with GatewayRig() as rig:
        wire, sent = Wire(rig.app), post(rig)
        await wire.send(sent[:-5])
        (kept,) = rig.source.keys
        rig.register(replace(rig.source, keys=(replace(kept, revoked_at=NOW),)))
        await wire.send(sent[-5:])
        assert [reply.status for reply in wire.replies()] == [401]
        assert rig.brokers.of("checkpoints") == []


async def test_a_wrong_key_is_told_before_the_body_comes() -> None:
    async with GatewayRig() as rig:
        wire = Wire(rig.app)
        await wire.send(request(GOOD, ["Authorization: Bearer x"])[: -len(GOOD)])
        assert [reply.status for reply in wire.replies()] == [401]


async def test_a_refusal_keeps_nothing_of_its_request() -> None:
    """What is raised holds the frames of the request: none of them may outlive it."""
    async with GatewayRig() as rig:
        wire = Wire(rig.app)
        await wire.send(request(GOOD, []), post(rig, 1, "Content-Encoding: br"), post(rig, 2))
        assert [reply.status for reply in wire.replies()] == [401, 415, 200]
        gc.collect()
        left = [each for each in gc.get_objects() if isinstance(each, Problem) and each.__traceback__ is not None]
        assert left == []


async def test_a_source_has_a_share_of_the_bodies() -> None:
    async with GatewayRig() as rig:
        wire = Wire(rig.app)
        rig.gateway._reading[SOURCE] = rig.gateway._bodies_of_one
        await wire.send(post(rig))
        assert [(reply.status, reply.json()["code"]) for reply in wire.replies()] == [(429, "overloaded")]


# -- the connection


async def test_requests_are_answered_in_their_order() -> None:
    """What comes behind one that is under way waits: records, other routes, and records again."""
    async with GatewayRig() as rig:
        wire = Wire(rig.app)
        rig.brokers.gate.clear()
        await wire.send(post(rig, 1) + HELLO + post(rig, 2), post(rig, 3))
        assert wire.said == b""
        assert rig.brokers.writes == [1]
        rig.brokers.gate.set()
        await settle()
        await settle()
        assert [reply.body[:7] for reply in wire.replies()] == [b'{"accep', b"hello\n", b'{"accep', b'{"accep']
        assert [record["sequence"] for record in rig.brokers.of("checkpoints")] == [1, 2, 3]
        assert len(wire.protocol._unanswered) == 0


async def test_too_many_requests_ahead_end_the_connection() -> None:
    async with GatewayRig() as rig:
        wire = Wire(rig.app)
        rig.brokers.gate.clear()
        await wire.send(b"".join(post(rig, number) for number in range(1, MOST_AHEAD + 4)))
        assert wire.transport.is_closed
        rig.brokers.gate.set()
        await settle()
        assert wire.said == b""


async def test_what_follows_a_request_does_not_take_its_answer() -> None:
    async with GatewayRig() as rig:
        wire = Wire(rig.app)
        await wire.send(post(rig) + b"\x00garbage\r\n")
        (reply,) = wire.replies()
        assert (reply.status, reply.json()["accepted"], reply.headers["connection"]) == (200, 1, "close")
        assert wire.transport.is_closed


async def test_the_server_ends_while_a_write_is_under_way() -> None:
    async with GatewayRig() as rig:
        wire = Wire(rig.app)
        rig.brokers.gate.clear()
        await wire.send(post(rig))
        wire.protocol.shutdown()
        assert not wire.transport.is_closed
        rig.brokers.gate.set()
        await settle()
        (reply,) = wire.replies()
        assert (reply.status, reply.headers["connection"]) == (200, "close")
        assert wire.transport.is_closed


async def test_limits_run_as_for_any_request() -> None:
    """Of the arrival until it is there, of nothing while it is under way, of the rest between requests after it."""
    async with GatewayRig() as rig:
        wire = Wire(rig.app)
        assert list(wire.protocol._limits) == ["arrival"]
        rig.brokers.gate.clear()
        await wire.send(post(rig))
        assert (list(wire.protocol._limits), wire.protocol.timeout_keep_alive_task) == ([], None)
        rig.brokers.gate.set()
        await settle()
        assert wire.protocol.timeout_keep_alive_task is not None
        rig.brokers.gate.clear()
        await wire.send(post(rig, 2))
        assert wire.protocol.timeout_keep_alive_task is None
        rig.brokers.gate.set()
        await settle()
        await wire.send(b"\r\n")
        assert list(wire.protocol._limits) == ["arrival"]


async def test_no_limit_of_the_arrival_runs_behind_what_is_answered_at_once() -> None:
    """It would end a connection that may rest for longer."""
    async with GatewayRig() as rig:
        wire = Wire(rig.app)
        await wire.send(request(GOOD, []))
        assert wire.replies()[0].status == 401
        assert list(wire.protocol._limits) == []
        assert wire.protocol.timeout_keep_alive_task is not None


async def test_answers_that_are_not_taken_are_waited_for() -> None:
    async with GatewayRig() as rig:
        wire = Wire(rig.app)
        wire.protocol.pause_writing()
        await wire.send(post(rig))
        assert len(wire.state.tasks) == 1
        assert wire.said == b""
        wire.protocol.resume_writing()
        await settle()
        assert [reply.status for reply in wire.replies()] == [200]


async def test_one_connection_too_many() -> None:
    async with GatewayRig() as rig:
        first = Wire(rig.app, connections_max=1)
        second = Wire(rig.app, first.state, connections_max=1)
        await second.send(post(rig))
        (reply,) = second.replies()
        assert (reply.status, reply.json()["code"], reply.headers["connection"]) == (503, "crowded", "close")
        assert rig.brokers.writes == []


async def test_hundreds_on_a_connection_leave_nothing_behind() -> None:
    async with GatewayRig(records_per_s=100_000.0, burst=100_000) as rig:
        wire = Wire(rig.app)
        for number in range(1, 301):
            wire.protocol.data_received(post(rig, number))
            await asyncio.sleep(0)
            await asyncio.sleep(0)
            await asyncio.sleep(0)
            await asyncio.sleep(0)
        await settle()
        assert {reply.status for reply in wire.replies()} == {200}
        assert (len(wire.protocol._unanswered), len(wire.protocol.pipeline), wire.state.tasks) == (0, 0, set())
