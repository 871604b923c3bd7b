"""How a sink is, seen from outside."""

from collections.abc import Iterator

from faust.types import TP

from sinks.clickhouse.driver import Database
from sinks.clickhouse.loop import SinkInsight, SinkLoop
from sinks.clickhouse.writer import DatabaseWriter
from streams.health.beats import LoopBeat
from streams.health.pulses import Pulse, StalledError
from streams.health.survey import Survey
from streams.health.vitals import Check, Sample
from streams.settings import Settings

_PART = "sink"
# What one attempt may take in the client before it is an error, and is tried again.
_ATTEMPT_SECONDS = 120.0
# A batch that is not full waits so many times the time between flushes at most.
_FLUSHES = 10


class SinkVitals:
    """Pulses, checks and metrics of a sink.

    A sink that tries again does not stand still: it gives up by itself, in its own time.
    """

    part = _PART

    def __init__(
        self, loop: SinkLoop, writer: DatabaseWriter, database: Database, settings: Settings, survey: Survey
    ) -> None:
        """Watch a sink, started or not."""
        self._loop = loop
        self._writer = writer
        self._database = database
        self._settings = settings
        self._survey = survey
        self._beat: LoopBeat | None = None

    def beats(self) -> Iterator[LoopBeat]:
        """Yield the loop that reads and commits."""
        if self._beat is None and self._loop.event_loop is not None:
            self._beat = LoopBeat("event loop", self._loop.event_loop)
        if self._beat is not None:
            yield self._beat

    def end(self, reason: StalledError) -> None:
        """End the sink, without a commit."""
        self._loop.fail(reason)

    # -- what must go on

    def pulses(self) -> Iterator[Pulse]:
        """Yield every partition with records to commit, then the attempt under way, then the assignment."""
        insight = self._loop.insight()
        is_retrying = self._database.attempts.is_retrying
        for tp, lag in self._lags(insight).items():
            yield self._partition(tp, insight, lag, is_retrying=is_retrying)
        # Whether or not brokers answer: this is about ClickHouse.
        attempts = self._database.attempts.made, insight.batches_written
        limit_s = self._limit_s(_ATTEMPT_SECONDS)
        yield Pulse(self.part, "an attempt to write into ClickHouse", attempts, insight.is_writing, limit_s)
        is_joining = insight.is_joining and self._survey.is_answering and not insight.is_writing
        limit_s = self._limit_s(self._settings.kafka.rebalance_timeout_seconds)
        yield Pulse(self.part, "the hand-over of partitions", insight.rebalances, is_joining, limit_s)

    def _partition(self, tp: TP, insight: SinkInsight, lag: int, *, is_retrying: bool) -> Pulse:
        place = (tp.topic, tp.partition)
        committed, read_to = self._survey.committed(self.part, tp), insight.read_to.get(place)
        is_due = lag > 0 and not (insight.is_joining or is_retrying) and self._survey.is_answering
        detail = {"records to commit": lag, "committed offset": committed, "read to offset": read_to}
        limit_s = self._limit_s(
            _ATTEMPT_SECONDS + _FLUSHES * self._settings.sink.flush_seconds + self._settings.watchdog.survey_seconds
        )
        # Batches of all topics are written in turn and committed together; each attempt has a pulse of its own.
        mark = committed, read_to, insight.batches_written
        return Pulse(self.part, f"{tp.topic}:{tp.partition}", mark, is_due, limit_s, detail)

    def _limit_s(self, more_s: float) -> float:
        stall_s = self._settings.watchdog.stall_seconds
        return stall_s and stall_s + more_s

    def _lags(self, insight: SinkInsight) -> dict[TP, int]:
        return self._survey.lag(self.part, {TP(*place): offset for place, offset in insight.reached.items()})

    # -- readiness

    def checks(self) -> Iterator[Check]:
        """Yield whether partitions are assigned and caught up with, and whether ClickHouse takes what it is given."""
        insight = self._loop.insight()
        is_assigned = not insight.is_joining
        yield Check(self.part, "assigned", is_assigned, "" if is_assigned else "partitions are being dealt out")
        bound = self._settings.health.ready_lag_records
        behind = {tp: lag for tp, lag in self._lags(insight).items() if lag > bound}
        reason = ", ".join(f"{tp.topic}:{tp.partition} is {lag} records behind" for tp, lag in sorted(behind.items()))
        yield Check(self.part, "caught_up", not behind, reason and f"{reason}; at most {bound} count as caught up")
        is_retrying = self._database.attempts.is_retrying
        reason = "the last attempt failed; it is tried again" if is_retrying else "it does not answer"
        is_good = self._survey.is_pinged and not is_retrying
        yield Check(self.part, "clickhouse", is_good, "" if is_good else reason)

    # -- metrics

    def samples(self) -> Iterator[Sample]:
        """Yield counters as they stand."""
        insight, attempts = self._loop.insight(), self._database.attempts
        yield Sample("gridwatch_partitions_assigned", (self.part,), len(insight.reached))
        yield Sample("gridwatch_rebalances_total", (self.part,), insight.rebalances)
        for tp, lag in self._lags(insight).items():
            topic = tp.topic.removeprefix(self._settings.topic_prefix)
            yield Sample("gridwatch_partition_lag_records", (self.part, topic, str(tp.partition)), lag)
        yield Sample("gridwatch_sink_messages_total", (), self._loop.messages_written)
        yield Sample("gridwatch_sink_quarantined_total", (), self._loop.messages_quarantined)
        for table, rows in tuple(self._writer.rows.items()):
            yield Sample("gridwatch_sink_rows_total", (table,), rows)
        for table, inserts in tuple(self._writer.inserts.items()):
            yield Sample("gridwatch_sink_inserts_total", (table,), inserts)
        yield Sample("gridwatch_sink_failures_total", (), attempts.failed)
        yield Sample("gridwatch_sink_retrying", (), float(attempts.is_retrying))
        records, size_bytes = self._loop.waiting()
        yield Sample("gridwatch_sink_waiting_records", (), records)
        yield Sample("gridwatch_sink_waiting_bytes", (), size_bytes)
