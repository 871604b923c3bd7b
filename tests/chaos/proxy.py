"""Links as a process of their own, told over a Unix socket how to behave; and the way to tell them.

usage: python -m tests.chaos.proxy SOCKET KIND PORT:TARGET ...     (KIND: `tcp` or `clickhouse`)
"""

from __future__ import annotations

import asyncio
import json
import sys
import tempfile
from collections.abc import Iterable, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

from tests.chaos.clickhouse_link import ClickHouseLink, Mood
from tests.chaos.links import Link, Weather
from tests.support.processes import REPOSITORY

_KINDS: dict[str, type[Link]] = {"tcp": Link, "clickhouse": ClickHouseLink}


async def serve(socket: str, kind: str, places: Iterable[str]) -> None:
    """Run links until killed; `ready` on standard output says that they listen."""
    links = [_KINDS[kind](*(int(port) for port in place.split(":"))) for place in places]
    for link in links:
        await link.start()

    async def obey(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while line := await reader.readline():
            writer.write(json.dumps(await _obey(links, json.loads(line))).encode() + b"\n")
            await writer.drain()
        writer.close()

    await asyncio.start_unix_server(obey, socket)
    print("ready", flush=True)
    await asyncio.Event().wait()


async def _obey(links: Sequence[Link], order: dict[str, Any]) -> dict[str, int]:
    for number in order["links"]:
        link = links[number]
        ends_connections = order["ends_connections"]
        if order.get("forgets"):
            link.forget_connections()
        if "weather" in order:
            weather = Weather(**order["weather"] | {"held": tuple(order["weather"]["held"])})
            await link.set_weather(weather, ends_connections=ends_connections)
        if "mood" in order and isinstance(link, ClickHouseLink):
            await link.set_mood(Mood(**order["mood"]), ends_connections=ends_connections)
    return {
        "connections": sum(link.connections_made for link in links),
        "inserts_spoilt": sum(link.inserts_spoilt for link in links if isinstance(link, ClickHouseLink)),
    }


class Proxy:
    """A process of links."""

    def __init__(self, kind: str, places: Sequence[tuple[int, int]]) -> None:
        """Carry from the first to the second port of each place."""
        self.kind, self.places = kind, places
        # Where paths are short: that of a socket has 107 characters at most.
        self._socket = Path(tempfile.gettempdir()) / f"gridwatch-links-{places[0][0]}.sock"
        self._process: asyncio.subprocess.Process | None = None

    async def start(self) -> None:
        """Start the process and wait until its links listen."""
        self._socket.unlink(missing_ok=True)
        places = [f"{port}:{target}" for port, target in self.places]
        command = [sys.executable, "-m", "tests.chaos.proxy", str(self._socket), self.kind, *places]
        self._process = await asyncio.create_subprocess_exec(*command, cwd=REPOSITORY, stdout=asyncio.subprocess.PIPE)
        assert self._process.stdout is not None
        said = await self._process.stdout.readline()
        assert said == b"ready\n", f"the links did not start: {said!r}"

    async def stop(self) -> None:
        """End it."""
        if self._process is not None and self._process.returncode is None:
            self._process.kill()
            await self._process.wait()

    async def weather(
        self, weather: Weather, links: Iterable[int] | None = None, *, ends_connections: bool = False
    ) -> None:
        """Give some links, or all, a weather."""
        await self._order(links, ends_connections, weather=asdict(weather))

    async def mood(self, mood: Mood, *, ends_connections: bool = False) -> None:
        """Give all links to ClickHouse a mood."""
        await self._order(None, ends_connections, mood=asdict(mood))

    async def forget_connections(self, links: Iterable[int]) -> None:
        """Let the connections of some links carry nothing ever again, without an end."""
        await self._order(links, False, forgets=True)

    async def counts(self) -> dict[str, int]:
        """Return how many connections were made and how many inserts were spoilt since the start."""
        return await self._order((), False)

    async def _order(self, links: Iterable[int] | None, ends_connections: bool, **what: Any) -> dict[str, int]:
        chosen = list(range(len(self.places)) if links is None else links)
        order = {"links": chosen, "ends_connections": ends_connections, **what}
        reader, writer = await asyncio.open_unix_connection(str(self._socket))
        try:
            writer.write(json.dumps(order).encode() + b"\n")
            await writer.drain()
            counts: dict[str, int] = json.loads(await reader.readline())
        finally:
            writer.close()
            await writer.wait_closed()
        return counts


if __name__ == "__main__":
    asyncio.run(serve(sys.argv[1], sys.argv[2], sys.argv[3:]))
