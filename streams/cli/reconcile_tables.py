"""The half of `gridwatch reconcile` in which logs and ClickHouse meet."""

import asyncio
from collections import Counter
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime

from faust.types import TP

from events.topics import TOPICS
from sinks.clickhouse.driver import Database
from sinks.clickhouse.figures import wrong_figures
from sinks.clickhouse.fingerprints import fingerprints, may_repeat
from sinks.clickhouse.ledger import STATES, AreaDay, Equation, Held, read_ledger
from sinks.clickhouse.reconciling import (
    REVISED,
    compared_identities,
    hour_sums,
    lacking_revisions,
    overtaken_revisions,
    stored_later,
    stored_rows,
)
from sinks.clickhouse.runs import Run
from streams.mending import Mended, Stale, mend
from streams.partition import LogRecord
from streams.reconcile import SUNK_TOPICS, Expected, Standing, read_rows
from streams.reconciling.findings import HOUR_MS, Finding, Group, Kind, LedgerDay, Relation, hour_of
from streams.reconciling.rows import Row, RowSums, Sum, add_missing, compare_rows, differing
from streams.reconciling.ticks import TickSeen
from streams.settings import Settings

# So many offsets are held at once where rows are looked at one by one.
_CHUNK = 100_000
_NAME = {"checks": "check_id", "alerts": "alert_id"}
# A worker that begins again after a crash writes revisions again in their order.
_UNSETTLED_MS = 300_000
_FIGURES = ("expected", *STATES, "pending", "lost")


def expected_rows(settings: Settings, standing: Standing) -> Expected:
    """Return what takes the sums that ClickHouse must have."""
    return Expected(settings, standing, row_fingerprints, may_repeat)


def row_fingerprints(topic: str, tp: TP, records: Sequence[LogRecord]) -> list[int]:
    """Return the fingerprints of the rows that the sink makes of records."""
    offsets, stamps, values = [], [], []
    for record in records:
        offsets.append(record.offset)
        stamps.append(record.timestamp)
        values.append(record.value)
    return fingerprints(topic, Run(tp.topic, tp.partition, offsets, stamps, values))


