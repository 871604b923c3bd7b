"""What a request is answered: status, body, and the fields beside them, as ASGI sends them."""

from collections.abc import Awaitable
from http import HTTPStatus
from typing import NamedTuple

from streams.gateway.answers import MEDIA_TYPE
from streams.gateway.insight import GatewayInsight
from streams.gateway.problems import MEDIA_TYPE as PROBLEM_TYPE
from streams.gateway.problems import Problem
from streams.logs import get_logger

log = get_logger(__name__)

Fields = tuple[tuple[bytes, bytes], ...]

_INTERNAL = Problem(
    HTTPStatus.INTERNAL_SERVER_ERROR, "internal", "something is wrong here; nothing is known to be written"
)
_UNKEPT: Fields = ((b"cache-control", b"no-store"),)
_CHALLENGE = (b"www-authenticate", b'Bearer realm="gridwatch"')


class Reply(NamedTuple):
    """An answer; `fields` are those beside the length and type of the body."""

    status: HTTPStatus
    body: bytes
    media_type: bytes = MEDIA_TYPE.encode()
    fields: Fields = _UNKEPT

    def headers(self) -> list[tuple[bytes, bytes]]:
        """Return all fields of the head."""
        return [*self.fields, (b"content-length", b"%d" % len(self.body)), (b"content-type", self.media_type)]


def reply_to(error: BaseException) -> Reply:
    """Return what whoever asked is told of a problem, or of what is wrong here; that is logged by its place."""
    if not isinstance(error, Problem):
        # The text of an error may repeat what was sent; its place never does.
        log.error("a request failed", error=type(error).__name__, place=place_of(error))
        error = _INTERNAL
    fields = _UNKEPT
    if error.retry_after_s is not None:
        fields += ((b"retry-after", b"%d" % error.retry_after_s),)
    if error.status is HTTPStatus.UNAUTHORIZED:
        fields += (_CHALLENGE,)
    return Reply(error.status, error.body(), PROBLEM_TYPE.encode(), fields)


async def answered(insight: GatewayInsight, work: Awaitable[Reply]) -> Reply:
    """Return an answer whatever happens, and count it."""
    insight.under_way += 1
    try:
        reply = await work
    except Exception as error:
        reply = reply_to(error)
    finally:
        insight.under_way -= 1
    insight.requests[reply.status] += 1
    return reply


def place_of(error: BaseException | None) -> str:
    """Return file and line where an error was raised."""
    trace = None if error is None else error.__traceback__
    while trace is not None and trace.tb_next is not None:
        trace = trace.tb_next
    return "" if trace is None else f"{trace.tb_frame.f_code.co_filename}:{trace.tb_lineno}"
