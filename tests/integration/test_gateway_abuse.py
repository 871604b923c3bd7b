"""What hostile and broken clients do to a gateway that runs: whatever they send, it answers others soon and does not grow.

After each test a good request is answered within two seconds, the process is alive, and its memory was never much more than
before.
"""

from __future__ import annotations

import asyncio
import gzip
import json
import re
import socket
import time
import zlib
from collections.abc import Callable, Iterable, Iterator
from contextlib import ExitStack, suppress
from dataclasses import dataclass
from itertools import count
from pathlib import Path

import pytest

from streams.gateway.bodies import LARGEST_BODY_BYTES, LARGEST_DEVICE_BODY_BYTES, zstd
from streams.gateway.protocol import LARGEST_HEAD_BYTES, LARGEST_PASSED_BYTES, MOST_AHEAD, MOST_HEADERS
from streams.settings import Settings
from tests.support.brokers import BrokerUnderTest
from tests.support.gateway_process import GatewayProcess, Key, new_key, open_files, prepare, scan, until, write

# One process for all of them: on one worker.
pytestmark = [pytest.mark.slow, pytest.mark.timeout(90), pytest.mark.xdist_group("gateway abuse")]

CONNECTIONS = 500
BODY_SECONDS = 1.0
# A head has ten seconds more.
GIVEN_UP_S = BODY_SECONDS + 10.0
# Above what it had before a test: some bodies, and what the allocator keeps. The largest are 15 times as much as objects.
GROWTH_MB = 24.0
LARGEST_GROWTH_MB = 96.0
PATIENCE_S = 2.0
OK = b"HTTP/1.1 200 "


@dataclass
class Victim:
    """The process, and the keys of its sources: `good` is who must be served, `hostile` a key that was stolen."""

    gateway: GatewayProcess
    settings: Settings
    broker: BrokerUnderTest
    good: Key
    hostile: Key
    limited: Key
    terminal: Key
    numbers: Iterator[int]
    growth_mb: float = GROWTH_MB

    def assert_serves(self) -> None:
        """A good request is answered soon, and the process is alive."""
        began = time.monotonic()
        reply = self.gateway.post(self.good, scan("good", next(self.numbers)))
        assert (reply.status, reply.json()["accepted"]) == (200, 1)
        assert self.gateway.ask("GET", "/livez").status == 200
        assert time.monotonic() - began < PATIENCE_S

    def audited(self) -> int:
        """Return how many records the audit trail has."""
        return self.broker.end_offsets(self.settings.topic("audit"), 1)[0]

    def head(self, key: Key, *fields: str, target: str = "POST /v1/events") -> bytes:
        """Return the head of a request."""
        given = [f"{target} HTTP/1.1", "Host: gateway", *(f"{name}: {value}" for name, value in key.headers.items())]
        return "\r\n".join([*given, *fields, "", ""]).encode()


@pytest.fixture(scope="module")
def running(embedded_broker: BrokerUnderTest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Victim]:
    """Run one gateway for all tests."""
    directory = tmp_path_factory.mktemp("abuse")
    bounds = {"connections_max": CONNECTIONS, "body_seconds": BODY_SECONDS, "keep_alive_seconds": 1}
    config, settings = prepare(directory, embedded_broker.bootstrap, directory.name, **bounds)
    good, hostile, limited = new_key("good"), new_key("hostile"), new_key("limited", records_per_s=5.0, burst=20)
    terminal = new_key("terminal", adapter="hikvision")
    asyncio.run(write(settings, *(key.change for key in (good, hostile, limited, terminal))))
    with GatewayProcess(config) as gateway:
        gateway.ready()
        yield Victim(gateway, settings, embedded_broker, good, hostile, limited, terminal, count(1))


@pytest.fixture
def victim(running: Victim) -> Iterator[Victim]:
    """Give the gateway to a test, and see how it is afterwards."""
    gateway = running.gateway
    for _ in range(3):
        running.assert_serves()
    pid, before_mb = gateway.process.pid, gateway.memory_mb()
    Path(f"/proc/{pid}/clear_refs").write_text("5", encoding="ascii")  # the most it has had is counted from here
    running.growth_mb = GROWTH_MB
    yield running
    running.assert_serves()
    most_mb = _most_mb(pid)
    assert most_mb - before_mb < running.growth_mb, f"from {before_mb:.0f} MB to {most_mb:.0f} MB"
    assert "Traceback" not in gateway.log()