class TableComparison:
    """Compares the tables with what was read of the logs."""

    def __init__(self, settings: Settings, standing: Standing, database: Database, hours: range, examples: int) -> None:
        self._settings, self._standing, self._database = settings, standing, database
        self._hours, self._examples = hours, examples

    def rows(self, expected: Expected) -> list[Finding]:
        """Compare the rows of every topic of the sink with its messages, by sums and, where these differ, one by one."""
        return [self._rows(topic, expected) for topic in SUNK_TOPICS]

    def _rows(self, topic: str, expected: Expected) -> Finding:
        finding = Finding(Relation(f"{topic} to clickhouse"), self._examples)
        sums, spans = expected.sums[topic], expected.spans[topic]
        found = hour_sums(self._database, topic, self._settings.topic(topic), spans)
        stored = {(each.partition, each.hour): Sum(each.rows, each.checksum) for each in found}
        counted = sums.sums()
        finding.compared = sum(each.rows for each in counted.values())
        finding.under_way = expected.under_way[topic]
        wrong: dict[int, list[int]] = {}
        for partition, hour in differing(counted, stored):
            wrong.setdefault(partition, []).append(hour)
        for partition, hours in wrong.items():
            self._one_by_one(finding, topic, partition, _span(sums, partition, hours, spans[partition]))
        return finding

    def _one_by_one(self, finding: Finding, topic: str, partition: int, span: tuple[int, int]) -> None:
        name = self._settings.topic(topic)
        has_gaps = TOPICS[topic].cleanup_policy == "compact" and self._may_be_compacted(topic)
        for first in range(*span, _CHUNK):
            part = first, min(first + _CHUNK, span[1])
            log = asyncio.run(read_rows(self._settings, TP(name, partition), part, topic, row_fingerprints))
            table = [Row(*row) for row in stored_rows(self._database, topic, name, partition, part)]
            missing = compare_rows(finding, topic, partition, log, table, has_gaps=has_gaps)
            if missing and may_repeat(topic):
                missing -= stored_later(self._database, topic, name, partition, part[1], missing)
            add_missing(finding, topic, partition, log, missing)

    def _may_be_compacted(self, topic: str) -> bool:
        """Tell whether the hours are so long ago that revisions may be gone from the log."""
        now_hour = hour_of(datetime.now(UTC))
        return self._hours.start + TOPICS[topic].min_compaction_lag_ms // HOUR_MS <= now_hour

    def revisions(self, expected: Expected) -> Finding:
        """Look whether verdicts and alerts of the hours have every revision below their highest."""
        finding = Finding(Relation.REVISIONS, self._examples)
        for topic in REVISED:
            name, spans = self._settings.topic(topic), expected.spans[topic]
            finding.compared += compared_identities(self._database, topic, name, spans)
            for lacking in lacking_revisions(self._database, topic, name, spans):
                group = Group(topic, lacking.partition, lacking.hour)
                finding.add(Kind.MISSING, group, lacking.revisions, (lacking.offset,))
        return finding

    def last_revisions(self, expected: Expected, *, mends: bool) -> Finding:
        """Look whether the last record of each verdict and alert is its highest revision; else write that one once more."""
        finding = Finding(Relation.LAST_REVISIONS, self._examples)
        before_ms = int(datetime.now(UTC).timestamp() * 1000) - _UNSETTLED_MS
        for topic in REVISED:
            name, spans = self._settings.topic(topic), expected.spans[topic]
            finding.compared += compared_identities(self._database, topic, name, spans)
            found = overtaken_revisions(self._database, topic, name, spans, before_ms)
            stale = [
                Stale(TP(name, each.partition), each.offset, _NAME[topic], each.identity, each.revision, each.hour)
                for each in found
            ]
            mending = asyncio.run(mend(self._settings, stale, self._standing.sink, writes=mends)) if stale else Mended()
            finding.under_way += len(mending.under_way)
            for kind, places in ((Kind.MENDED, mending.written), (Kind.OVERTAKEN, mending.left)):
                for each in places:
                    finding.add(kind, Group(topic, each.tp.partition, each.hour), 1, (each.offset,))
        return finding

    def ledger(self, ticks: Mapping[int, Sequence[TickSeen]]) -> tuple[list[Finding], list[LedgerDay]]:
        """Compare what became of the checks of the days with what was expected, and the figures with the rows."""
        ledger, figures = Finding(Relation.LEDGER, self._examples), Finding(Relation.FIGURES, self._examples)
        held, since = self._held(ticks)
        if held is None or since is None or not self._standing.is_sunk:
            reason = (
                "the sink is behind watch"
                if not self._standing.is_sunk
                else "watch has taken no tick of these hours in some partition"
            )
            ledger.set_aside = figures.set_aside = reason
            return [ledger, figures], []
        found = read_ledger(self._database, held, since)
        for equation in found.equations:
            _add(ledger, equation)
        wrong = wrong_figures(self._database, found.first, found.last)
        if wrong is None:
            figures.set_aside = "verdicts came all the time"
        else:
            figures.compared = wrong.compared
            for place in wrong.places:
                figures.add(Kind.CHANGED, _group(place))
        return [ledger, figures], _by_day(found.equations)

    def _held(self, ticks: Mapping[int, Sequence[TickSeen]]) -> tuple[Held | None, datetime | None]:
        """Return how far the ledger is, and the lowest clock of the hours; None where a partition has no tick in them."""
        topic, checks = self._settings.topic("timeline"), self._settings.topic("checks")
        taken: list[TickSeen] = []
        for partition, seen in sorted(ticks.items()):
            committed = self._standing.watch.get(TP(topic, partition), 0)
            below = [tick for tick in seen if tick.offset < committed and tick.appended_ms // HOUR_MS in self._hours]
            if not below:
                return None, None
            taken.append(max(below))
        since = min(tick.at for seen in ticks.values() for tick in seen if tick.appended_ms // HOUR_MS in self._hours)
        sunk = [self._standing.sink.get(tp, 0) for tp in self._standing.of(checks)]
        held = Held(topic, checks, [tick.offset for tick in taken], min(tick.at for tick in taken), sunk)
        return held, since


def _span(sums: RowSums, partition: int, hours: Sequence[int], whole: tuple[int, int]) -> tuple[int, int]:
    """Return the offsets of the given hours of a partition; all of them where the log has none of such an hour."""
    known = sums.sums()
    if any((partition, hour) not in known for hour in hours):
        return whole
    spans = [sums.span((partition, hour)) for hour in hours]
    return min(first for first, _ in spans), max(following for _, following in spans)


def _add(finding: Finding, equation: Equation) -> None:
    finding.compared += equation.expected
    finding.under_way += equation.pending
    if equation.lost:
        finding.add(Kind.MISSING, _group(equation.place), equation.lost)
    if equation.unfounded:
        finding.add(Kind.EXTRA, _group(equation.place), equation.unfounded)


def _by_day(equations: Sequence[Equation]) -> list[LedgerDay]:
    days: dict[str, Counter[str]] = {}
    for equation in equations:
        day = days.setdefault(equation.place.date.isoformat(), Counter())
        day.update({name: getattr(equation, name) for name in _FIGURES})
    return [LedgerDay(date, **figures) for date, figures in days.items()]


def _group(place: AreaDay) -> Group:
    return Group("checks", area=place.area, date=place.date.isoformat())
