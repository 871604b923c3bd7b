"""Asks an ASGI application without a server: one request, in one piece or several, and its whole answer."""

import asyncio
import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, slots=True)
class Reply:
    """What came back."""

    status: int
    headers: Mapping[str, str]
    body: bytes

    def json(self) -> Any:
        return json.loads(self.body)


async def ask(
    app: Any,
    method: str,
    path: str,
    body: bytes | Iterable[bytes] = b"",
    headers: Mapping[str, str] | None = None,
    *,
    hangs_up: bool = False,
) -> Reply:
    """Send a request; with `hangs_up` the connection ends before the last piece of the body."""
    pieces = [body] if isinstance(body, bytes) else list(body)
    scope = {
        "type": "http",
        "asgi": {"version": "3.0"},
        "http_version": "1.1",
        "method": method,
        "scheme": "http",
        "path": path.partition("?")[0],
        "raw_path": path.encode(),
        "query_string": path.partition("?")[2].encode(),
        "root_path": "",
        "headers": [(name.lower().encode(), value.encode("latin-1")) for name, value in (headers or {}).items()],
        "client": ("127.0.0.1", 1),
        "server": ("127.0.0.1", 8300),
        "state": {},
    }
    messages: list[dict[str, Any]] = [
        {"type": "http.request", "body": piece, "more_body": hangs_up or index < len(pieces) - 1}
        for index, piece in enumerate(pieces)
    ]
    messages.append({"type": "http.disconnect"})
    sent: list[Any] = []

    async def receive() -> dict[str, Any]:
        if len(messages) > 1 or hangs_up:
            return messages.pop(0) if messages else {"type": "http.disconnect"}
        await asyncio.Event().wait()  # whoever waits for an answer stays connected
        raise AssertionError

    async def send(message: Any) -> None:
        sent.append(message)

    await app(scope, receive, send)
    start = next(message for message in sent if message["type"] == "http.response.start")
    content = b"".join(message.get("body", b"") for message in sent if message["type"] == "http.response.body")
    return Reply(
        start["status"], {name.decode().lower(): value.decode("latin-1") for name, value in start["headers"]}, content
    )
