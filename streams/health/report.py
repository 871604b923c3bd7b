"""What `/livez` and `/readyz` answer: which checks there are, which fail, and why."""

import json
from collections.abc import Callable, Iterator, Sequence

from streams.health.survey import Survey
from streams.health.vitals import Check, Vitals
from streams.health.watchdog import PROCESS, Watchdog


class Report:
    """The state of a process in the words of its checks; for any thread."""

    def __init__(
        self, parts: Sequence[Vitals], watchdog: Watchdog, survey: Survey, is_stopping: Callable[[], bool]
    ) -> None:
        """Report on these."""
        self._parts, self._watchdog, self._survey = parts, watchdog, survey
        self._is_stopping = is_stopping

    def live(self) -> list[Check]:
        """Return whether the process goes on, or has nothing to do. Nothing outside of it matters here."""
        stall = self._watchdog.stall
        return [
            Check(PROCESS, "no_stall", stall is None, "" if stall is None else str(stall)),
            Check(PROCESS, "watched", self._watchdog.is_looking, "" if self._watchdog.is_looking else "nobody looks"),
        ]

    def ready(self) -> list[Check]:
        """Return whether it does its work on time, and whether what it needs is there."""
        return list(self._ready())

    def _ready(self) -> Iterator[Check]:
        is_stopping = self._is_stopping()
        yield Check(PROCESS, "running", not is_stopping, "it is told to stop" if is_stopping else "")
        is_there = self._survey.is_answering
        yield Check(PROCESS, "brokers", is_there, "" if is_there else self._survey.error or "no answer for too long")
        for part in self._parts:
            yield from part.checks()


def answer(checks: Sequence[Check]) -> tuple[int, bytes]:
    """Return HTTP's status and the body, one JSON object: 200 where every check is good, else 503."""
    is_good = all(check.is_good for check in checks)
    shown = [
        {"part": check.part, "check": check.name, "good": check.is_good}
        | ({} if check.is_good else {"reason": check.reason})
        for check in checks
    ]
    body = {"status": "good" if is_good else "failing", "checks": shown}
    return 200 if is_good else 503, json.dumps(body).encode() + b"\n"
