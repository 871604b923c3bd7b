"""What a gateway process counts of its work; read from any thread."""

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field

from streams.gateway.door import Judged, Result


@dataclass(slots=True)
class GatewayInsight:
    """Requests by status, records by result, refused records by reason; never by source."""

    requests: Counter[int] = field(default_factory=Counter)
    records: Counter[Result] = field(default_factory=Counter)
    refusals: Counter[str] = field(default_factory=Counter)
    under_way: int = 0

    def note_records(self, judged: Iterable[Judged]) -> None:
        """Count what became of the records of a request."""
        for each in judged:
            self.records[each.result] += 1
            if each.reason:
                self.refusals[each.reason] += 1
