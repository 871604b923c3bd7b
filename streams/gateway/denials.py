"""Refusals of rights, told to the audit trail: the first at once, those that follow within a minute as a count."""

import math
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from datetime import datetime

from events.results import AccessRecord, encode_access_record
from events.vocabulary import AccessAction
from streams.broker.outputs import Output

_GATHERED_S = 60.0
_GATEWAY = "gridwatch-gateway"


@dataclass(frozen=True, slots=True)
class Denial:
    """A source asked for what it may not: `reason` is `not_allowed` or `unauthorized`, `path` the field, where it is one."""

    source_id: str
    key_id: str | None
    reason: str
    path: str = ""
    count: int = field(default=1, compare=False)


class Denials:
    """Gathers denials of sources that are registered; bounded by the number of sources, of their keys and of fields.

    So whoever notes one names no key that he was only told.
    """

    def __init__(self, gathered_s: float = _GATHERED_S) -> None:
        self._gathered_s = gathered_s
        self._began_s: dict[Denial, float] = {}
        self._counts: dict[Denial, int] = {}

    def note(self, denial: Denial, now_s: float) -> Denial | None:
        """Return what is to be told now, None where it is gathered; `now_s` by the steady clock."""
        began_s = self._began_s.get(denial)
        if began_s is None or now_s - began_s >= self._gathered_s:
            told = self._counts.pop(denial, 0) + denial.count
            self._began_s[denial] = now_s
            return replace(denial, count=told)
        self._counts[denial] = self._counts.get(denial, 0) + denial.count
        return None

    def gather(self, denial: Denial) -> None:
        """Note what is to be told with those that are due."""
        self._counts[denial] = self._counts.get(denial, 0) + denial.count
        self._began_s.setdefault(denial, -math.inf)

    def due(self, now_s: float) -> Iterator[Denial]:
        """Yield what was gathered long enough; what has not come again since is forgotten."""
        for denial, began_s in list(self._began_s.items()):
            if now_s - began_s < self._gathered_s:
                continue
            count = self._counts.pop(denial, 0)
            if count:
                self._began_s[denial] = now_s
                yield replace(denial, count=count)
            else:
                del self._began_s[denial]


def denial_output(denial: Denial, at: datetime) -> Output:
    """Return the record of the audit trail about a denial."""
    record = AccessRecord(
        at=at,
        actor_id=_GATEWAY,
        action=AccessAction.REQUEST_REFUSED,
        source_id=denial.source_id,
        key_id=denial.key_id,
        detail={"reason": denial.reason, "path": denial.path, "count": denial.count},
    )
    return Output("audit", denial.source_id.encode(), encode_access_record(record))