def _most_mb(pid: int) -> float:
    lines = Path(f"/proc/{pid}/status").read_text("ascii").splitlines()
    return next(int(line.split()[1]) / 1024 for line in lines if line.startswith("VmHWM"))


def exchange(victim: Victim, *parts: bytes, half_close: bool = False, limit_s: float = 5.0) -> bytes:
    """Send and return all that comes until the connection is closed, or nothing has come for a while behind an answer."""
    with victim.gateway.socket(limit_s) as connection:
        with suppress(OSError):  # it need not hear all of it
            for part in parts:
                connection.sendall(part)
            if half_close:
                connection.shutdown(socket.SHUT_WR)
        return _received(connection)


def _received(connection: socket.socket) -> bytes:
    received = b""
    with suppress(OSError):
        while part := connection.recv(65536):
            received += part
            connection.settimeout(0.5)
    return received


def statuses(received: bytes) -> list[int]:
    """Return the status of each answer."""
    return [int(status) for status in re.findall(rb"HTTP/1\.1 ([0-9]{3}) [A-Z]", received)]


def is_closed(connection: socket.socket) -> bool:
    """Tell whether the other side has ended a connection; what it said is read and forgotten."""
    connection.setblocking(False)
    try:
        while connection.recv(65536):
            pass
    except BlockingIOError:
        return False
    except OSError:
        return True
    return True


# -- slow ones


def test_slow_and_silent_connections_are_given_up(victim: Victim) -> None:
    """Heads and bodies byte by byte, silence, empty lines behind an answer, answers that nobody takes; others are served."""
    gateway, pid = victim.gateway, victim.gateway.process.pid
    before = open_files(pid)
    began = time.monotonic()
    with ExitStack() as stack:

        def opened(number: int, *said: bytes) -> list[socket.socket]:
            found = [stack.enter_context(gateway.socket()) for _ in range(number)]
            for connection in found:
                for part in said:
                    connection.sendall(part)
            return found

        answered = b"GET /livez HTTP/1.1\r\nHost: g\r\n\r\n"
        early = b"POST /v1/events HTTP/1.1\r\nHost: g\r\nContent-Length: 2\r\n\r\n{"
        body = victim.head(victim.hostile, "Content-Length: 100000")
        chunks = victim.head(victim.hostile, "Transfer-Encoding: chunked")
        slow = opened(100, b"POST /v1/events HTTP/1.1\r\nHost: g\r\nX-Slow: ") + opened(30, body) + opened(10, chunks)
        silent = opened(100)
        idle = opened(20, answered) + opened(20, early)
        unread = []
        for _ in range(5):
            connection = stack.enter_context(socket.socket())
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
            connection.connect(("127.0.0.1", gateway.port))
            unread.append(connection)
        for _ in range(200):  # megabytes, so that no buffer has room for them
            for connection in unread:
                connection.sendall(b"GET /v1/openapi.json HTTP/1.1\r\nHost: g\r\n\r\n")
            time.sleep(0.005)
        for connection in idle:
            with suppress(OSError):
                connection.send(b"\r\n" if connection in idle[:20] else b"}")
        victim.assert_serves()

        def all_are_gone() -> bool:
            for connection in slow:
                with suppress(OSError):
                    connection.send(b"x")
            victim.assert_serves()
            return open_files(pid) <= before + 2

        until(all_are_gone, "all of them to be given up", 2 * GIVEN_UP_S + 5)
        assert time.monotonic() - began > BODY_SECONDS
        assert all(map(is_closed, slow + silent + idle))


def test_more_connections_than_it_takes(victim: Victim) -> None:
    """Those beyond the bound are told to come again or not let in; when they have gone, all is as before."""
    pid = victim.gateway.process.pid
    before = open_files(pid)
    with ExitStack() as stack:
        for _ in range(2 * CONNECTIONS):
            stack.enter_context(victim.gateway.socket())
        until(lambda: open_files(pid) > before + CONNECTIONS * 0.9, "the connections", 5.0)
        time.sleep(0.2)
        assert open_files(pid) < before + CONNECTIONS * 1.2
    until(lambda: open_files(pid) <= before + 2, "them to have gone", 5.0)
    with ExitStack() as stack:
        for _ in range(CONNECTIONS + 10):
            stack.enter_context(victim.gateway.socket())
        until(lambda: open_files(pid) > before + CONNECTIONS, "the connections", 5.0)
        reply = victim.gateway.ask("GET", "/livez")
        assert (reply.status, reply.json()["code"]) == (503, "crowded")
        assert reply.headers["retry-after"] == "5"
    until(lambda: open_files(pid) <= before + 2, "them to have gone", 5.0)


