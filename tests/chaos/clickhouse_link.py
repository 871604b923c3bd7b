"""The link before ClickHouse: it understands requests, so it can answer in the server's place, or swallow the answer."""

from __future__ import annotations

import asyncio
import re
from dataclasses import dataclass
from urllib.parse import parse_qs, urlsplit

from tests.chaos.links import Link, reset

_LENGTH = re.compile(rb"(?i)\r\ncontent-length: *(\d+)")
_CHUNKED = re.compile(rb"(?i)\r\ntransfer-encoding: *chunked")

# What stands behind each is what ClickHouse's server says: status, its own code or None, text.
ANSWERS: dict[str, tuple[int, int | None, str]] = {
    "error": (500, None, "Internal Server Error"),
    "bad_gateway": (502, None, "Bad Gateway"),
    "no_space": (500, 243, "Code: 243. DB::Exception: Cannot reserve 1.00 MiB, not enough space. (NOT_ENOUGH_SPACE)"),
    "too_many_parts": (500, 252, "Code: 252. DB::Exception: Too many parts. (TOO_MANY_PARTS)"),
}


@dataclass(frozen=True, slots=True)
class Mood:
    """How ClickHouse seems to behave to whoever asks through the link.

    `answer` is a name of `ANSWERS` that every insert gets instead of being made (every request with `to_all`). With
    `loses_answer` the insert is made and its connection reset. `hangs` lets no request through; `slow_s` holds each back.
    """

    answer: str = ""
    to_all: bool = False
    loses_answer: bool = False
    hangs: bool = False
    slow_s: float = 0.0


class ClickHouseLink(Link):
    """One request after the other, each looked at; `weather` holds too."""

    def __init__(self, port: int, target: int) -> None:
        super().__init__(port, target)
        self.mood = Mood()
        self.inserts_spoilt = 0

    async def set_mood(self, mood: Mood, *, ends_connections: bool = False) -> None:
        """Change the mood; what hung before goes on, or is reset with `ends_connections`."""
        self.mood = mood
        await self.set_weather(self.weather, ends_connections=ends_connections)

    async def carry(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Take requests one by one, to a connection of their own."""
        server_reader, server_writer = await asyncio.open_connection("127.0.0.1", self.target)
        self._open.add(server_writer)
        try:
            while (request := await _message(reader)) is not None:
                await self.passage("up", len(request))
                await self._until(lambda: not self.mood.hangs)
                if not await self._answer(request, server_reader, server_writer, writer):
                    return
        finally:
            self._open.discard(server_writer)
            server_writer.close()

    async def _answer(
        self,
        request: bytes,
        server_reader: asyncio.StreamReader,
        server_writer: asyncio.StreamWriter,
        writer: asyncio.StreamWriter,
    ) -> bool:
        """Answer a request; False when its connection is to be reset."""
        mood = self.mood
        is_insert = _is_insert(request)
        if mood.slow_s:
            await asyncio.sleep(mood.slow_s)
        if mood.answer and (is_insert or mood.to_all):
            self.inserts_spoilt += is_insert
            writer.write(_refusal(*ANSWERS[mood.answer]))
            await writer.drain()
            return True
        server_writer.write(request)
        await server_writer.drain()
        answer = await _message(server_reader)
        if answer is None or (mood.loses_answer and is_insert):
            self.inserts_spoilt += is_insert and answer is not None
            reset(writer)
            return False
        await self.passage("down", len(answer))
        writer.write(answer)
        await writer.drain()
        return True


async def _message(reader: asyncio.StreamReader) -> bytes | None:
    """Return one whole HTTP message, or None when the other side has ended."""
    try:
        head = await reader.readuntil(b"\r\n\r\n")
        if _CHUNKED.search(head):
            return head + await _chunks(reader)
        length = _LENGTH.search(head)
        return head + (await reader.readexactly(int(length[1])) if length else b"")
    except asyncio.IncompleteReadError:
        return None


async def _chunks(reader: asyncio.StreamReader) -> bytes:
    parts = []
    while True:
        line = await reader.readuntil(b"\r\n")
        size = int(line.split(b";")[0], 16)
        parts += [line, await reader.readexactly(size + 2)]
        if size == 0:
            return b"".join(parts)


def _is_insert(request: bytes) -> bool:
    head, _, body = request.partition(b"\r\n\r\n")
    target = head.split(b" ", 2)[1].decode()
    query = parse_qs(urlsplit(target).query).get("query", [""])[0]
    return (query or body[:200].decode("utf-8", "replace")).lstrip().upper().startswith("INSERT")


def _refusal(status: int, code: int | None, text: str) -> bytes:
    lines = [f"HTTP/1.1 {status} Refused", f"Content-Length: {len(text)}"]
    if code is not None:
        lines.append(f"X-ClickHouse-Exception-Code: {code}")
    return "\r\n".join([*lines, "", text]).encode()
