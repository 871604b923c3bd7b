"""HTTP/1.1 with bounds on what a connection may cost: uvicorn has none of its own.

connected ---- first byte ---- head complete ---- body complete ---- answer ---- keep-alive ---- first byte ...
    `------ arrival_seconds ------'                                     `-- departure: so long to take it --'
            `------- arrival_seconds from the first byte -------'

While nobody is answered one of the limits is always running: what a client sends between two requests begins nothing, and
ends no limit either. What a client sends ahead of its answers is held, so there may be little of it.

Records that come whole, in one piece with their head, go to the gateway without a task; any other request is uvicorn's.
"""

import asyncio
from collections import deque
from http import HTTPStatus
from typing import Any, NoReturn, cast

from uvicorn.protocols.http.httptools_impl import STATUS_LINE, HttpToolsProtocol, RequestResponseCycle

from streams.gateway.app import EVENTS_PATH, App
from streams.gateway.bodies import LARGEST_DEVICE_BODY_BYTES
from streams.gateway.heads import read_head
from streams.gateway.problems import MEDIA_TYPE, Problem, bad_request
from streams.gateway.whole import WholeRequest, may_be_whole

LARGEST_HEAD_BYTES = 32 * 1024
MOST_HEADERS = 100
# What nobody reads, since it is answered already, is let pass for a while: a client that sends does not listen.
LARGEST_PASSED_BYTES = 4 * LARGEST_DEVICE_BODY_BYTES
# What is around the chunks of a body, and the fields behind it, which the parser holds: so much and an eighth of the body.
LARGEST_AROUND_BYTES = 64 * 1024
# Requests behind one that is not answered yet. Each is kilobytes, and of a few bytes on the wire.
MOST_AHEAD = 16

_EVENTS_TARGET = EVENTS_PATH.encode()
_NO_REQUEST = bad_request("not_http", "expected a request of HTTP/1.1")
# The parser takes a body for what comes behind an upgrade, and then for another request.
_NO_UPGRADE = bad_request("upgrade", "expected HTTP/1.1 without an upgrade of the connection")
_LARGE_HEAD = Problem(
    HTTPStatus.REQUEST_HEADER_FIELDS_TOO_LARGE,
    "large_head",
    f"expected a head of at most {LARGEST_HEAD_BYTES:,} bytes and {MOST_HEADERS} fields",
)
_CROWDED = Problem(HTTPStatus.SERVICE_UNAVAILABLE, "crowded", "come again: there are too many connections", 5)


class _WrongHeadError(Exception):
    """For the parser, which goes no further."""


