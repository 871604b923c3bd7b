"""A connection to a gateway without sockets: what comes goes into its protocol, and what it says is kept."""

import asyncio
import re
from collections.abc import Sequence
from functools import partial
from typing import Any

from uvicorn import Config
from uvicorn.server import ServerState

from streams.gateway.protocol import BoundedProtocol
from tests.support.asgi import Reply

_HEAD = re.compile(rb"HTTP/1\.1 ([0-9]{3}) [^\r]*\r\n(.*?)\r\n\r\n", re.DOTALL)


class _Transport:
    def __init__(self, wire: "Wire") -> None:
        self._wire = wire
        self.is_closed = False

    def write(self, data: bytes) -> None:
        self._wire.said += data

    def is_closing(self) -> bool:
        return self.is_closed

    def close(self) -> None:
        self.is_closed = True

    abort = close

    def get_extra_info(self, name: str, default: Any = None) -> Any:  # noqa: ARG002
        return default

    def pause_reading(self) -> None: ...

    def resume_reading(self) -> None: ...


class Wire:
    """One connection."""

    def __init__(self, app: Any, state: ServerState | None = None, connections_max: int = 10) -> None:
        self.said = b""
        config = Config(
            app,
            http=partial(BoundedProtocol, arrival_seconds=30.0, connections_max=connections_max),  # type: ignore[arg-type]
            ws="none",
            lifespan="off",
            interface="asgi3",
            log_config=None,
            access_log=False,
            proxy_headers=False,
            server_header=False,
        )
        config.load()
        self.state = ServerState() if state is None else state
        protocol: Any = config.http_protocol_class
        self.protocol = protocol(config=config, server_state=self.state, app_state={}, _loop=asyncio.get_running_loop())
        self.transport = _Transport(self)
        self.protocol.connection_made(self.transport)

    async def send(self, *pieces: bytes) -> None:
        """Send pieces, and let the gateway do meanwhile and afterwards what it can."""
        for piece in pieces:
            self.protocol.data_received(piece)
            await settle()

    async def hang_up(self) -> None:
        """End the connection."""
        self.transport.is_closed = True
        self.protocol.connection_lost(None)
        await settle()

    def replies(self) -> list[Reply]:
        """Return the answers that have come whole."""
        found, rest = [], self.said.replace(b"HTTP/1.1 100 Continue\r\n\r\n", b"")
        while head := _HEAD.match(rest):
            fields = dict(line.decode().split(": ", 1) for line in head[2].split(b"\r\n"))
            begins = head.end()
            ends = begins + int(fields["content-length"])
            found.append(Reply(int(head[1]), fields, rest[begins:ends]))
            rest = rest[ends:]
        assert rest == b""
        return found


async def settle() -> None:
    """Let everything run that is ready."""
    for _ in range(20):
        await asyncio.sleep(0)


def request(body: bytes, fields: Sequence[str], target: str = "POST /v1/events HTTP/1.1") -> bytes:
    """Return a request that says how long its body is."""
    return "\r\n".join([target, "Host: g", *fields, f"Content-Length: {len(body)}", "", ""]).encode() + body
