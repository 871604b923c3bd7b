"""HTTP/1.1 with bounds on what a connection may cost before there is a request: uvicorn has none of its own.

connected ---------- first byte ------ headers complete ---------- body complete --- answer --- keep-alive
    `------- arrival_seconds for the whole of it, from the beginning -------'           uvicorn's own
"""

import asyncio
from typing import Any

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

LARGEST_HEAD_BYTES = 32 * 1024


class BoundedProtocol(HttpToolsProtocol):
    """Closes connections whose request does not come whole in `arrival_seconds`, or whose head is too large."""

    def __init__(self, *arguments: Any, arrival_seconds: float, **named: Any) -> None:
        super().__init__(*arguments, **named)
        self._arrival_s = arrival_seconds
        self._arrival: asyncio.TimerHandle | None = None
        self._head_bytes = 0
        self._is_in_head = True

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Begin to wait for a request."""
        super().connection_made(transport)
        self._expect_arrival()

    def connection_lost(self, exc: Exception | None) -> None:
        """Wait no more."""
        self._expect_nothing()
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        """Take what came, unless it makes a head that is too large."""
        if self._is_in_head:
            self._head_bytes += len(data)
        super().data_received(data)
        if self._is_in_head and self._head_bytes > LARGEST_HEAD_BYTES and not self.transport.is_closing():
            self.transport.abort()

    def on_message_begin(self) -> None:
        """Begin a request."""
        super().on_message_begin()
        self._is_in_head = True
        self._expect_arrival()

    def on_headers_complete(self) -> None:
        """End the head."""
        self._is_in_head, self._head_bytes = False, 0
        super().on_headers_complete()

    def on_message_complete(self) -> None:
        """End the request."""
        self._expect_nothing()
        self._is_in_head = True
        super().on_message_complete()

    def _expect_arrival(self) -> None:
        self._expect_nothing()
        self._arrival = self.loop.call_later(self._arrival_s, self._give_up)

    def _expect_nothing(self) -> None:
        if self._arrival is not None:
            self._arrival.cancel()
            self._arrival = None

    def _give_up(self) -> None:
        self._arrival = None
        if not self.transport.is_closing():
            self.transport.abort()