def test_one_source_leaves_room_for_the_others(victim: Victim) -> None:
    """A stolen key with a hundred bodies under way: it is told to come again, and others are served meanwhile."""
    head = victim.head(victim.hostile, "Content-Length: 100000")
    with ExitStack() as stack:
        slow = [stack.enter_context(victim.gateway.socket()) for _ in range(100)]
        for connection in slow:
            connection.sendall(head)
        victim.assert_serves()
        told = [statuses(_received(connection)) for connection in slow]
    assert told.count([429]) > 50
    assert told.count([408]) + told.count([429]) == 100


# -- heads

GET = b"GET /livez HTTP/1.1\r\nHost: g\r\n"
SMUGGLED = b"GET /livez HTTP/1.1\r\nHost: g\r\n\r\n"
POST = b"POST /v1/events HTTP/1.1\r\nHost: g\r\n"

HEADS: dict[str, tuple[bytes, list[int]]] = {
    "a field without end": (GET + b"X: " + b"x" * (1 << 20), [431]),
    "a large field": (GET + b"X: " + b"x" * LARGEST_HEAD_BYTES + b"\r\n\r\n", [431]),
    "many fields": (GET + b"a:\r\n" * (MOST_HEADERS + 1) + b"\r\n", [431]),
    "very many fields": (GET + b"a:\r\n" * 100_000 + b"\r\n", [431]),
    "a long path": (b"GET /" + b"x" * LARGEST_HEAD_BYTES + b" HTTP/1.1\r\nHost: g\r\n\r\n", [431]),
    "a long key": (b"POST /v1/push/" + b"x" * 30_000 + b" HTTP/1.1\r\nHost: g\r\n\r\n", [401]),
    "empty lines": (b"\r\n" * 100_000, [431]),
    "no request": (b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + bytes(200), [400]),
    "another protocol": (b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", [400]),
    "no version": (b"GET /livez\r\n\r\n", [200]),
    "a version that is none": (b"GET /livez HTTP/9.9\r\n\r\n", [400]),
    "a method that is none": (b"HACK /livez HTTP/1.1\r\nHost: g\r\n\r\n", [400]),
    "connect": (b"CONNECT g:443 HTTP/1.1\r\nHost: g\r\n\r\n", [400]),
    "a path of a proxy": (b"GET http://elsewhere/livez HTTP/1.1\r\nHost: g\r\n\r\n", [200]),
    "no path": (b"GET http://elsewhere HTTP/1.1\r\nHost: g\r\n\r\n", [400]),
    "bytes in the path": (b"GET /\xff\xfe HTTP/1.1\r\nHost: g\r\n\r\n", [400]),
    "a slash in the key": (b"POST /v1/push/a%2fb HTTP/1.1\r\nHost: g\r\nContent-Length: 0\r\n\r\n", [401]),
    "dots in the path": (b"GET /v1/../livez HTTP/1.1\r\nHost: g\r\n\r\n", [404]),
    "a line break in the path": (b"GET /livez%0d%0aX:%20y HTTP/1.1\r\nHost: g\r\n\r\n", [404]),
    "a slash at the end": (b"POST /v1/events/ HTTP/1.1\r\nHost: elsewhere\r\nContent-Length: 0\r\n\r\n", [404]),
    "a zero in a field": (GET + b"X: a\x00b\r\n\r\n", [400]),
    "a folded field": (GET + b"X: a\r\n b\r\n\r\n", [400]),
    "a blank before the colon": (POST + b"Transfer-Encoding : chunked\r\n\r\n0\r\n\r\n", [400]),
    "both lengths": (POST + b"Content-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n" + SMUGGLED, [400]),
    "both lengths, turned": (
        POST + b"Transfer-Encoding: chunked\r\nContent-Length: 5\r\n\r\n0\r\n\r\n" + SMUGGLED,
        [400],
    ),
    "two lengths": (POST + b"Content-Length: 5\r\nContent-Length: 50\r\n\r\nxxxxx" + SMUGGLED, [400]),
    "a list of lengths": (POST + b"Content-Length: 5, 5\r\n\r\nxxxxx" + SMUGGLED, [400]),
    "a length below nothing": (POST + b"Content-Length: -5\r\n\r\n" + SMUGGLED, [400]),
    "a length with a sign": (POST + b"Content-Length: +5\r\n\r\nxxxxx" + SMUGGLED, [400]),
    "a length of another kind": (POST + b"Content-Length: 0x5\r\n\r\nxxxxx" + SMUGGLED, [400]),
    "a length beyond all": (POST + b"Content-Length: 99999999999999999999999\r\n\r\nx", [400]),
    "chunked and more": (POST + b"Transfer-Encoding: chunked, identity\r\n\r\n0\r\n\r\n" + SMUGGLED, [400]),
    "nearly chunked": (POST + b"Transfer-Encoding: xchunked\r\n\r\n0\r\n\r\n" + SMUGGLED, [400]),
    "only identity": (POST + b"Transfer-Encoding: identity\r\n\r\n0\r\n\r\n" + SMUGGLED, [400]),
}


@pytest.mark.parametrize("name", HEADS)
def test_heads_that_are_none(victim: Victim, name: str) -> None:
    """One answer at most, and behind what is doubtful nothing is taken for a request."""
    sent, expected = HEADS[name]
    received = exchange(victim, sent)
    assert statuses(received) == expected, received[:500]
    if expected == [400] or expected == [431]:
        assert b"application/problem+json" in received
        assert b"connection: close" in received


def test_two_keys_are_none(victim: Victim) -> None:
    """What stands before the gateway may have looked at the other one."""
    other = f"Authorization: Bearer {victim.hostile.text}"
    assert statuses(exchange(victim, victim.head(victim.good, other, "Content-Length: 0"))) == [401]


def test_an_upgrade_is_refused(victim: Victim) -> None:
    """The parser would drop the body, and take what comes of it later for another request."""
    smuggled = victim.head(victim.hostile, target="GET /v1/sources/me")
    fields = ("Connection: Upgrade, HTTP2-Settings", "Upgrade: h2c", f"Content-Length: {len(smuggled)}")
    with victim.gateway.socket(5.0) as connection:
        connection.sendall(victim.head(victim.hostile, *fields))
        received = connection.recv(65536)
        with suppress(OSError):
            connection.sendall(smuggled)
        assert statuses(received + _received(connection)) == [400]


def test_who_asks_first_is_told_first(victim: Victim) -> None:
    """Expect: 100-continue; and no word of it where the key is wrong."""
    body = json.dumps(scan("hostile", next(victim.numbers))).encode()
    fields = ("Expect: 100-continue", f"Content-Length: {len(body)}")
    with victim.gateway.socket(5.0) as connection:
        connection.sendall(victim.head(victim.hostile, *fields))
        assert connection.recv(25) == b"HTTP/1.1 100 Continue\r\n\r\n"
        connection.sendall(body)
        assert statuses(_received(connection)) == [200]
    wrong = b"POST /v1/events HTTP/1.1\r\nHost: g\r\nExpect: 100-continue\r\nContent-Length: 5\r\n\r\n"
    assert statuses(exchange(victim, wrong)) == [401]


def test_old_and_half_closed_clients(victim: Victim) -> None:
    """HTTP/1.0 is answered and closed. Who closes his half is not waited for; the record may be there, sent again it is."""
    body = json.dumps(scan("hostile", next(victim.numbers))).encode()
    head = victim.head(victim.hostile, f"Content-Length: {len(body)}")
    received = exchange(victim, head.replace(b"HTTP/1.1", b"HTTP/1.0") + body)
    assert statuses(received) == [200]
    assert b"connection: close" in received
    assert statuses(exchange(victim, head + body, half_close=True)) in ([], [200])
    assert statuses(exchange(victim, head + body[:-5], half_close=True)) in ([], [400])


# -- many requests at once


def test_requests_ahead_of_their_answers_are_few(victim: Victim) -> None:
    """Some are answered in their order; thousands end the connection, and are never held."""
    assert statuses(exchange(victim, SMUGGLED * MOST_AHEAD)) == [200] * MOST_AHEAD
    burst = victim.head(victim.hostile, "Content-Length: 2") + b"{}"
    for _ in range(20):
        assert len(statuses(exchange(victim, burst * 4000))) <= MOST_AHEAD


def test_what_follows_a_request_does_not_take_its_answer(victim: Victim) -> None:
    """Garbage behind a good request: the answer is the one of the request, and then the connection ends."""
    number = next(victim.numbers)
    body = json.dumps(scan("hostile", number)).encode()
    received = exchange(victim, victim.head(victim.hostile, f"Content-Length: {len(body)}") + body + b"\x00garbage\r\n")
    assert statuses(received) == [200]
    assert b'"accepted":1' in received


def _answers(victim: Victim, requests: Iterable[bytes]) -> list[int]:
    """Send requests some at a time and return the statuses."""
    found: list[int] = []
    with victim.gateway.socket() as connection:
        group: list[bytes] = []

        def flush() -> None:
            connection.sendall(b"".join(group))
            received = b""
            while received.count(b"HTTP/1.1 ") < len(group) or not received.rstrip().endswith(b"}"):
                part = connection.recv(65536)
                assert part, "closed"
                received += part
            found.extend(statuses(received))
            group.clear()

        for request in requests:
            group.append(request)
            if len(group) == MOST_AHEAD:
                flush()
        if group:
            flush()
    return found


@pytest.mark.parametrize("what", ["secrets", "ids of keys", "sources", "no keys at all"])
def test_ten_thousand_keys_that_are_wrong(victim: Victim, what: str) -> None:
    """None is let in; memory and audit trail do not grow with them, whoever is named in them."""
    source_id, key_id, secret = victim.good.text.removeprefix("gw_").rsplit(".", 2)
    made: dict[str, Callable[[int], str]] = {
        "secrets": lambda number: f"gw_{source_id}.{key_id}.{number:043d}",
        "ids of keys": lambda number: f"gw_{source_id}.{number:08d}.{secret}",
        "sources": lambda number: f"gw_s-{number}.{key_id}.{secret}",
        "no keys at all": lambda number: f"{number}" * 20,
    }
    audited = victim.audited()
    request = "GET /v1/sources/me HTTP/1.1\r\nHost: g\r\nAuthorization: Bearer {}\r\n\r\n"
    requests = (request.format(made[what](number)).encode() for number in range(10_000))
    assert set(_answers(victim, requests)) == {401}
    assert victim.audited() - audited <= 2


def test_a_flood_beyond_what_a_source_may_send(victim: Victim) -> None:
    """It is told when to come again; nobody else is."""
    numbers = count(1)
    posts = []
    for _ in range(400):
        body = json.dumps(scan("limited", next(numbers))).encode()
        posts.append(victim.head(victim.limited, f"Content-Length: {len(body)}") + body)
    found = _answers(victim, posts)
    assert set(found) == {200, 429}
    assert 20 <= found.count(200) < 60
    reply = victim.gateway.post(victim.limited, [scan("limited", next(numbers)) for _ in range(20)])
    assert (reply.status, reply.json()["code"]) == (429, "too_many")
    assert 1 <= int(reply.headers["retry-after"]) <= 20
    victim.assert_serves()


# -- bodies


def _zeros_in_zstd(size: int) -> bytes:
    return bytes(zstd.compress(bytes(size)))


def _wide_zstd(window_log: int) -> bytes:
    """Pack little in a frame that asks for much to be unpacked."""
    packer = zstd.ZstdCompressor(options={zstd.CompressionParameter.window_log: window_log})
    return bytes(packer.compress(b"{}") + packer.flush())


def _gzip_members(number: int) -> bytes:
    return gzip.compress(b"{}") * number


BIG = LARGEST_BODY_BYTES
BODIES: dict[str, tuple[bytes, dict[str, str], int]] = {
    "too large": (b" " * (BIG + 1), {}, 413),
    "blanks alone": (b" " * BIG, {}, 400),
    "a bomb of gzip": (gzip.compress(bytes(64 << 20)), {"Content-Encoding": "gzip"}, 413),
    "a bomb in a bomb": (gzip.compress(gzip.compress(bytes(64 << 20))), {"Content-Encoding": "gzip"}, 422),
    "members of gzip": (_gzip_members(20_000), {"Content-Encoding": "gzip"}, 400),
    "bare zlib": (zlib.compress(b"{}"), {"Content-Encoding": "gzip"}, 400),
    "gzip cut short": (gzip.compress(b"[" + b"{}," * 100)[:-9], {"Content-Encoding": "gzip"}, 400),
    "a bomb of zstd": (_zeros_in_zstd(256 << 20), {"Content-Encoding": "zstd"}, 413),
    "frames of zstd": (_zeros_in_zstd(100) * 10_000, {"Content-Encoding": "zstd"}, 400),
    "a window of zstd": (_wide_zstd(27), {"Content-Encoding": "zstd"}, 400),
    "frames of nothing": (b"\x50\x2a\x4d\x18\x00\x00\x00\x00" * 10_000, {"Content-Encoding": "zstd"}, 400),
    "zstd that is none": (b"\x28\xb5\x2f\xfd" + b"\xff" * 100, {"Content-Encoding": "zstd"}, 400),
    "two encodings": (gzip.compress(b"{}"), {"Content-Encoding": "gzip, gzip"}, 415),
    "an unknown encoding": (b"{}", {"Content-Encoding": "br"}, 415),
    "a wrong type": (b"{}", {"Content-Type": "text/plain"}, 415),
    "a form": (b"a=b", {"Content-Type": "application/x-www-form-urlencoded"}, 415),
    "a type without end": (b"{}", {"Content-Type": 'application/json; a="' + ";" * 25_000}, 415),
    "a charset": (b"{}", {"Content-Type": "application/json; charset=utf-16"}, 415),
    "a charset of nonsense": (b"{}", {"Content-Type": "application/json; charset*=x'y'%ff"}, 415),
    "deep arrays": (b"[" * (BIG // 2) + b"]" * (BIG // 2), {}, 400),
    "a deep object": (b'{"a":' * (BIG // 6) + b"1" + b"}" * (BIG // 6), {}, 422),
    "half a million numbers": (b"[" + b"1," * (BIG // 2 - 2) + b"1]", {}, 413),
    "half a million lines": (b"1\n" * (BIG // 2), {"Content-Type": "application/x-ndjson"}, 413),
    "a million empty lines": (b"\n" * BIG, {"Content-Type": "application/x-ndjson"}, 400),
    "a thousand records that are none": (b"[" + b"{}," * 999 + b"{}]", {}, 422),
    "no text": (b'{"kind":"\xff\xfe"}', {}, 422),
    "half a surrogate pair": (b'{"kind":"\\ud800"}', {}, 422),
    "a number without end": (b'{"kind":' + b"9" * 50_000 + b"}", {}, 422),
    "not a number": (b'{"kind":NaN}', {}, 422),
    "nothing": (b"", {}, 400),
}


@pytest.mark.parametrize("name", BODIES)
def test_bodies_that_are_none(victim: Victim, name: str) -> None:
    """Each has its status, soon, and again and again."""
    body, headers, status = BODIES[name]
    victim.growth_mb = LARGEST_GROWTH_MB if name == "half a million numbers" else GROWTH_MB
    began = time.monotonic()
    for _ in range(3):
        reply = victim.gateway.ask("POST", "/v1/events", body, {**victim.hostile.headers, **headers})
        assert reply.status == status, reply.body
    assert time.monotonic() - began < 3 * PATIENCE_S


DEVICE_BODIES = {
    "brackets": b"[" * LARGEST_DEVICE_BODY_BYTES,
    "numbers": b"[" + b"1," * (LARGEST_DEVICE_BODY_BYTES // 2 - 2) + b"1]",
    "names": json.dumps({str(number): number for number in range(190_000)}).encode(),
    "elements": b"<a>" + b"<b/>" * 1_000_000 + b"</a>",
    "attributes": b"<a " + b" ".join(b'a%d="x"' % number for number in range(300_000)) + b"/>",
    "entities": b'<!DOCTYPE a [<!ENTITY b "' + b"b" * 1000 + b'">]><a>' + b"&b;" * 100_000 + b"</a>",
    "boundaries": b"--" * (LARGEST_DEVICE_BODY_BYTES // 2),
}
MULTIPART = 'multipart/form-data; boundary="-"'


@pytest.mark.parametrize("name", DEVICE_BODIES)
def test_bodies_of_devices_that_are_none(victim: Victim, name: str) -> None:
    """The largest that are read: nobody waits long for one of them."""
    victim.growth_mb = LARGEST_GROWTH_MB
    content_type = (
        MULTIPART if name == "boundaries" else "application/xml" if name in "elements attributes entities" else ""
    )
    for _ in range(3):
        began = time.monotonic()
        headers = {
            "Authorization": f"Bearer {victim.terminal.text}",
            "Content-Type": content_type or "application/json",
        }
        reply = victim.gateway.ask("POST", "/v1/events", DEVICE_BODIES[name], headers)
        assert reply.status == 200
        assert reply.json()["accepted"] == 0
        assert time.monotonic() - began < PATIENCE_S


def test_lengths_that_are_wrong(victim: Victim) -> None:
    """Announced too large, longer than announced, shorter, in chunks without end, in chunks that are none."""
    for_good = victim.head(victim.hostile, f"Content-Length: {1 << 40}")
    assert statuses(exchange(victim, for_good)) == [413]
    assert statuses(exchange(victim, victim.head(victim.hostile, "Content-Length: 2"), b"{}{}{}")) == [422]
    assert statuses(exchange(victim, victim.head(victim.hostile, "Content-Length: 50"), b"{}")) == [408]
    chunks = victim.head(victim.hostile, "Transfer-Encoding: chunked")
    piece = b"10000\r\n" + b" " * 65536 + b"\r\n"
    assert statuses(exchange(victim, chunks, *([piece] * 40))) == [413]
    assert statuses(exchange(victim, chunks, b"2\r\n{}\r\n0\r\n\r\n")) == [422]
    for garbage in (
        b"zz\r\n{}\r\n",
        b"-1\r\n{}\r\n",
        b"fffffffffffffffff\r\n{}",
        b"2\r\n{}xx0\r\n\r\n",
        b"2 2\r\n{}\r\n",
    ):
        assert statuses(exchange(victim, chunks, garbage)) == [400], garbage


def test_what_comes_without_end_is_cut_off(victim: Victim) -> None:
    """Fields behind a body, one field behind it, extensions of a chunk, a body that nobody reads: the connection ends."""
    chunks = victim.head(victim.hostile, "Transfer-Encoding: chunked")
    unread = b"POST /v1/events HTTP/1.1\r\nHost: g\r\nTransfer-Encoding: chunked\r\n\r\n"
    endless = {
        "fields": (chunks + b"2\r\n{}\r\n0\r\n", b"x: y\r\n" * 10_000),
        "a field": (chunks + b"2\r\n{}\r\n0\r\nx: ", b"y" * 65536),
        "an extension": (chunks + b"2;x=", b"y" * 65536),
        "a body": (unread, b"10000\r\n" + b" " * 65536 + b"\r\n"),
    }
    for name, (begin, more) in endless.items():
        sent = 0
        with victim.gateway.socket(5.0) as connection, suppress(OSError):
            connection.sendall(begin)
            while sent < 8 * LARGEST_PASSED_BYTES:
                connection.sendall(more)
                sent += len(more)
        assert sent < 4 * LARGEST_PASSED_BYTES, name


def test_small_chunks_are_taken(victim: Victim) -> None:
    """As clients send them that write as they go, and one byte at a time as nobody does."""
    body = json.dumps([scan("hostile", next(victim.numbers)) for _ in range(500)]).encode()
    head = victim.head(victim.hostile, "Transfer-Encoding: chunked")
    for size, expected in ((64, [200]), (1, [])):
        pieces = [body[begin : begin + size] for begin in range(0, len(body), size)]
        sent = b"".join(b"%x\r\n%s\r\n" % (len(piece), piece) for piece in pieces)
        assert statuses(exchange(victim, head + sent + b"0\r\n\r\n")) == expected


def test_a_trailing_field_says_nothing(victim: Victim) -> None:
    """A key behind the body is none, and neither is an encoding."""
    body = json.dumps(scan("hostile", next(victim.numbers))).encode()
    chunk = b"%x\r\n%s\r\n0\r\nContent-Encoding: br\r\nAuthorization: Bearer x\r\n\r\n" % (len(body), body)
    assert statuses(exchange(victim, victim.head(victim.hostile, "Transfer-Encoding: chunked"), chunk)) == [200]
