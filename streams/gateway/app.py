"""The HTTP side: routes, bounds on what is read, and errors. Starlette alone: a request has no fields to be bound to models.

What a request says is never logged; what goes wrong is told by its code.
"""

import asyncio
import json
import time
from collections import Counter
from collections.abc import Awaitable, Callable, Mapping, Sequence
from datetime import UTC, datetime
from functools import partial
from http import HTTPStatus
from typing import Any

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response
from starlette.routing import Route

from events.codec import LARGEST_RECORD_BYTES
from streams.broker.outputs import Output
from streams.gateway.adapters.adapting import adapt
from streams.gateway.answers import MEDIA_TYPE, answer
from streams.gateway.bodies import LARGEST_BODY_BYTES, LARGEST_DEVICE_BODY_BYTES, decompress, read_records
from streams.gateway.denials import Denial, Denials
from streams.gateway.door import NOT_ALLOWED, Door, Judged, outputs_of
from streams.gateway.insight import GatewayInsight
from streams.gateway.keys import Presented, read_authorization, read_key
from streams.gateway.limits import Bucket
from streams.gateway.numbers import HighestNumbers
from streams.gateway.problems import MEDIA_TYPE as PROBLEM_TYPE
from streams.gateway.problems import Problem, bad_request
from streams.gateway.registry import Admitted, RegisteredSource, Registry
from streams.gateway.standing import Standings
from streams.gateway.writing import Writer, unavailable
from streams.logs import get_logger

log = get_logger(__name__)

_INTERNAL = Problem(
    HTTPStatus.INTERNAL_SERVER_ERROR, "internal", "something is wrong here; nothing is known to be written"
)
_NATIVE = "native"
_UNAUTHORIZED = "unauthorized"
_HEADERS = {"Cache-Control": "no-store"}
# So many bytes count as a record, which is how large one can be.
_BYTES_A_RECORD = LARGEST_RECORD_BYTES
# Of the bodies that are read at once a source has this part at most.
_SHARES = 8

Handler = Callable[[Request], Awaitable[Response]]
# Returns the records of the audit trail about a denial.
DenialOutput = Callable[[Denial, datetime], Output]


