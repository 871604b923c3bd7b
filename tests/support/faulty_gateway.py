"""`gridwatch gateway` with faults of its own, each with what was sent in the text of its error: takes the same arguments.

A record of person `p-fault` breaks the door, one of `p-fatal` all that would catch it, one of `p-later` a task and a
callback for which nobody waits. `/livez?...` breaks where no handler of the gateway stands in between.
"""

import asyncio
from typing import Any, NoReturn

from streams.cli.main import main
from streams.gateway.app import Routes
from streams.gateway.door import Door

_judge = Door.judge


class _FatalError(BaseException):
    pass


def _fail(text: object) -> NoReturn:
    raise RuntimeError(f"this was sent: {text}")


async def _fail_later(text: object) -> NoReturn:
    _fail(text)


def _judge_faultily(self: Door, source: Any, lines: Any, received_at_ms: int) -> Any:
    lines = list(lines)
    for line in lines:
        if b'"p-fault"' in line:
            _fail(line)
        if b'"p-fatal"' in line:
            raise _FatalError(line)
        if b'"p-later"' in line:
            loop = asyncio.get_running_loop()
            loop.create_task(_fail_later(line))  # noqa: RUF006  nobody is to hear of it
            loop.call_soon(_fail, line)
    return _judge(self, source, lines, received_at_ms)


async def _get_live(_: Routes, request: Any) -> NoReturn:
    _fail(request.url)


if __name__ == "__main__":
    Door.judge = _judge_faultily  # type: ignore[method-assign]
    Routes.get_live = _get_live  # type: ignore[method-assign, assignment]
    main()
