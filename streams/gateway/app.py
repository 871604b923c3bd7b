"""The HTTP side: routes and errors. Starlette alone: a request has no fields to be bound to models.

POST /v1/events --- `Events`
anything else ----- Starlette --- the other routes, and what is none

What a request says is never logged; what goes wrong is told by its code.
"""

import json
from collections.abc import Mapping
from functools import partial
from http import HTTPStatus
from typing import Any

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from streams.gateway.answers import MEDIA_TYPE
from streams.gateway.heads import Head, read_head
from streams.gateway.keys import read_key
from streams.gateway.problems import Problem
from streams.gateway.replies import Reply, answered, reply_to
from streams.gateway.taking import Gateway

EVENTS_PATH = "/v1/events"
_HEADERS = {"Cache-Control": "no-store"}


class Events:
    """The route of nearly every request, an ASGI application of its own: what Starlette does around one costs as much."""

    def __init__(self, gateway: Gateway) -> None:
        self._gateway = gateway

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        """Take records of a source."""
        gateway, head = self._gateway, read_head(scope["headers"])
        reply = await answered(gateway.insight, gateway.take(head, head.presented(), receive))
        await send({"type": "http.response.start", "status": int(reply.status), "headers": reply.headers()})
        await send({"type": "http.response.body", "body": reply.body, "more_body": False})


class App:
    """The ASGI application."""

    def __init__(self, gateway: Gateway, events: Events, others: Starlette) -> None:
        self.gateway, self._events, self._others = gateway, events, others

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        """Answer a request, or begin and end with the server."""
        brings_records = scope["type"] == "http" and scope["path"] == EVENTS_PATH and scope["method"] == "POST"
        await (self._events if brings_records else self._others)(scope, receive, send)


class Routes:
    """The routes that Starlette finds."""

    def __init__(self, gateway: Gateway) -> None:
        self._gateway = gateway

    async def push(self, request: Request) -> Response:
        """Take what a device sends that cannot set headers: its key is a part of the path."""
        gateway, presented = self._gateway, read_key(request.path_params["key"])
        taking = gateway.take(_head_of(request), presented, request.receive)
        return _response(await answered(gateway.insight, taking))

    async def get_source(self, request: Request) -> Response:
        """Tell a source what is known of it."""
        return _response(await answered(self._gateway.insight, self._standing(_head_of(request))))

    async def _standing(self, head: Head) -> Reply:
        admitted = self._gateway.admit(head.presented())
        self._gateway.limit(admitted, 1)
        return Reply(HTTPStatus.OK, self._gateway.standing(admitted))

    async def get_ready(self, _: Request) -> Response:
        """Tell whether records can be taken now."""
        checks = self._gateway.readiness()
        status = HTTPStatus.OK if all(checks.values()) else HTTPStatus.SERVICE_UNAVAILABLE
        return Response(json.dumps(checks).encode(), status, _HEADERS, MEDIA_TYPE)

    async def get_live(self, _: Request) -> Response:
        """Answer."""
        return Response(b'{"live":true}', headers=_HEADERS, media_type=MEDIA_TYPE)


def _head_of(request: Request) -> Head:
    return read_head(request.scope["headers"])


def _response(reply: Reply) -> Response:
    response = Response(reply.body, reply.status)
    response.raw_headers = reply.headers()
    return response


async def _no_such_route(_: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)
    status = HTTPStatus(error.status_code)
    problem = Problem(status, status.name.lower(), "expected a path and method of /v1/openapi.json")
    response = _response(reply_to(problem))
    response.headers.update(error.headers or {})
    return response


async def _send_file(body: bytes, _: Request) -> Response:
    return Response(body, media_type=MEDIA_TYPE)


async def _hello(_: Request) -> Response:
    return Response(b"hello\n", media_type="text/plain")


def make_app(gateway: Gateway, openapi: bytes, **options: Any) -> App:
    """Return the ASGI application; `openapi` is the description that it gives out, `options` are Starlette's."""
    own, events = Routes(gateway), Events(gateway)
    routes = [
        Route(EVENTS_PATH, events, methods=["POST"]),  # found for what comes with another method
        Route("/v1/push/{key}", own.push, methods=["POST", "PUT"]),
        Route("/v1/push/{key}/{rest:path}", own.push, methods=["POST", "PUT"]),
        Route("/v1/sources/me", own.get_source, methods=["GET"]),
        Route("/v1/openapi.json", partial(_send_file, openapi), methods=["GET"]),
        Route("/livez", own.get_live, methods=["GET"]),
        Route("/readyz", own.get_ready, methods=["GET"]),
        Route("/hello", _hello, methods=["GET"]),
    ]
    handlers: Mapping[Any, Any] = {HTTPException: _no_such_route}
    others = Starlette(routes=routes, exception_handlers=handlers, **options)
    others.router.redirect_slashes = False  # to where the Host of the request says, without TLS, and with the key
    return App(gateway, events, others)
