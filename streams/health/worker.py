"""How an intake or watch worker is, seen from outside."""

import time
from collections.abc import Iterator
from datetime import UTC, datetime

from faust.types import TP

from streams.batching.insight import InFlight, event_loops, generation, in_flight, is_rebalancing
from streams.health.beats import LoopBeat
from streams.health.pulses import Pulse, StalledError
from streams.health.survey import Survey
from streams.health.vitals import Check, Sample
from streams.owned import Insight
from streams.settings import Settings
from streams.workers import Worker


class WorkerVitals:
    """Pulses, checks and metrics of one role in this process."""

    def __init__(self, worker: Worker, settings: Settings, survey: Survey) -> None:
        """Watch a worker, started or not."""
        self.part = worker.role
        self._worker = worker
        self._settings = settings
        self._survey = survey
        self._beats: dict[int, LoopBeat] = {}

    def beats(self) -> Iterator[LoopBeat]:
        """Yield the worker's own loop and that of the thread that fetches."""
        for name, loop in event_loops(self._worker.app):
            is_in_main_thread = loop is self._worker.app._loop
            yield self._beats.setdefault(id(loop), LoopBeat(name, loop, is_in_main_thread=is_in_main_thread))

    def end(self, reason: StalledError) -> None:
        """End the worker: a stop or a rebalance no longer waits for what will not come."""
        app = self._worker.app
        if app._loop is not None:  # the property would make one
            app._loop.call_soon_threadsafe(app.fail, reason)

    # -- what must go on

    def pulses(self) -> Iterator[Pulse]:
        """Yield every partition with records to commit, then the hand-over, then snapshots under way."""
        flight, insights = in_flight(self._worker.app), self._worker.partitions.insights()
        is_dealing = is_rebalancing(self._worker.app)
        lags = self._lags(flight)
        for tp, way in flight.items():
            yield self._partition(tp, way, insights.get(tp), lags.get(tp, 0), is_dealing=is_dealing)
        yield self._hand_over(flight, insights, is_dealing=is_dealing)
        stored = self._worker.partitions.state_progress()
        for tp, insight in insights.items():
            what, limit_s = f"snapshot of {tp.topic}:{tp.partition}", self._settings.watchdog.stall_seconds
            # It waits for the results of all that it holds before the first record of it is written.
            results = insight.handed_over, flight[tp].unacked_offset if tp in flight else None
            is_due = insight.is_writing and self._survey.is_answering
            yield Pulse(self.part, what, (stored, results), is_due, limit_s)

    def _partition(self, tp: TP, way: InFlight, insight: Insight | None, lag: int, *, is_dealing: bool) -> Pulse:
        handed_over = 0 if insight is None else insight.handed_over
        committed = self._survey.committed(self.part, tp)
        detail: dict[str, object] = {"records to commit": lag, "committed offset": committed}
        if way.unacked_offset is not None and way.unacked_since is not None:
            detail["oldest batch not acknowledged begins at offset"] = way.unacked_offset
            detail["seconds since its delivery"] = round(time.monotonic() - way.unacked_since)
        return Pulse(
            self.part,
            f"{tp.topic}:{tp.partition}",
            (committed, way.next_offset, way.unacked_offset, handed_over),
            lag > 0 and not is_dealing and self._survey.is_answering,
            # What is acknowledged shows when it is committed, and the brokers were asked again.
            self._limit_s(self._settings.kafka.commit_interval_seconds + self._settings.watchdog.survey_seconds),
            detail,
        )

    def _hand_over(self, flight: dict[TP, InFlight], insights: dict[TP, Insight], *, is_dealing: bool) -> Pulse:
        """Return the pulse of a rebalance: acks, state read or written, and each generation count as going on.

        The others of the group may take their time too, so it may stand still for the rebalance timeout as well.
        """
        going_on = (
            generation(self._worker.app),
            tuple(flight.values()),
            tuple(insight.handed_over for insight in insights.values()),
            self._worker.partitions.state_progress(),
        )
        limit_s = self._limit_s(self._settings.kafka.rebalance_timeout_seconds)
        waiting = [f"{tp.topic}:{tp.partition}" for tp, way in flight.items() if way.unacked_offset is not None]
        detail = {"batches not acknowledged in": " ".join(waiting)} if waiting else {}
        is_due = is_dealing and self._survey.is_answering
        return Pulse(self.part, "the hand-over of partitions", going_on, is_due, limit_s, detail)

    def _limit_s(self, more_s: float) -> float:
        stall_s = self._settings.watchdog.stall_seconds
        return stall_s and stall_s + more_s

    def _lags(self, flight: dict[TP, InFlight]) -> dict[TP, int]:
        return self._survey.lag(self.part, {tp: way.begin for tp, way in flight.items()})

    # -- readiness

    def checks(self) -> Iterator[Check]:
        """Yield whether partitions are assigned with their state, and whether what stands in them is taken."""
        is_dealt = not is_rebalancing(self._worker.app)  # a worker that got none is a spare one, and ready
        yield Check(self.part, "assigned", is_dealt, "" if is_dealt else "partitions are being dealt out")
        lags = self._lags(in_flight(self._worker.app))
        bound = self._settings.health.ready_lag_records
        behind = {tp: lag for tp, lag in lags.items() if lag > bound}
        reason = ", ".join(f"{tp.topic}:{tp.partition} is {lag} records behind" for tp, lag in sorted(behind.items()))
        yield Check(self.part, "caught_up", not behind, reason and f"{reason}; at most {bound} count as caught up")

    # -- metrics

    def samples(self) -> Iterator[Sample]:
        """Yield counters as they stand, then what is known of each partition."""
        part, progress = self.part, self._worker.partitions.progress
        flight = in_flight(self._worker.app)
        yield Sample("gridwatch_partitions_assigned", (part,), len(flight))
        yield Sample("gridwatch_rebalances_total", (part,), self._worker.app.rebalancing_count)
        yield Sample("gridwatch_records_taken_total", (part,), progress.records)
        yield Sample("gridwatch_batches_total", (part,), progress.batches)
        for topic, count in tuple(progress.by_topic.items()):
            yield Sample("gridwatch_results_written_total", (part, topic), count)
        yield Sample("gridwatch_dead_letters_total", (part,), progress.dead_letters)
        yield Sample("gridwatch_snapshots_written_total", (part,), progress.snapshots)
        yield Sample("gridwatch_snapshot_written_bytes_total", (part,), self._worker.partitions.state_bytes_written)
        for tp, lag in self._lags(flight).items():
            yield Sample("gridwatch_partition_lag_records", self._place(tp), lag)
        yield from self._of_partitions(flight)

    def _of_partitions(self, flight: dict[TP, InFlight]) -> Iterator[Sample]:
        now_s, now = time.monotonic(), datetime.now(UTC)
        for tp, way in flight.items():
            age_s = 0.0 if way.unacked_since is None else now_s - way.unacked_since
            yield Sample("gridwatch_oldest_batch_age_seconds", self._place(tp), age_s)
        for tp, insight in self._worker.partitions.insights().items():
            yield Sample("gridwatch_snapshot_age_seconds", self._place(tp), now_s - insight.written_at)
            yield Sample("gridwatch_unsaved_records", self._place(tp), insight.unsaved_records)
            if insight.clock is not None:
                delay_s = (now - insight.clock).total_seconds()
                yield Sample("gridwatch_clock_delay_seconds", self._place(tp), delay_s)

    def _place(self, tp: TP) -> tuple[str, str, str]:
        return self.part, tp.topic.removeprefix(self._settings.topic_prefix), str(tp.partition)
