"""What a device is told of its records."""

import json
from collections.abc import Sequence
from functools import lru_cache
from http import HTTPStatus

from streams.gateway.door import NOT_ALLOWED, Judged, Result

MEDIA_TYPE = "application/json"
_RESULTS = [(result, result.value) for result in Result]
_PLAIN: dict[Result, str] = {result: f'{{"result":"{result}"}}' for result in Result if result is not Result.REFUSED}


def answer(judged: Sequence[Judged]) -> tuple[HTTPStatus, bytes]:
    """Return status and body: 200 where anything was taken, else 403 where the key may not, 422 where records are wrong."""
    if len(judged) == 1 and judged[0].result is Result.ACCEPTED:
        return HTTPStatus.OK, _ONE_ACCEPTED
    return _answer(judged)


def _answer(judged: Sequence[Judged]) -> tuple[HTTPStatus, bytes]:
    results = [each.result for each in judged]
    records = ",".join([_PLAIN.get(each.result) or _refused(each.reason, each.path, each.message) for each in judged])
    head = ",".join([f'"{name}":{results.count(result)}' for result, name in _RESULTS])
    return _status(judged, results), f'{{{head},"records":[{records}]}}'.encode()


def _status(judged: Sequence[Judged], results: list[Result]) -> HTTPStatus:
    if results.count(Result.REFUSED) < len(judged):
        return HTTPStatus.OK
    is_forbidden = any(each.reason == NOT_ALLOWED for each in judged)
    return HTTPStatus.FORBIDDEN if is_forbidden else HTTPStatus.UNPROCESSABLE_ENTITY


@lru_cache(maxsize=1024)
def _refused(reason: str, path: str, message: str) -> str:
    document = {"result": Result.REFUSED, "reason": reason, "path": path, "message": message}
    return json.dumps(document, separators=(",", ":"))


_, _ONE_ACCEPTED = _answer([Judged(Result.ACCEPTED)])
