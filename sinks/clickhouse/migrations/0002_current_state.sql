-- What holds now. Revisions are told apart by their number, never by the order in which they came, and a row that is
-- there twice counts once, whether the engine has merged it away or not. So no view needs FINAL over a whole table.

CREATE OR REPLACE VIEW v_policy AS
SELECT
    if(count() = 0, 'UTC', argMax(timezone, (-toInt64(partition), offset))) AS timezone,
    argMax(policy_version, (-toInt64(partition), offset)) AS policy_version,
    argMax(record, (-toInt64(partition), offset)) AS record,
    count() > 0 AS is_known
FROM timeline
WHERE kind = 'policy_changed'
COMMENT 'The policy that came last; every partition has all of them, so the lowest partition is as good as any';

-- @next
CREATE OR REPLACE VIEW v_clock AS
SELECT topic, partition, max(occurred_at) AS clock
FROM timeline
WHERE kind = 'tick'
GROUP BY topic, partition
COMMENT 'The clock of each partition of the timeline';

-- @next
CREATE OR REPLACE VIEW v_checks AS
SELECT
    date,
    check,
    window,
    check_id,
    max(t.revision) AS revision,
    argMax(t.state, t.revision) AS state,
    argMax(t.area, t.revision) AS area,
    argMax(t.person_id, t.revision) AS person_id,
    argMax(t.observation_id, t.revision) AS observation_id,
    argMax(t.due_at, t.revision) AS due_at,
    argMax(t.decided_at, t.revision) AS decided_at,
    argMax(t.evidence, t.revision) AS evidence,
    argMax(t.policy_version, t.revision) AS policy_version
FROM checks AS t
GROUP BY date, check, window, check_id
COMMENT 'The verdict that holds for every check that was decided';

-- @next
CREATE OR REPLACE VIEW v_alerts AS
SELECT
    rule,
    alert_id,
    max(t.revision) AS revision,
    argMax(t.state, t.revision) AS state,
    argMax(t.severity, t.revision) AS severity,
    argMax(t.reason, t.revision) AS reason,
    arraySort(groupUniqArray(t.reason)) AS reasons,
    argMax(t.subject, t.revision) AS subject,
    argMax(t.person_id, t.revision) AS person_id,
    argMax(t.key, t.revision) AS key,
    argMax(t.area, t.revision) AS area,
    argMax(t.occurrence, t.revision) AS occurrence,
    argMax(tuple(t.due_at), t.revision).1 AS due_at,
    argMax(t.raised_at, t.revision) AS raised_at,
    argMax(t.updated_at, t.revision) AS updated_at,
    argMax(t.evidence, t.revision) AS evidence,
    argMax(t.policy_version, t.revision) AS policy_version,
    argMax(t.detail, t.revision) AS detail
FROM alerts AS t
GROUP BY rule, alert_id
COMMENT 'Every alert as it stands; reasons are those of all its revisions';

-- @next
CREATE OR REPLACE VIEW v_dead_letters AS
SELECT
    source_topic,
    source_partition,
    source_offset,
    min(t.appended_at) AS first_appended_at,
    argMax(t.reason, t.offset) AS reason,
    argMax(t.path, t.offset) AS path,
    argMax(t.message, t.offset) AS message,
    argMax(t.raw, t.offset) AS raw
FROM dead_letters AS t
GROUP BY source_topic, source_partition, source_offset
COMMENT 'Every refused record once';
