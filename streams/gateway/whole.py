"""A request whose body came with its head, as most do: it is taken by calls alone, and answered by the write that ends.

A task, an ASGI cycle and its messages cost as much as the record that a request brings; here none of them is needed, since
there is nothing to wait for but the brokers.
"""

from collections.abc import Callable, Sequence
from typing import Protocol

from uvicorn.protocols.http.httptools_impl import STATUS_LINE

from streams.gateway.heads import Head
from streams.gateway.replies import Reply

# A larger one takes longer to judge than what is spared here, and seldom comes in one piece.
LARGEST_WHOLE_BYTES = 64 * 1024


class _Transport(Protocol):
    def write(self, data: bytes) -> None: ...
    def close(self) -> None: ...


class _NobodyWaits:
    """In the place of the event by which uvicorn wakes the task of a request."""

    def set(self) -> None:
        """Wake nobody."""


_NOBODY_WAITS = _NobodyWaits()


class WholeRequest:
    """Stands in a connection where uvicorn has its RequestResponseCycle, with as much of it as the connection looks at.

    So requests behind it wait for its answer, limits and the server's end see it under way, and whoever hangs up is told
    nothing.
    """

    def __init__(
        self,
        head: Head,
        transport: _Transport,
        default_headers: Sequence[tuple[bytes, bytes]],
        on_response: Callable[[], None],
        *,
        keep_alive: bool,
    ) -> None:
        self.head, self.keep_alive = head, keep_alive
        self._transport, self._default_headers, self._on_response = transport, default_headers, on_response
        self.body, self.more_body = bytearray(), True
        self.response_started = self.response_complete = self.disconnected = False
        self.message_event = _NOBODY_WAITS

    def answer(self, reply: Reply) -> None:
        """Write the answer, and let the connection go on or end."""
        if self.disconnected:
            return
        try:
            self._write(reply)
        except Exception:
            self._transport.close()  # no limit runs while a request is under way
            raise
        self._on_response()

    def _write(self, reply: Reply) -> None:
        parts = [STATUS_LINE[reply.status]]
        for name, value in (*self._default_headers, *reply.headers()):
            parts += (name, b": ", value, b"\r\n")
        parts += (b"\r\n" if self.keep_alive else b"connection: close\r\n\r\n", reply.body)
        self._transport.write(b"".join(parts))
        self.response_started = self.response_complete = True
        if not self.keep_alive:
            self._transport.close()


def may_be_whole(head: Head) -> bool:
    """Tell whether a body is announced, and so small that it may have come with its head; one in chunks is not."""
    length = head.content_length
    return length.isdecimal() and int(length) <= LARGEST_WHOLE_BYTES
