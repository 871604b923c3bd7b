"""The catalogue of topics: what each carries, by which key, and for how long (contract sections 1 and 6).

Names hold '-' and never '.' or '_': brokers turn both into the same letter in the names of their metrics. What must be
read together has the same number of partitions: the raw topics with the snapshots of intake, the timeline with those of
watch.
"""

from dataclasses import dataclass
from typing import Literal

from events.records import KINDS, OUTSIDE_KINDS, RAW_TOPICS

__all__ = ["CATALOGUE", "RAW_TOPICS", "TOPICS", "TopicSpec", "topic_configs", "topic_name"]

CleanupPolicy = Literal["delete", "compact"]
TimestampType = Literal["LogAppendTime", "CreateTime"]
PartitionSetting = Literal["raw_partitions", "timeline_partitions", "result_partitions"]

FOR_EVER = -1
_DAY_MS = 24 * 60 * 60 * 1000
# The broker's own default: a record is at most 64 KiB, but one that is larger must arrive to be refused as too large.
_LARGEST_BATCH_BYTES = 1_048_588
# A dead letter carries such a record in base64, and where it stood.
_LARGEST_DEAD_LETTER_BYTES = 2 * 1024 * 1024
# Compaction never touches the segment that is written to: snapshots replace each other often, so theirs are small.
_STATE_SEGMENT_BYTES = 64 * 1024 * 1024


@dataclass(frozen=True, slots=True, kw_only=True)
class TopicSpec:
    """One topic, its name without the prefix of a cluster.

    `key` says what its messages are keyed by; `kinds` names the schemas of its values, none for bytes of our own.
    `partitions_from` is the setting that holds the number of partitions. -1 ms of retention is for ever;
    `min_compaction_lag_ms` keeps every revision of a compacted topic that long.
    """

    name: str
    purpose: str
    key: str
    kinds: tuple[str, ...]
    partitions_from: PartitionSetting
    cleanup_policy: CleanupPolicy = "delete"
    retention_ms: int = FOR_EVER
    timestamp_type: TimestampType = "LogAppendTime"
    min_compaction_lag_ms: int = 0
    max_message_bytes: int = _LARGEST_BATCH_BYTES
    segment_bytes: int | None = None


def _raw(name: str, purpose: str) -> TopicSpec:
    return TopicSpec(
        name=name,
        purpose=purpose,
        key="source_id",
        kinds=tuple(kind for kind, record in OUTSIDE_KINDS.items() if record.topic == name),
        partitions_from="raw_partitions",
        retention_ms=90 * _DAY_MS,
    )


def _results(name: str, purpose: str, key: str, kind: str) -> TopicSpec:
    return TopicSpec(
        name=name,
        purpose=purpose,
        key=key,
        kinds=(kind,),
        partitions_from="result_partitions",
        cleanup_policy="compact",
        min_compaction_lag_ms=7 * _DAY_MS,
    )


def _state(name: str, purpose: str, partitions_from: PartitionSetting) -> TopicSpec:
    return TopicSpec(
        name=name,
        purpose=purpose,
        key="chunk of a snapshot",
        kinds=(),
        partitions_from=partitions_from,
        cleanup_policy="compact",
        segment_bytes=_STATE_SEGMENT_BYTES,
    )


CATALOGUE: tuple[TopicSpec, ...] = (
    _raw("visits", "visits at people's doors, as terminals sent them"),
    _raw("temperatures", "single temperature readings, as devices sent them"),
    _raw("checkpoints", "scans at checkpoints, as devices sent them"),
    _raw("observations", "openings, extensions and closings of observations, and waivers of checks"),
    _raw("commands", "what staff say about alerts, changes of policy, outages, and what is expected of sources"),
    TopicSpec(
        name="timeline",
        purpose="the single truth: valid records and ticks in the order in which they are decided",
        key="person_id or key; none for tick, policy_changed and copies of outages, which stand in every partition",
        kinds=tuple(KINDS),
        partitions_from="timeline_partitions",
    ),
    _results("checks", "verdicts, every revision", "check_id", "verdict"),
    _results("alerts", "alerts, every revision", "alert_id", "alert"),
    TopicSpec(
        name="source-states",
        purpose="what is known of each source: last number, holes, silence, offset of its clock",
        key="source_id",
        kinds=("source_state",),
        partitions_from="result_partitions",
        cleanup_policy="compact",
    ),
    TopicSpec(
        name="dead-letters",
        purpose="refused records with the reason, the field and their bytes",
        key="topic:partition",
        kinds=("dead_letter",),
        partitions_from="result_partitions",
        retention_ms=400 * _DAY_MS,
        max_message_bytes=_LARGEST_DEAD_LETTER_BYTES,
    ),
    _state("watch-state", "snapshots of what watch holds of each timeline partition", "timeline_partitions"),
    _state("intake-state", "snapshots of what intake holds of each raw partition", "raw_partitions"),
    TopicSpec(
        name="sources",
        purpose="who may send what: the sources with their rights and the hashes of their keys",
        key="source_id",
        kinds=(),
        partitions_from="result_partitions",
        cleanup_policy="compact",
    ),
    TopicSpec(
        name="audit",
        purpose="who was given, denied and taken away what",
        key="source_id",
        kinds=("access_record",),
        partitions_from="result_partitions",
        retention_ms=400 * _DAY_MS,
    ),
)
TOPICS: dict[str, TopicSpec] = {spec.name: spec for spec in CATALOGUE}


def topic_name(prefix: str, name: str) -> str:
    """Return the name that a topic of the catalogue has on a cluster; raises KeyError for one that is not in it."""
    return f"{prefix}{TOPICS[name].name}"


def topic_configs(spec: TopicSpec) -> dict[str, str]:
    """Return the settings of a topic under the names and in the spelling of Kafka's topic configuration.

    Replication is no part of it. A town that keeps raw records longer passes `dataclasses.replace(spec, ...)`.
    """
    configs = {
        "cleanup.policy": spec.cleanup_policy,
        "retention.ms": str(spec.retention_ms),
        "message.timestamp.type": spec.timestamp_type,
        "max.message.bytes": str(spec.max_message_bytes),
    }
    if spec.cleanup_policy == "compact":
        configs["min.compaction.lag.ms"] = str(spec.min_compaction_lag_ms)
    if spec.segment_bytes is not None:
        configs["segment.bytes"] = str(spec.segment_bytes)
    return configs
