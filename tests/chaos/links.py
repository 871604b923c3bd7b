"""A link: what listens on one port and carries bytes to another, as well or badly as it is told."""

from __future__ import annotations

import asyncio
import struct
from collections.abc import Callable
from contextlib import suppress
from contextvars import ContextVar
from dataclasses import dataclass
from socket import SO_LINGER, SOL_SOCKET

CHUNK_BYTES = 64 * 1024
DIRECTIONS = ("up", "down")  # up: from the client to the server
_born: ContextVar[int] = ContextVar("born")  # of a connection: how often its link had forgotten before


@dataclass(frozen=True, slots=True)
class Weather:
    """How a link behaves: nothing said is well.

    `cut` ends every connection and takes none. `held` names directions (`up`, `down`) in which nothing gets on while
    connections stay open. Every chunk waits `delay_s`, and what passes is kept to `bytes_per_s` where that is not 0.
    """

    cut: bool = False
    held: tuple[str, ...] = ()
    delay_s: float = 0.0
    bytes_per_s: int = 0


class Link:
    """One port before another; subclasses may look at what is carried."""

    def __init__(self, port: int, target: int) -> None:
        """Carry from `port` to `target`, both on 127.0.0.1, once `start` was called."""
        self.port, self.target = port, target
        self.weather = Weather()
        self.connections_made = 0
        self._forgotten = 0
        self._changed = asyncio.Condition()
        self._open: set[asyncio.StreamWriter] = set()
        self._serving: set[asyncio.Task[None]] = set()
        self._server: asyncio.Server | None = None

    async def start(self) -> None:
        """Listen."""
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", self.port)

    async def stop(self) -> None:
        """Listen no more and reset what stands."""
        if self._server is not None:
            self._server.close()
        await self.set_weather(Weather(cut=True))
        await asyncio.gather(*self._serving, return_exceptions=True)

    async def set_weather(self, weather: Weather, *, ends_connections: bool = False) -> None:
        """Change how the link behaves; with `ends_connections` those that stand are reset, whatever they still held."""
        self.weather = weather
        if weather.cut or ends_connections:
            self.end_connections()
        async with self._changed:
            self._changed.notify_all()

    def end_connections(self) -> None:
        """Reset every connection that stands."""
        for writer in list(self._open):
            reset(writer)
        for task in self._serving:
            task.cancel()

    def forget_connections(self) -> None:
        """Let those that stand carry nothing ever again, and not end them: as a firewall that has lost its table."""
        self._forgotten += 1

    def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connections_made += 1
        self._open.add(writer)
        task = asyncio.create_task(self._serve_one(reader, writer))
        self._serving.add(task)

        def over(_: asyncio.Task[None]) -> None:  # also of one that was cancelled before it began
            self._serving.discard(task)
            self._open.discard(writer)
            writer.close()

        task.add_done_callback(over)

    async def _serve_one(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        _born.set(self._forgotten)
        try:
            if self.weather.cut:
                reset(writer)
            else:
                await self.carry(reader, writer)
        except OSError:
            reset(writer)  # one of the two is gone, and so is the connection

    async def carry(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Carry both ways until both have ended or one breaks."""
        server_reader, server_writer = await asyncio.open_connection("127.0.0.1", self.target)
        self._open.add(server_writer)
        try:
            async with asyncio.TaskGroup() as both:
                both.create_task(self._pump("up", reader, server_writer))
                both.create_task(self._pump("down", server_reader, writer))
        except* OSError:
            reset(writer)
        finally:
            self._open.discard(server_writer)
            server_writer.close()

    async def _pump(self, direction: str, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while data := await reader.read(CHUNK_BYTES):
            await self.passage(direction, len(data))
            writer.write(data)
            await writer.drain()
        await self.passage(direction, 0)
        with suppress(OSError):
            writer.write_eof()

    async def passage(self, direction: str, size_bytes: int) -> None:
        """Wait until so many bytes may pass in a direction."""
        born = _born.get()

        def is_free() -> bool:
            return born == self._forgotten and direction not in self.weather.held

        await self._until(is_free)
        weather = self.weather
        seconds = weather.delay_s + (size_bytes / weather.bytes_per_s if weather.bytes_per_s else 0.0)
        if seconds:
            await asyncio.sleep(seconds)
            await self._until(is_free)

    async def _until(self, is_true: Callable[[], bool]) -> None:
        if is_true():
            return
        async with self._changed:
            await self._changed.wait_for(is_true)


def reset(writer: asyncio.StreamWriter) -> None:
    """End a connection so that the other side hears of a reset, not of an end."""
    socket = writer.get_extra_info("socket")
    if socket is not None and socket.fileno() >= 0:
        socket.setsockopt(SOL_SOCKET, SO_LINGER, struct.pack("ii", 1, 0))
    writer.transport.abort()
