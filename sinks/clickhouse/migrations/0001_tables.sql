-- The tables the sink writes. Every row says where in the log it came from (topic, partition, offset), so that a row
-- that is written again after a crash falls on itself: all engines replace rows of the same sorting key. What was
-- inserted is on the disk before the sink commits its offsets (fsync), so a power cut between the two loses nothing.
--
-- Every statement of every migration can be run again without harm, because a run that was broken off starts its file
-- from the top. Statements are separated by the marker line below.

CREATE TABLE IF NOT EXISTS timeline
(
    topic LowCardinality(String) COMMENT 'Kafka topic the row was read from',
    partition UInt32 COMMENT 'Partition of that topic',
    offset UInt64 CODEC(Delta, ZSTD) COMMENT 'Offset in that partition',
    appended_at DateTime64(3, 'UTC') CODEC(Delta, ZSTD) COMMENT 'Time stamp Kafka keeps with the record',
    kind LowCardinality(String) COMMENT 'Kind of record: visit_recorded, temperature_taken, checkpoint_scanned, tick ...',
    event_id String COMMENT 'Unique for ever; empty for a tick',
    source_id String COMMENT 'Device or terminal that recorded it; empty for a tick',
    occurred_at DateTime64(6, 'UTC') CODEC(Delta, ZSTD) COMMENT 'When it happened by the clock of the source; for a tick the clock itself',
    received_at DateTime64(6, 'UTC') CODEC(Delta, ZSTD) COMMENT 'When the gateway or intake received it; for a tick the clock itself',
    person_id String COMMENT 'Pseudonym of the person concerned; empty where none is',
    observation_id String COMMENT 'Observation that is opened, extended or closed; otherwise empty',
    area LowCardinality(String) COMMENT 'Path of the area from the largest to the smallest unit; empty where the record has none',
    category LowCardinality(String) COMMENT 'How the person is observed: home, centralised, lockdown; otherwise empty',
    outcome LowCardinality(String) COMMENT 'Outcome of a visit or of an observation; otherwise empty',
    temperature_c Float64 COMMENT 'Degrees Celsius; 0 means not measured',
    site LowCardinality(String) COMMENT 'Where on the body it was measured, unknown if not said; empty without a temperature',
    checkpoint_id LowCardinality(String) COMMENT 'Checkpoint of a scan; otherwise empty',
    direction LowCardinality(String) COMMENT 'Direction of a scan: in, out; otherwise empty',
    decision LowCardinality(String) COMMENT 'Decision at the checkpoint: passed, held, turned_back; otherwise empty',
    health_code LowCardinality(String) COMMENT 'Code shown at the checkpoint: green, yellow, red; otherwise empty',
    alert_id String COMMENT 'Alert a command of the staff is about; otherwise empty',
    policy_version LowCardinality(String) COMMENT 'Version of the policy a policy_changed record brings; otherwise empty',
    timezone LowCardinality(String) COMMENT 'Time zone of the policy a policy_changed record brings; otherwise empty',
    record String CODEC(ZSTD(3)) COMMENT 'The whole record as JSON',
    INDEX occurred_range occurred_at TYPE minmax GRANULARITY 1,
    INDEX kinds kind TYPE set(16) GRANULARITY 1,
    INDEX persons person_id TYPE bloom_filter(0.01) GRANULARITY 1
)
ENGINE = ReplacingMergeTree
PARTITION BY toYYYYMM(received_at)
ORDER BY (topic, partition, offset)
SETTINGS non_replicated_deduplication_window = 1000, fsync_after_insert = 1, fsync_part_directory = 1
COMMENT 'The numbered log of everything that decides, one row a record';

-- @next
CREATE TABLE IF NOT EXISTS checks
(
    topic LowCardinality(String) COMMENT 'Kafka topic the row was read from',
    partition UInt32 COMMENT 'Partition of that topic',
    offset UInt64 CODEC(Delta, ZSTD) COMMENT 'Offset in that partition; the highest where the same revision was written twice',
    appended_at DateTime64(3, 'UTC') CODEC(Delta, ZSTD) COMMENT 'Time stamp Kafka keeps with the record',
    check_id String COMMENT 'Identity of the expected check: person, check, date and window',
    revision UInt32 COMMENT 'Revision of the verdict; the highest one holds',
    person_id String COMMENT 'Pseudonym of the person who was promised the check',
    observation_id String COMMENT 'Observation the check belongs to',
    area LowCardinality(String) COMMENT 'Path of the area from the largest to the smallest unit',
    check LowCardinality(String) COMMENT 'Name of the check in the policy: temperature, visit ...',
    date Date32 COMMENT 'Local date of the window',
    window LowCardinality(String) COMMENT 'Name of the window in the policy: am, pm ...',
    state LowCardinality(String) COMMENT 'Verdict: done, missed, late, waived, unknown',
    due_at DateTime64(6, 'UTC') CODEC(Delta, ZSTD) COMMENT 'End of the window plus grace',
    decided_at DateTime64(6, 'UTC') CODEC(Delta, ZSTD) COMMENT 'The clock when this revision was decided',
    evidence Array(String) COMMENT 'Event ids the verdict rests on',
    policy_version LowCardinality(String) COMMENT 'Policy of the window'
)
ENGINE = ReplacingMergeTree(offset)
PARTITION BY toYYYYMM(date)
ORDER BY (date, check, window, check_id, revision)
SETTINGS non_replicated_deduplication_window = 1000, fsync_after_insert = 1, fsync_part_directory = 1
COMMENT 'Every revision of every verdict; v_checks has the ones that hold';

