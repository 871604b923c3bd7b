"""Every metric there is, with its unit in its name and its meaning: what is not here cannot be exported.

Labels have few values: `part` is intake, watch, clock, sink or gateway; topics and partitions are those of the settings,
tables and reasons those of the code. No person, area, source or alert is ever a label.
"""

from dataclasses import dataclass
from typing import Literal


@dataclass(frozen=True, slots=True)
class Metric:
    """One metric as it is exported."""

    name: str
    kind: Literal["counter", "gauge"]
    labels: tuple[str, ...]
    meaning: str


_PLACE = ("part", "topic", "partition")

METRICS = (
    # every process
    Metric("gridwatch_build_info", "gauge", ("version",), "1; the version that runs"),
    Metric("gridwatch_ready", "gauge", ("part", "check"), "1 where a check of `/readyz` holds, else 0"),
    Metric(
        "gridwatch_standing_still_seconds",
        "gauge",
        ("part",),
        "for how long something has been due and has not moved, in looks; 0 while all goes on or nothing is to be done",
    ),
    Metric(
        "gridwatch_last_progress_timestamp_seconds",
        "gauge",
        ("part",),
        "when anything last moved, since 1970; grows old where nothing comes, too",
    ),
    Metric("gridwatch_watchdog_looks_total", "counter", (), "looks of the watchdog; it looks once a second"),
    Metric("gridwatch_brokers_answering", "gauge", (), "1 while the brokers answer the watchdog, else 0"),
    # intake, watch, sink: members of a group
    Metric("gridwatch_partitions_assigned", "gauge", ("part",), "partitions that this process has"),
    Metric(
        "gridwatch_rebalances_total",
        "counter",
        ("part",),
        "how often partitions were dealt out anew, the first time counted",
    ),
    Metric(
        "gridwatch_partition_lag_records",
        "gauge",
        _PLACE,
        "records of the partition that the group has not committed, as the brokers said last",
    ),
    # intake, watch
    Metric("gridwatch_records_taken_total", "counter", ("part",), "records whose results are acknowledged"),
    Metric("gridwatch_batches_total", "counter", ("part",), "batches of them"),
    Metric(
        "gridwatch_results_written_total",
        "counter",
        ("part", "topic"),
        "results acknowledged, by the topic they went to",
    ),
    Metric(
        "gridwatch_dead_letters_total",
        "counter",
        ("part",),
        "records refused; also counted as results in `dead-letters`",
    ),
    Metric(
        "gridwatch_oldest_batch_age_seconds",
        "gauge",
        _PLACE,
        "age of the oldest batch that is not acknowledged; 0 where there is none",
    ),
    Metric("gridwatch_snapshots_written_total", "counter", ("part",), "snapshots of state written"),
    Metric("gridwatch_snapshot_written_bytes_total", "counter", ("part",), "bytes of state written"),
    Metric(
        "gridwatch_snapshot_age_seconds",
        "gauge",
        _PLACE,
        "since the last snapshot was written, or the partition taken over; of no weight where nothing is unsaved",
    ),
    Metric("gridwatch_unsaved_records", "gauge", _PLACE, "records decided since the last snapshot was taken"),
    # the clock of the log
    Metric(
        "gridwatch_clock_delay_seconds",
        "gauge",
        _PLACE,
        "how far the clock of a timeline partition is behind the machine's, as watch has it; none before the first tick",
    ),
    Metric("gridwatch_ticks_written_total", "counter", (), "ticks written, whatever the number of partitions"),
    Metric(
        "gridwatch_last_tick_timestamp_seconds",
        "gauge",
        (),
        "the last tick in the log, since 1970; none before the first",
    ),
    Metric(
        "gridwatch_clock_waiting",
        "gauge",
        ("reason",),
        "1 for what the clock process waits for: `next_tick`, `intake`, `time_ahead`, `time_behind`, `writing`",
    ),
    Metric(
        "gridwatch_clock_ahead_seconds",
        "gauge",
        (),
        "how far the machine's time is ahead of its witnesses (ADR 19); negative where it is behind",
    ),
    # the gateway
    Metric("gridwatch_gateway_requests_total", "counter", ("status",), "requests answered, by HTTP status"),
    Metric(
        "gridwatch_gateway_records_total",
        "counter",
        ("result",),
        "records by what became of them: `accepted`, `duplicate`, `refused`, `passed_over`",
    ),
    Metric("gridwatch_gateway_refusals_total", "counter", ("reason",), "records refused, by reason"),
    Metric("gridwatch_gateway_requests_under_way", "gauge", (), "requests that are not answered yet"),
    Metric(
        "gridwatch_gateway_waiting_records", "gauge", (), "records accepted that the brokers have not acknowledged yet"
    ),
    Metric("gridwatch_gateway_sources", "gauge", (), "sources registered"),
    # the sink
    Metric("gridwatch_sink_messages_total", "counter", (), "messages of the log that are in ClickHouse"),
    Metric("gridwatch_sink_quarantined_total", "counter", (), "those of them that could not be read"),
    Metric("gridwatch_sink_rows_total", "counter", ("table",), "rows inserted"),
    Metric("gridwatch_sink_inserts_total", "counter", ("table",), "inserts that succeeded"),
    Metric("gridwatch_sink_failures_total", "counter", (), "attempts that ClickHouse did not take"),
    Metric("gridwatch_sink_retrying", "gauge", (), "1 while an attempt has failed and none has succeeded since"),
    Metric("gridwatch_sink_waiting_records", "gauge", (), "messages read and not written"),
    Metric("gridwatch_sink_waiting_bytes", "gauge", (), "bytes of them"),
)
