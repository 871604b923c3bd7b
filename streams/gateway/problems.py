"""What is wrong with a whole request, as RFC 9457 has it; nothing of such a request is accepted."""

import json
from dataclasses import dataclass
from http import HTTPStatus

MEDIA_TYPE = "application/problem+json"
TYPE_PREFIX = "tag:gridwatch,2026:problem/"


@dataclass(frozen=True, slots=True)
class Problem(Exception):
    """A problem with a request: `code` for programs, `detail` for people, neither quotes the request.

    `retry_after_s` is when to come again, None where that would bring the same answer.
    """

    status: HTTPStatus
    code: str
    detail: str
    retry_after_s: int | None = None

    def body(self) -> bytes:
        """Return the problem as JSON."""
        document = {
            "type": f"{TYPE_PREFIX}{self.code}",
            "title": self.status.phrase,
            "status": int(self.status),
            "code": self.code,
            "detail": self.detail,
        }
        return json.dumps(document).encode()


def bad_request(code: str, detail: str) -> Problem:
    """Return a problem with what was sent."""
    return Problem(HTTPStatus.BAD_REQUEST, code, detail)