-- @next
CREATE TABLE IF NOT EXISTS alerts
(
    topic LowCardinality(String) COMMENT 'Kafka topic the row was read from',
    partition UInt32 COMMENT 'Partition of that topic',
    offset UInt64 CODEC(Delta, ZSTD) COMMENT 'Offset in that partition; the highest where the same revision was written twice',
    appended_at DateTime64(3, 'UTC') CODEC(Delta, ZSTD) COMMENT 'Time stamp Kafka keeps with the record',
    alert_id String COMMENT 'Identity of the alert: rule, subject and occurrence',
    revision UInt32 COMMENT 'Revision of the alert; the highest one holds',
    rule LowCardinality(String) COMMENT 'Rule that raised it: missed_check, contact_lost, fever ...',
    state LowCardinality(String) COMMENT 'State: open, acknowledged, resolved',
    severity LowCardinality(String) COMMENT 'Severity: info, warning, critical',
    reason LowCardinality(String) COMMENT 'Why this revision came to be: opened, confirmed, late_record, by_staff ...',
    subject String COMMENT 'What the alert is about: person:ID or source:ID',
    person_id String COMMENT 'Pseudonym of the person concerned; empty where none is',
    key String COMMENT 'Key of the timeline under which the alert lives',
    area LowCardinality(String) COMMENT 'Path of the area from the largest to the smallest unit',
    occurrence String COMMENT 'Which occurrence of the rule for this subject',
    due_at Nullable(DateTime64(6, 'UTC')) COMMENT 'By when something had to happen; null where nothing is due',
    raised_at DateTime64(6, 'UTC') CODEC(Delta, ZSTD) COMMENT 'The clock at revision 1',
    updated_at DateTime64(6, 'UTC') CODEC(Delta, ZSTD) COMMENT 'The clock at this revision',
    evidence Array(String) COMMENT 'Event ids so far, commands of the staff included',
    policy_version LowCardinality(String) COMMENT 'Policy under which it was raised',
    detail String CODEC(ZSTD(3)) COMMENT 'Details of the rule as a JSON object'
)
ENGINE = ReplacingMergeTree(offset)
PARTITION BY toYYYYMM(raised_at)
ORDER BY (rule, alert_id, revision)
SETTINGS non_replicated_deduplication_window = 1000, fsync_after_insert = 1, fsync_part_directory = 1
COMMENT 'Every revision of every alert; v_alerts has the ones that hold';

-- @next
CREATE TABLE IF NOT EXISTS dead_letters
(
    topic LowCardinality(String) COMMENT 'Kafka topic the row was read from',
    partition UInt32 COMMENT 'Partition of that topic',
    offset UInt64 CODEC(Delta, ZSTD) COMMENT 'Offset in that partition; the highest where the same letter was written twice',
    appended_at DateTime64(3, 'UTC') CODEC(Delta, ZSTD) COMMENT 'Time stamp Kafka keeps with the record',
    reason LowCardinality(String) COMMENT 'Reason code: not_json, unknown_kind, invalid_field ...',
    path String COMMENT 'Field that was refused; empty where it was the whole record',
    message String COMMENT 'What was expected, without personal data',
    source_topic LowCardinality(String) COMMENT 'Topic the refused record stands in',
    source_partition UInt32 COMMENT 'Partition the refused record stands in',
    source_offset UInt64 COMMENT 'Offset the refused record stands at',
    raw String CODEC(ZSTD(3)) COMMENT 'The refused bytes in base64: base64Decode(raw) gives them back'
)
ENGINE = ReplacingMergeTree(offset)
ORDER BY (source_topic, source_partition, source_offset)
SETTINGS non_replicated_deduplication_window = 1000, fsync_after_insert = 1, fsync_part_directory = 1
COMMENT 'Records that were refused, each once, however often intake met it';

-- @next
CREATE TABLE IF NOT EXISTS quarantine
(
    topic LowCardinality(String) COMMENT 'Kafka topic the message was read from',
    partition UInt32 COMMENT 'Partition of that topic',
    offset UInt64 COMMENT 'Offset in that partition',
    appended_at DateTime64(3, 'UTC') COMMENT 'Time stamp Kafka keeps with the record',
    reason LowCardinality(String) COMMENT 'Why the sink could not read it: empty, not_readable',
    message String COMMENT 'What was expected, without personal data',
    raw String CODEC(ZSTD(3)) COMMENT 'The bytes in base64'
)
ENGINE = ReplacingMergeTree
ORDER BY (topic, partition, offset)
SETTINGS non_replicated_deduplication_window = 1000, fsync_after_insert = 1, fsync_part_directory = 1
COMMENT 'Messages of our own topics that the sink could not read: there should be none';
