"""The links do to connections what they are told, and nothing else."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import ClassVar

import pytest

from tests.chaos.clickhouse_link import ClickHouseLink, Mood
from tests.chaos.links import Link, Weather

SOON_S, NOT_YET_S = 5.0, 0.2
INSERT = b"POST /?query=INSERT%20INTO%20t HTTP/1.1\r\nContent-Length: 3\r\n\r\nabc"
QUESTION = b"POST / HTTP/1.1\r\nContent-Length: 8\r\n\r\nSELECT 1"


def free_port() -> int:
    """Return a port that nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


class Echo:
    """A server that sends back what it gets; or answers each request with 200, and remembers it."""

    def __init__(self, *, speaks_http: bool = False) -> None:
        self.port = free_port()
        self.speaks_http = speaks_http
        self.got: list[bytes] = []
        self.serving: set[asyncio.Task[None]] = set()

    def accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.create_task(self.serve(reader, writer))
        self.serving.add(task)
        task.add_done_callback(self.serving.discard)

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while data := await reader.read(65536):
                self.got.append(data)
                writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok" if self.speaks_http else data)
        except ConnectionResetError:
            pass
        finally:
            writer.close()


@asynccontextmanager
async def linked(link_type: type[Link] = Link) -> AsyncIterator[tuple[Link, Echo]]:
    """Run a server with a link before it."""
    echo = Echo(speaks_http=link_type is ClickHouseLink)
    link = link_type(free_port(), echo.port)
    async with await asyncio.start_server(echo.accept, "127.0.0.1", echo.port):
        await link.start()
        try:
            yield link, echo
        finally:
            await link.stop()
            Client.close_all()
            await asyncio.gather(*echo.serving)


class Client:
    """A connection through a link."""

    _open: ClassVar[list[Client]] = []

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.reader, self.writer = reader, writer
        self._open.append(self)

    @classmethod
    def close_all(cls) -> None:
        while cls._open:
            cls._open.pop().writer.transport.abort()

    @classmethod
    async def to(cls, link: Link) -> Client:
        return cls(*await asyncio.open_connection("127.0.0.1", link.port))

    async def ask(self, data: bytes, limit_s: float = SOON_S) -> bytes:
        self.writer.write(data)
        return await self.hear(limit_s)

    async def hear(self, limit_s: float = SOON_S) -> bytes:
        async with asyncio.timeout(limit_s):
            return await self.reader.read(65536)


async def test_a_link_carries_both_ways() -> None:
    async with linked() as (link, _):
        client = await Client.to(link)
        assert await client.ask(b"there and back") == b"there and back"
        client.writer.write_eof()
        assert await client.hear() == b""


async def test_a_cut_ends_what_stands_and_takes_nothing_until_it_is_mended() -> None:
    async with linked() as (link, _):
        before = await Client.to(link)
        assert await before.ask(b"x") == b"x"
        await link.set_weather(Weather(cut=True))
        with pytest.raises(ConnectionResetError):
            await before.hear()
        during = await Client.to(link)
        with pytest.raises(ConnectionResetError):
            await during.hear()
        await link.set_weather(Weather())
        assert await (await Client.to(link)).ask(b"y") == b"y"


@pytest.mark.parametrize(("direction", "arrives"), [("up", False), ("down", True)])
async def test_what_is_held_in_one_direction_comes_late_and_is_not_lost(direction: str, arrives: bool) -> None:
    async with linked() as (link, echo):
        client = await Client.to(link)
        await link.set_weather(Weather(held=(direction,)))
        with pytest.raises(TimeoutError):
            await client.ask(b"held", NOT_YET_S)
        assert (echo.got == [b"held"]) is arrives
        await link.set_weather(Weather())
        assert await client.hear() == b"held"


async def test_what_is_held_is_lost_when_its_connection_is_ended() -> None:
    async with linked() as (link, echo):
        client = await Client.to(link)
        await link.set_weather(Weather(held=("up",)))
        with pytest.raises(TimeoutError):
            await client.ask(b"held", NOT_YET_S)
        await link.set_weather(Weather(), ends_connections=True)
        with pytest.raises(ConnectionResetError):
            await client.hear()
        assert await (await Client.to(link)).ask(b"after") == b"after"
        assert echo.got == [b"after"]


async def test_what_is_forgotten_neither_carries_nor_ends_and_new_connections_are_well() -> None:
    async with linked() as (link, echo):
        client = await Client.to(link)
        assert await client.ask(b"before") == b"before"
        link.forget_connections()
        with pytest.raises(TimeoutError):
            await client.ask(b"lost", NOT_YET_S)
        assert await (await Client.to(link)).ask(b"new") == b"new"
        assert echo.got == [b"before", b"new"]


@pytest.mark.parametrize("weather", [Weather(delay_s=0.1), Weather(bytes_per_s=10_000)])
async def test_a_slow_link_takes_its_time(weather: Weather) -> None:
    async with linked() as (link, _):
        client = await Client.to(link)
        await link.set_weather(weather)
        began = asyncio.get_running_loop().time()
        assert await client.ask(b"x" * 1000) == b"x" * 1000
        assert asyncio.get_running_loop().time() - began >= 0.19


async def test_clickhouse_answers_as_if_it_had_no_space() -> None:
    async with linked(ClickHouseLink) as (link, echo):
        assert isinstance(link, ClickHouseLink)
        await link.set_mood(Mood(answer="no_space"))
        client = await Client.to(link)
        assert b"X-ClickHouse-Exception-Code: 243" in await client.ask(INSERT)
        assert (await client.ask(QUESTION)).endswith(b"ok")
        assert echo.got == [QUESTION]
        assert link.inserts_spoilt == 1


async def test_clickhouse_makes_an_insert_and_its_answer_is_lost() -> None:
    async with linked(ClickHouseLink) as (link, echo):
        assert isinstance(link, ClickHouseLink)
        await link.set_mood(Mood(loses_answer=True))
        with pytest.raises(ConnectionResetError):
            await (await Client.to(link)).ask(INSERT)
        assert echo.got == [INSERT]


async def test_clickhouse_hangs_and_then_answers() -> None:
    async with linked(ClickHouseLink) as (link, echo):
        assert isinstance(link, ClickHouseLink)
        await link.set_mood(Mood(hangs=True))
        client = await Client.to(link)
        with pytest.raises(TimeoutError):
            await client.ask(INSERT, NOT_YET_S)
        assert echo.got == []
        await link.set_mood(Mood())
        assert (await client.hear()).endswith(b"ok")


async def test_chunked_requests_pass_whole() -> None:
    chunked = b"POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n2\r\nde\r\n0\r\n\r\n"
    async with linked(ClickHouseLink) as (link, echo):
        assert (await (await Client.to(link)).ask(chunked)).endswith(b"ok")
        assert b"".join(echo.got) == chunked
