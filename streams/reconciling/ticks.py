"""Whether every partition of the timeline has the same ticks."""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import NamedTuple

from streams.reconciling.findings import HOUR_MS, Finding, Group, Kind, Relation

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
# A tick of a clock that runs stands in the log soon after its instant; those of a file may be of any year.
_LIVE_WITHIN = timedelta(hours=1)


class TickSeen(NamedTuple):
    """A tick where it stands: its instant, its offset, and the broker's stamp in milliseconds since 1970."""

    at: datetime
    offset: int
    appended_ms: int

    @property
    def is_live(self) -> bool:
        """Whether it was written by a clock that runs, and not by a file that drives the log."""
        age = _EPOCH + timedelta(milliseconds=self.appended_ms) - self.at
        return timedelta() <= age <= _LIVE_WITHIN


def compare_ticks(
    ticks: Mapping[int, Sequence[TickSeen]], hours: range, *, from_beginning: bool, examples: int = 5
) -> Finding:
    """Compare the ticks of all partitions, and tell of those that the broker stamped in the given hours.

    `ticks` has an entry for every partition, however empty. Unless they were read from the beginning, what lies before the
    last of the first ticks may stand before what was read. Only the newest of all may be under way: a clock writes the
    next one when it stands everywhere.
    """
    finding = Finding(Relation.TICKS, examples)
    seen = {partition: {tick.at: tick for tick in part} for partition, part in ticks.items()}
    everywhere = sorted(set().union(*seen.values()))
    if not everywhere:
        finding.set_aside = "no tick in these hours"
        return finding
    first = everywhere[0] if from_beginning else max(min(part) for part in seen.values() if part)
    for at in everywhere:
        there = [part[at] for part in seen.values() if at in part]
        hour = min(tick.appended_ms for tick in there) // HOUR_MS
        if at < first or hour not in hours:
            continue
        missing = [partition for partition, part in seen.items() if at not in part]
        finding.compared += len(there)
        if at == everywhere[-1]:
            finding.under_way += len(missing)
            continue
        for partition in missing:
            after = [tick.offset for tick in ticks[partition] if tick.at > at][:1]
            finding.add(Kind.MISSING, Group("timeline", partition, hour), offsets=after)
    return finding
