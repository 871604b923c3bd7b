"""The HTTP side: routes, bounds on what is read, and errors. Starlette alone: a request has no fields to be bound to models.

What a request says is never logged; what goes wrong is told by its code.
"""

import asyncio
import time
from collections.abc import Callable
from datetime import UTC, datetime
from http import HTTPStatus

from starlette.applications import Starlette
from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response
from starlette.routing import Route

from streams.gateway.answers import MEDIA_TYPE, answer
from streams.gateway.bodies import LARGEST_BODY_BYTES, read_records
from streams.gateway.door import Door, outputs_of
from streams.gateway.keys import read_authorization
from streams.gateway.limits import Bucket
from streams.gateway.problems import MEDIA_TYPE as PROBLEM_TYPE
from streams.gateway.problems import Problem, bad_request
from streams.gateway.registry import Admitted, Registry
from streams.gateway.writing import Writer, unavailable

_UNAUTHORIZED = Problem(HTTPStatus.UNAUTHORIZED, "unauthorized", "expected a valid key: Authorization: Bearer gw_...")


class Gateway:
    """What the routes share: the registry, the door, the writer, and how much each source has sent."""

    def __init__(
        self,
        registry: Registry,
        door: Door,
        writer: Writer,
        *,
        requests_max: int = 256,
        body_seconds: float = 20.0,
        now: Callable[[], datetime] = lambda: datetime.now(UTC),
        steady_s: Callable[[], float] = time.monotonic,
    ) -> None:
        """Read at most `requests_max` bodies at once, each within `body_seconds`."""
        self.registry, self.door, self.writer = registry, door, writer
        self._now, self._steady_s = now, steady_s
        self._reading, self._requests_max, self._body_seconds = 0, requests_max, body_seconds
        self._buckets: dict[str, Bucket] = {}

    async def post_events(self, request: Request) -> Response:
        """Take records of a source."""
        admitted = self._admit(request)
        if not self.writer.is_connected:
            raise unavailable()
        body = await self._read(request)
        headers = request.headers
        lines = read_records(body, headers.get("content-type", ""), headers.get("content-encoding", ""))
        self._limit(admitted, len(lines))
        judged = self.door.judge(admitted.source, lines, int(self._now().timestamp() * 1000))
        await self.writer.write(outputs_of(judged))
        self.door.acknowledge(judged)
        status, told = answer(judged)
        return Response(told, status, media_type=MEDIA_TYPE)

    def _admit(self, request: Request) -> Admitted:
        presented = read_authorization(request.headers.get("authorization", ""))
        admitted = None if presented is None else self.registry.admit(presented, self._now())
        if admitted is None:
            raise _UNAUTHORIZED
        return admitted

    def _limit(self, admitted: Admitted, records: int) -> None:
        registered, now_s = admitted.registered, self._steady_s()
        bucket = self._buckets.get(registered.source_id)
        if bucket is None:
            bucket = self._buckets[registered.source_id] = Bucket(registered.records_per_s, registered.burst, now_s)
        if wait_s := bucket.take(records, now_s):
            raise Problem(HTTPStatus.TOO_MANY_REQUESTS, "too_many", "expected fewer records of this source", wait_s)

    async def _read(self, request: Request) -> bytes:
        """Read the body, within bounds of size, time and number; raises Problem."""
        length = request.headers.get("content-length", "")
        if length.isdigit() and int(length) > LARGEST_BODY_BYTES:
            raise _too_large()
        if self._reading >= self._requests_max:
            raise Problem(HTTPStatus.TOO_MANY_REQUESTS, "overloaded", "come again: too much is under way", 1)
        self._reading += 1
        try:
            async with asyncio.timeout(self._body_seconds):
                return await _body_of(request)
        except TimeoutError:
            raise Problem(HTTPStatus.REQUEST_TIMEOUT, "slow", f"expected the body within {self._body_seconds:.0f} s") from None
        except ClientDisconnect:
            raise bad_request("truncated", "expected the whole body") from None
        finally:
            self._reading -= 1


async def _body_of(request: Request) -> bytes:
    parts, size = [], 0
    async for part in request.stream():
        size += len(part)
        if size > LARGEST_BODY_BYTES:
            raise _too_large()
        parts.append(part)
    return b"".join(parts)


def _too_large() -> Problem:
    return Problem(HTTPStatus.REQUEST_ENTITY_TOO_LARGE, "too_large", f"expected at most {LARGEST_BODY_BYTES:,} bytes")


async def _tell(_: Request, problem: Exception) -> Response:
    assert isinstance(problem, Problem)
    headers = {} if problem.retry_after_s is None else {"Retry-After": str(problem.retry_after_s)}
    if problem.status is HTTPStatus.UNAUTHORIZED:
        headers["WWW-Authenticate"] = "Bearer"
    return Response(problem.body(), problem.status, headers, PROBLEM_TYPE)


async def _hello(_: Request) -> Response:
    return Response(b"hello\n", media_type="text/plain")


def make_app(gateway: Gateway) -> Starlette:
    """Return the ASGI application."""
    routes = [Route("/v1/events", gateway.post_events, methods=["POST"]), Route("/hello", _hello)]
    return Starlette(routes=routes, exception_handlers={Problem: _tell})