class BoundedProtocol(HttpToolsProtocol):
    """Ends connections whose request does not come whole, or whose answer is not taken, in `arrival_seconds`.

    With more than `connections_max` requests are told to come again; with a tenth more nobody is let in.
    """

    def __init__(self, *arguments: Any, arrival_seconds: float, connections_max: int, **named: Any) -> None:
        super().__init__(*arguments, **named)
        self._arrival_s, self._connections_max = arrival_seconds, connections_max
        self._limits: dict[str, asyncio.TimerHandle] = {}
        self._served = self.app
        self._gateway = self.app.gateway if isinstance(self.app, App) else None
        self._received_bytes = self._parsed_bytes = self._body_bytes = 0
        self._is_in_head = True
        self._wrong = _NO_REQUEST
        self._unanswered: deque[RequestResponseCycle | WholeRequest] = deque()
        self._whole: WholeRequest | None = None

    # -- the connection

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Begin to wait for a request."""
        super().connection_made(transport)
        if len(self.connections) > self._connections_max + max(1, self._connections_max // 10):
            transport.abort()
        else:
            self._limit("arrival")

    def connection_lost(self, exc: Exception | None) -> None:
        """Wait for nothing any more."""
        for name in list(self._limits):
            self._lift(name)
        self._unset_keepalive_if_required()
        self.pipeline.clear()
        for cycle in self._unanswered:  # uvicorn tells the last one alone
            cycle.disconnected = True
            cycle.message_event.set()
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        """Take what came, unless it makes a request that is too large."""
        self._received_bytes += len(data)
        super().data_received(data)
        whole, self._whole = self._whole, None
        if self.transport.is_closing():
            return
        if self._is_in_head and self._received_bytes > LARGEST_HEAD_BYTES:
            self._refuse(_LARGE_HEAD)
        elif self._body_bytes > LARGEST_PASSED_BYTES or self._received_bytes > self._most_around():
            self.transport.abort()
        elif "arrival" not in self._limits and (self.cycle is None or self.cycle.response_complete):
            self._limit("arrival")
        if whole is not None and not self.transport.is_closing():
            self._take(whole)

    def pause_writing(self) -> None:
        """Wait no longer than that for a client to take its answers."""
        super().pause_writing()
        self._limit("departure")

    def resume_writing(self) -> None:
        """Go on."""
        super().resume_writing()
        self._lift("departure")

    # -- a request

    def on_message_begin(self) -> None:
        """Begin a request."""
        super().on_message_begin()
        self._is_in_head = True
        self._received_bytes = self._parsed_bytes = self._body_bytes = 0
        self._limit("arrival")

    def on_url(self, url: bytes) -> None:
        """Take a part of the target."""
        super().on_url(url)
        self._count(len(url))

    def on_header(self, name: bytes, value: bytes) -> None:
        """Take a field of the head; those behind a body in chunks say nothing."""
        self._count(len(name) + len(value))
        if self._is_in_head:
            super().on_header(name, value)
            if len(self.headers) > MOST_HEADERS:
                self._end_parsing(_LARGE_HEAD)

    def on_headers_complete(self) -> None:
        """End the head, and begin with the request or let it wait."""
        self._is_in_head, self._received_bytes = False, 0
        if self.parser.should_upgrade():
            self._end_parsing(_NO_UPGRADE)
        self.app = _crowded if len(self.connections) > self._connections_max else self._served
        if (whole := self._find_whole()) is None:
            super().on_headers_complete()
        else:
            self._whole = whole
            self.cycle = cast(RequestResponseCycle, whole)
        self._unanswered.append(self.cycle)
        if len(self.pipeline) > MOST_AHEAD:
            self.transport.abort()
            self._end_parsing(_NO_REQUEST)

    def on_body(self, body: bytes) -> None:
        """Take a part of the body."""
        self._body_bytes += len(body)
        self._received_bytes -= len(body)
        super().on_body(body)

    def on_message_complete(self) -> None:
        """End the request."""
        self._lift("arrival")
        self._is_in_head, self._received_bytes = True, 0
        super().on_message_complete()

    def on_response_complete(self) -> None:
        """Go on with the next request, or see that the connection ends."""
        self._unanswered.popleft()
        super().on_response_complete()
        if self.transport.is_closing():
            self._limit("departure")

    def timeout_keep_alive_handler(self) -> None:
        """End a connection on which nothing has come for long."""
        super().timeout_keep_alive_handler()
        self._limit("departure")

    # -- records that come whole

    def _find_whole(self) -> WholeRequest | None:
        """Return a request that may have its body right behind its head, None for any other."""
        if self.url != _EVENTS_TARGET or self._gateway is None or self.app is _crowded:
            return None
        is_behind = self.cycle is not None and not self.cycle.response_complete
        if is_behind or self.flow.write_paused:  # it has to wait, which takes a task
            return None
        parser = self.parser
        if parser.get_method() != b"POST" or parser.get_http_version() != "1.1":
            return None
        head = read_head(self.headers)
        if not may_be_whole(head):
            return None
        headers, keep_alive = self.server_state.default_headers, parser.should_keep_alive()
        return WholeRequest(head, self.transport, headers, self.on_response_complete, keep_alive=keep_alive)

    def _take(self, whole: WholeRequest) -> None:
        """Take what has come whole, when the parser is done: an answer at once would come in the midst of its calls."""
        if not whole.more_body and self._gateway is not None:
            self._gateway.take_whole(whole.head, bytes(whole.body), whole.answer)
            return
        # The rest is still to come. Whoever sends it is looked at before, and waits in a task as every other request.
        self._unanswered.clear()
        self.cycle = None  # type: ignore[assignment]  # as uvicorn has it before the first request
        super().on_headers_complete()
        self._unanswered.append(self.cycle)
        if whole.body:
            super().on_body(bytes(whole.body))

    # -- what is no request

    def send_400_response(self, msg: str) -> None:  # noqa: ARG002  its text is uvicorn's
        """Answer what is no request."""
        self._refuse(self._wrong)

    def _refuse(self, problem: Problem) -> None:
        """Answer and end; behind requests that have no answer yet nothing is said out of its turn."""
        cycle = self.cycle
        if self.transport.is_closing():
            return
        if cycle is not None and not cycle.response_complete and (self.pipeline or cycle.response_started):
            self.transport.abort()
        elif cycle is not None and not cycle.response_complete and not cycle.more_body:
            cycle.keep_alive = False
            self.flow.pause_reading()
        else:
            self.transport.write(_written(problem))
            self.transport.close()
            self._limit("departure")

    def _count(self, parsed_bytes: int) -> None:
        self._parsed_bytes += parsed_bytes
        if self._parsed_bytes > LARGEST_HEAD_BYTES:
            self._end_parsing(_LARGE_HEAD)

    def _most_around(self) -> int:
        return LARGEST_AROUND_BYTES + self._body_bytes // 8

    def _end_parsing(self, problem: Problem) -> NoReturn:
        self._wrong = problem
        raise _WrongHeadError

    # -- limits

    def _limit(self, name: str) -> None:
        self._lift(name)
        self._limits[name] = self.loop.call_later(self._arrival_s, self.transport.abort)

    def _lift(self, name: str) -> None:
        if (limit := self._limits.pop(name, None)) is not None:
            limit.cancel()


def _written(problem: Problem) -> bytes:
    body = problem.body()
    head = f"content-type: {MEDIA_TYPE}\r\ncontent-length: {len(body)}\r\nconnection: close\r\n\r\n"
    return STATUS_LINE[problem.status] + head.encode() + body


async def _crowded(_scope: Any, _receive: Any, send: Any) -> None:
    body = _CROWDED.body()
    headers = [
        (b"content-type", MEDIA_TYPE.encode()),
        (b"content-length", str(len(body)).encode()),
        (b"retry-after", str(_CROWDED.retry_after_s).encode()),
        (b"connection", b"close"),
    ]
    await send({"type": "http.response.start", "status": int(_CROWDED.status), "headers": headers})
    await send({"type": "http.response.body", "body": body, "more_body": False})
