-- The policy that holds is the last one that watch took: a refused one has a dead letter, and a repeat is known by its event
-- id and changes nothing.

CREATE OR REPLACE VIEW v_policy AS
SELECT
    if(count() = 0, 'UTC', argMax(timezone, (-toInt64(partition), first))) AS timezone,
    argMax(policy_version, (-toInt64(partition), first)) AS policy_version,
    argMax(record, (-toInt64(partition), first)) AS record,
    count() > 0 AS is_known
FROM
(
    SELECT
        partition,
        event_id,
        min(t.offset) AS first,
        argMin(t.timezone, t.offset) AS timezone,
        argMin(t.policy_version, t.offset) AS policy_version,
        argMin(t.record, t.offset) AS record
    FROM timeline AS t
    WHERE kind = 'policy_changed'
    GROUP BY partition, event_id
)
WHERE (partition, first) NOT IN (SELECT source_partition, source_offset FROM dead_letters WHERE source_topic = 'timeline')
COMMENT 'The policy that holds: the last one taken; every partition has all of them, so the lowest partition is as good as any';