class Gateway:
    """What the routes share: the registry, the door, the writer, and how much each source has sent."""

    def __init__(
        self,
        registry: Registry,
        door: Door,
        writer: Writer,
        standings: Standings,
        denial_output: DenialOutput,
        *,
        bodies_max: int = 256,
        body_seconds: float = 20.0,
        is_ready: Callable[[], bool] = lambda: True,
        now: Callable[[], datetime] = lambda: datetime.now(UTC),
        steady_s: Callable[[], float] = time.monotonic,
    ) -> None:
        """Read at most `bodies_max` bodies at once, each within `body_seconds`."""
        self.registry, self.door, self.writer, self.standings = registry, door, writer, standings
        self.insight, self._numbers, self._denials = GatewayInsight(), HighestNumbers(), Denials()
        self._denial_output = denial_output
        self._now, self._steady_s, self._is_ready = now, steady_s, is_ready
        self._reading: Counter[str] = Counter()
        self._bodies_max, self._body_seconds = bodies_max, body_seconds
        self._bodies_of_one = max(1, bodies_max // _SHARES)
        self._buckets: dict[str, Bucket] = {}

    # -- routes

    async def post_events(self, request: Request) -> Response:
        """Take records of a source."""
        return await self._take(request, _presented(request))

    async def push(self, request: Request) -> Response:
        """Take what a device sends that cannot set headers: its key is a part of the path."""
        return await self._take(request, read_key(request.path_params["key"]))

    async def get_source(self, request: Request) -> Response:
        """Tell a source what is known of it."""
        admitted = self._admit(_presented(request))
        self._limit(admitted, 1)
        return Response(self._standing(admitted), headers=_HEADERS, media_type=MEDIA_TYPE)

    async def get_ready(self, _: Request) -> Response:
        """Tell whether records can be taken now."""
        checks = {"brokers": self.writer.is_connected, "sources": self._is_ready()}
        status = HTTPStatus.OK if all(checks.values()) else HTTPStatus.SERVICE_UNAVAILABLE
        return Response(json.dumps(checks).encode(), status, _HEADERS, MEDIA_TYPE)

    async def get_live(self, _: Request) -> Response:
        """Answer."""
        return Response(b'{"live":true}', headers=_HEADERS, media_type=MEDIA_TYPE)

    # -- taking

    async def _take(self, request: Request, presented: Presented | None) -> Response:
        admitted = self._admit(presented)
        if not self.writer.is_connected:
            raise unavailable()
        self._limit(admitted, 1)
        body = await self._read(request, admitted.registered)
        admitted = self._admit(presented)  # while the body came the key may have been revoked
        judged = self._judge(request, body, admitted)
        outputs = outputs_of(judged)
        outputs += self._denial_outputs(admitted, judged)
        await self.writer.write(outputs)
        self.door.acknowledge(judged)
        self._numbers.note(admitted.source.source_id, judged)
        self.insight.note_records(judged)
        status, told = answer(judged)
        if status is HTTPStatus.UNPROCESSABLE_ENTITY and admitted.registered.adapter != _NATIVE:
            status = HTTPStatus.OK  # devices of other makers send for ever what is not taken
        return Response(told, status, _HEADERS, MEDIA_TYPE)

    def _judge(self, request: Request, packed: bytes, admitted: Admitted) -> list[Judged]:
        """Judge what is in a body; raises Problem."""
        registered, headers = admitted.registered, request.headers
        content_type = headers.get("content-type", "")
        body = decompress(packed, headers.get("content-encoding", ""), _largest_bytes(registered))
        # What is read costs time, whatever is in it.
        paid = max(1, -(-len(body) // _BYTES_A_RECORD))
        self._limit(admitted, paid - 1)
        if registered.adapter == _NATIVE:
            lines = read_records(body, content_type)
            self._limit(admitted, len(lines) - paid)
            return self.door.judge(admitted.source, lines, self._now_ms())
        adapted = adapt(body, content_type, registered.adapter_settings())
        self._limit(admitted, len(adapted) - paid)
        counts_records = registered.sequence_counts
        return self.door.judge_adapted(admitted.source, adapted, self._now_ms(), counts_records=counts_records)

    def _now_ms(self) -> int:
        return int(self._now().timestamp() * 1000)

    def _admit(self, presented: Presented | None) -> Admitted:
        """Return whose key it is; raises Problem, and says in the audit trail which source was tried."""
        admitted = None if presented is None else self.registry.admit(presented, self._now())
        if admitted is not None:
            return admitted
        if presented is None:
            raise _unauthorized()
        if not self._is_ready():  # its key may be among those that are not read yet
            raise unavailable()
        if (key_ids := self.registry.key_ids(presented.source_id)) is not None:
            # Anybody can make up ids of keys; and to wait for the brokers here would tell which sources there are.
            key_id = presented.key_id if presented.key_id in key_ids else None
            self._denials.gather(Denial(presented.source_id, key_id, _UNAUTHORIZED))
        raise _unauthorized()

    def _denial_outputs(self, admitted: Admitted, judged: Sequence[Judged]) -> list[Output]:
        source_id, key_id = admitted.source.source_id, admitted.key.key_id
        found = []
        for each in judged:
            if each.reason == NOT_ALLOWED:
                told = self._denials.note(Denial(source_id, key_id, NOT_ALLOWED, each.path), self._steady_s())
                found += [] if told is None else [self._denial_output(told, self._now())]
        return found

    async def tell_denials(self) -> None:
        """Write the denials that were gathered; to be called every now and then. Raises Problem, and keeps them then."""
        if not self.writer.is_connected:
            return
        due = list(self._denials.due(self._steady_s()))
        try:
            await self.writer.write([self._denial_output(denial, self._now()) for denial in due])
        except Problem:
            for denial in due:
                self._denials.gather(denial)
            raise

    def _limit(self, admitted: Admitted, records: int) -> None:
        if records <= 0:
            return
        registered, now_s = admitted.registered, self._steady_s()
        bucket = self._buckets.get(registered.source_id)
        if bucket is None or not bucket.is_of(registered.records_per_s, registered.burst):
            bucket = self._buckets[registered.source_id] = Bucket(registered.records_per_s, registered.burst, now_s)
        if wait_s := bucket.take(records, now_s):
            raise Problem(HTTPStatus.TOO_MANY_REQUESTS, "too_many", "expected fewer records of this source", wait_s)

    async def _read(self, request: Request, registered: RegisteredSource) -> bytes:
        """Read the body, within bounds of size, time and number; raises Problem."""
        largest_bytes, source_id = _largest_bytes(registered), registered.source_id
        length = request.headers.get("content-length", "")
        if length.isdecimal() and int(length) > largest_bytes:
            raise _too_large(largest_bytes)
        # One source alone, slow or hostile, leaves room for the others.
        if self._reading.total() >= self._bodies_max or self._reading[source_id] >= self._bodies_of_one:
            raise Problem(HTTPStatus.TOO_MANY_REQUESTS, "overloaded", "come again: too much is under way", 1)
        self._reading[source_id] += 1
        try:
            async with asyncio.timeout(self._body_seconds):
                return await _body_of(request, largest_bytes)
        except TimeoutError:
            raise Problem(
                HTTPStatus.REQUEST_TIMEOUT, "slow", f"expected the body within {self._body_seconds:.0f} s"
            ) from None
        except ClientDisconnect:
            raise bad_request("truncated", "expected the whole body") from None
        finally:
            self._reading[source_id] -= 1
            if not self._reading[source_id]:
                del self._reading[source_id]

    def _standing(self, admitted: Admitted) -> bytes:
        registered, key = admitted.registered, admitted.key
        known = self.standings.of(registered.source_id)
        last_sequence = max(known.last_sequence, self._numbers.of(registered.source_id))
        document: dict[str, Any] = {
            "source_id": registered.source_id,
            "last_sequence": last_sequence,
            "holes": [list(hole) for hole in known.holes],
            "missing": known.missing,
            "clock_offset_seconds": known.clock_offset_seconds,
            "heard_until": known.heard_until,
            "interval_seconds": registered.interval_seconds,
            "key": {
                "key_id": key.key_id,
                "expires_at": None if key.expires_at is None else key.expires_at.isoformat().replace("+00:00", "Z"),
            },
        }
        return json.dumps(document, separators=(",", ":")).encode()


def _presented(request: Request) -> Presented | None:
    """Return the key of a request; two of them are none, since what stands before the gateway may have read the other."""
    headers = request.headers.getlist("authorization")
    return read_authorization(headers[0]) if len(headers) == 1 else None


def _largest_bytes(registered: RegisteredSource) -> int:
    return LARGEST_BODY_BYTES if registered.adapter == _NATIVE else LARGEST_DEVICE_BODY_BYTES


async def _body_of(request: Request, largest_bytes: int) -> bytes:
    parts, size = [], 0
    async for part in request.stream():
        size += len(part)
        if size > largest_bytes:
            raise _too_large(largest_bytes)
        parts.append(part)
    return b"".join(parts)


def _too_large(largest_bytes: int) -> Problem:
    return Problem(HTTPStatus.REQUEST_ENTITY_TOO_LARGE, "too_large", f"expected at most {largest_bytes:,} bytes")


def _unauthorized() -> Problem:
    # One for each request: what is raised again keeps the frames of every time, with all that the requests said.
    return Problem(HTTPStatus.UNAUTHORIZED, _UNAUTHORIZED, "expected a valid key: Authorization: Bearer gw_...")


def _told(problem: Problem) -> Response:
    headers = dict(_HEADERS)
    if problem.retry_after_s is not None:
        headers["Retry-After"] = str(problem.retry_after_s)
    if problem.status is HTTPStatus.UNAUTHORIZED:
        headers["WWW-Authenticate"] = 'Bearer realm="gridwatch"'
    return Response(problem.body(), problem.status, headers, PROBLEM_TYPE)


def _answering(insight: GatewayInsight, handler: Handler) -> Handler:
    """Return a handler that answers whatever happens, and counts it."""

    async def handle(request: Request) -> Response:
        insight.under_way += 1
        try:
            response = await handler(request)
        except Problem as problem:
            response = _told(problem)
        except Exception as error:
            # The text of an error may repeat what was sent; its place never does.
            log.error("a request failed", error=type(error).__name__, place=place_of(error))
            response = _told(_INTERNAL)
        finally:
            insight.under_way -= 1
        insight.requests[response.status_code] += 1
        return response

    return handle


def place_of(error: BaseException | None) -> str:
    """Return file and line where an error was raised."""
    trace = None if error is None else error.__traceback__
    while trace is not None and trace.tb_next is not None:
        trace = trace.tb_next
    return "" if trace is None else f"{trace.tb_frame.f_code.co_filename}:{trace.tb_lineno}"


async def _no_such_route(_: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)
    status = HTTPStatus(error.status_code)
    problem = Problem(status, status.name.lower(), "expected a path and method of /v1/openapi.json")
    response = _told(problem)
    response.headers.update(error.headers or {})
    return response


async def _send_file(body: bytes, _: Request) -> Response:
    return Response(body, media_type=MEDIA_TYPE)


async def _hello(_: Request) -> Response:
    return Response(b"hello\n", media_type="text/plain")


def make_app(gateway: Gateway, openapi: bytes, **options: Any) -> Starlette:
    """Return the ASGI application; `openapi` is the description that it gives out, `options` are Starlette's."""
    answering: Callable[[Handler], Handler] = partial(_answering, gateway.insight)
    routes = [
        Route("/v1/events", answering(gateway.post_events), methods=["POST"]),
        Route("/v1/push/{key}", answering(gateway.push), methods=["POST", "PUT"]),
        Route("/v1/push/{key}/{rest:path}", answering(gateway.push), methods=["POST", "PUT"]),
        Route("/v1/sources/me", answering(gateway.get_source), methods=["GET"]),
        Route("/v1/openapi.json", partial(_send_file, openapi), methods=["GET"]),
        Route("/livez", gateway.get_live, methods=["GET"]),
        Route("/readyz", gateway.get_ready, methods=["GET"]),
        Route("/hello", _hello, methods=["GET"]),
    ]
    handlers: Mapping[Any, Any] = {HTTPException: _no_such_route}
    app = Starlette(routes=routes, exception_handlers=handlers, **options)
    app.router.redirect_slashes = False  # to where the Host of the request says, without TLS, and with the key
    return app
