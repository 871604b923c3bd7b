"""The way to the gateway: addresses, keys, connections, answers that are too long or never end."""

import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from streams.device.answers import KeyRefused
from streams.device.errors import DeviceError, NoAnswerError, WrongKeyError
from streams.device.gateway import Gateway
from streams.device.keys import parse_key
from streams.device.spool import Spool
from streams.device.uploader import Uploader
from tests.support.scripted_gateway import KEY, ScriptedGateway

OTHER_KEY = KEY.replace("d-000001", "d-000002")


def gateway_at(url: str, key: str = KEY, **options: float) -> Gateway:
    """Return the way to a URL."""
    return Gateway(url, lambda: parse_key(key), **options)  # type: ignore[arg-type]


@contextmanager
def answering(*parts: bytes, ends: bool = True) -> Iterator[str]:
    """Answer one request with bytes, whatever it is; returns the URL."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        done = threading.Event()

        def answer() -> None:
            connection, _ = server.accept()
            with connection:
                connection.recv(65536)
                try:
                    for part in parts:
                        connection.sendall(part)
                except OSError:
                    return
                if not ends:
                    done.wait(30)

        thread = threading.Thread(target=answer, daemon=True)
        thread.start()
        yield f"http://127.0.0.1:{server.getsockname()[1]}"
        done.set()
        thread.join(10)


@pytest.mark.parametrize(
    "url",
    [
        "gateway.example.org",
        "ftp://gateway.example.org",
        "https://",
        "https://user@gateway.example.org",
        "https://gateway.example.org?a=b",
        "https://gateway.example.org#a",
        "https://gateway.example.org/a b",
        "https://gateway.example.org:99999",
        "https://[::1",
        "http://gateway.example.org",
    ],
)
def test_addresses_that_are_none(url: str) -> None:
    with pytest.raises(DeviceError, match="url: expected"):
        gateway_at(url)


@pytest.mark.parametrize(
    "url", ["https://gateway.example.org/town/", "https://[2001:db8::1]", "http://localhost:1", "http://[::1]"]
)
def test_addresses(url: str) -> None:
    gateway_at(url)


def test_a_connection_serves_many_requests(gateway: ScriptedGateway) -> None:
    way = gateway_at(gateway.url)
    assert [way.ask().status for _ in range(3)] == [200, 200, 200]
    first = way._connection
    assert way.post([b'{"sequence":1}']).status == 200
    assert way._connection is first
    way.close()


def test_a_connection_that_went_stale_is_opened_anew(gateway: ScriptedGateway) -> None:
    way = gateway_at(gateway.url)
    way.ask()
    assert way._connection is not None
    way._connection.sock.shutdown(socket.SHUT_RDWR)

    assert way.ask().status == 200
    way.close()


@pytest.mark.parametrize(
    "parts",
    [
        (),
        (b"HTTP/1.1 200 OK\r\nContent-Length: 50\r\n\r\n{}",),
        (b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nabc",),
        (b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nxyz\r\n",),
        (b"HTTP/1.1 abc\r\n\r\n",),
        (b"\x00\xff" * 100,),
        (b"HTTP/1.1 200 OK\r\n" + b"X: y\r\n" * 20_000 + b"\r\n",),
        (b"HTTP/1.1 200 OK\r\nX: " + b"y" * 100_000 + b"\r\n\r\n",),
        (b"HTTP/1.1 200 OK\r\n\r\n", *[b"x" * 1_000_000] * 5),
    ],
)
def test_answers_that_are_none(parts: tuple[bytes, ...]) -> None:
    with answering(*parts) as url, pytest.raises(NoAnswerError):
        gateway_at(url).ask()


def test_an_answer_that_does_not_end() -> None:
    """Is not waited for for ever, and less may get through next time."""
    begin = b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n{"
    with answering(begin, ends=False) as url, pytest.raises(NoAnswerError, match="timed out") as caught:
        gateway_at(url, timeout_s=0.2).ask()

    assert caught.value.was_slow


def test_a_name_that_is_no_name() -> None:
    with pytest.raises(NoAnswerError):
        gateway_at(f"https://{'a' * 70}..invalid").ask()


def test_a_new_key_holds_at_once_unless_it_is_another_sources(gateway: ScriptedGateway) -> None:
    keys = [KEY]
    way = Gateway(gateway.url, lambda: parse_key(keys[0]))
    assert way.post([b'{"sequence":1}']).status == 200
    keys[0] = gateway.key = KEY.replace("k1", "k2")
    assert way.post([b'{"sequence":2}']).status == 200
    keys[0] = OTHER_KEY
    with pytest.raises(WrongKeyError, match="another source"):
        way.post([b'{"sequence":3}'])
    way.close()


def test_a_key_of_another_source_than_the_spools_sends_nothing(tmp_path: Path, gateway: ScriptedGateway) -> None:
    """Every record would be refused, and put aside."""
    with Spool(tmp_path / "spool.db", "d-000002") as spool:
        spool.record("temperature_taken", {})
        way = gateway_at(gateway.url)
        uploader = Uploader(spool, way)
        uploader.turn()
        way.close()

        assert isinstance(uploader.trouble, KeyRefused)
        assert gateway.ledger.requests == []
        assert spool.has_waiting()
