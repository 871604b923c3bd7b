-- The figures, for every level of the area tree: a row of a grid counts for the grid and for each area above it. The
-- rows are counted per grid first, so that only a few thousand lines are multiplied by the levels above them. Dates and
-- hours are local to the time zone of the policy that came last.

CREATE OR REPLACE VIEW v_checks_by_area AS
SELECT
    arrayJoin(arrayMap(
        level -> arrayStringConcat(arraySlice(splitByChar('/', grid), 1, level), '/'),
        range(1, length(splitByChar('/', grid)) + 1)
    )) AS area,
    length(splitByChar('/', area)) AS level,
    date,
    check,
    window,
    sum(g.decided) AS decided,
    sum(g.done) AS done,
    sum(g.late) AS late,
    sum(g.missed) AS missed,
    sum(g.waived) AS waived,
    sum(g.unknown) AS unknown
FROM
(
    SELECT
        c.area AS grid,
        date,
        check,
        window,
        count() AS decided,
        countIf(state = 'done') AS done,
        countIf(state = 'late') AS late,
        countIf(state = 'missed') AS missed,
        countIf(state = 'waived') AS waived,
        countIf(state = 'unknown') AS unknown
    FROM v_checks AS c
    GROUP BY grid, date, check, window
) AS g
GROUP BY area, date, check, window
COMMENT 'Decided checks by area, day, check and window; pending ones have no verdict and are not here, so decided is what was expected once the day is closed';

-- @next
CREATE OR REPLACE VIEW v_verdict_delay AS
SELECT
    date,
    check,
    window,
    state,
    count() AS verdicts,
    quantileExact(0.5)(r.seconds) AS p50_seconds,
    quantileExact(0.9)(r.seconds) AS p90_seconds,
    quantileExact(0.99)(r.seconds) AS p99_seconds,
    max(r.seconds) AS max_seconds
FROM
(
    SELECT
        date,
        check,
        window,
        check_id,
        revision,
        any(t.state) AS state,
        any(dateDiff('microsecond', t.due_at, t.decided_at)) / 1e6 AS seconds
    FROM checks AS t
    GROUP BY date, check, window, check_id, revision
) AS r
GROUP BY date, check, window, state
COMMENT 'Seconds from due to verdict, of every revision; negative where a check was done before it was due';

-- @next
CREATE OR REPLACE VIEW v_readings_by_hour AS
SELECT
    arrayJoin(arrayMap(
        level -> arrayStringConcat(arraySlice(splitByChar('/', grid), 1, level), '/'),
        range(1, length(splitByChar('/', grid)) + 1)
    )) AS area,
    length(splitByChar('/', area)) AS level,
    date,
    hour,
    site,
    sum(g.readings) AS readings,
    sum(g.fevers) AS fevers,
    sum(g.fevers_confirmed) AS fevers_confirmed
FROM
(
    WITH assumeNotNull((SELECT timezone FROM v_policy)) AS zone
    SELECT
        t.area AS grid,
        toDate32(toTimeZone(t.occurred_at, zone)) AS date,
        toHour(toTimeZone(t.occurred_at, zone)) AS hour,
        t.site AS site,
        uniqExact(t.event_id) AS readings,
        toUInt64(0) AS fevers,
        toUInt64(0) AS fevers_confirmed
    FROM timeline AS t
    WHERE t.temperature_c != 0
    GROUP BY grid, date, hour, site

    UNION ALL

    WITH assumeNotNull((SELECT timezone FROM v_policy)) AS zone
    SELECT
        f.area AS grid,
        toDate32(toTimeZone(f.taken_at, zone)) AS date,
        toHour(toTimeZone(f.taken_at, zone)) AS hour,
        f.site AS site,
        toUInt64(0) AS readings,
        count() AS fevers,
        countIf(has(f.reasons, 'confirmed')) AS fevers_confirmed
    FROM
    (
        SELECT
            area,
            reasons,
            toLowCardinality(JSONExtractString(detail, 'site')) AS site,
            ifNull(parseDateTime64BestEffortOrNull(JSONExtractString(detail, 'taken_at'), 6, 'UTC'), raised_at) AS taken_at
        FROM v_alerts
        WHERE rule = 'fever'
    ) AS f
    GROUP BY grid, date, hour, site
) AS g
GROUP BY area, date, hour, site
COMMENT 'Readings, and fever alerts by the site and hour of their first reading; a record that the log holds twice counts once';

-- @next
CREATE OR REPLACE VIEW v_scans_by_day AS
SELECT
    arrayJoin(arrayMap(
        level -> arrayStringConcat(arraySlice(splitByChar('/', grid), 1, level), '/'),
        range(1, length(splitByChar('/', grid)) + 1)
    )) AS area,
    length(splitByChar('/', area)) AS level,
    date,
    checkpoint_id,
    direction,
    decision,
    sum(g.scans) AS scans
FROM
(
    WITH assumeNotNull((SELECT timezone FROM v_policy)) AS zone
    SELECT
        t.area AS grid,
        toDate32(toTimeZone(t.occurred_at, zone)) AS date,
        t.checkpoint_id AS checkpoint_id,
        t.direction AS direction,
        t.decision AS decision,
        uniqExact(t.event_id) AS scans
    FROM timeline AS t
    WHERE t.kind = 'checkpoint_scanned'
    GROUP BY grid, date, checkpoint_id, direction, decision
) AS g
GROUP BY area, date, checkpoint_id, direction, decision
COMMENT 'Scans by area, day, checkpoint, direction and decision; a record that the log holds twice counts once';

-- @next
CREATE OR REPLACE VIEW v_alerts_open AS
SELECT
    arrayJoin(arrayMap(
        level -> arrayStringConcat(arraySlice(splitByChar('/', grid), 1, level), '/'),
        range(1, length(splitByChar('/', grid)) + 1)
    )) AS area,
    length(splitByChar('/', area)) AS level,
    rule,
    severity,
    state,
    sum(g.alerts) AS alerts,
    min(g.oldest_raised_at) AS oldest_raised_at
FROM
(
    SELECT
        a.area AS grid,
        rule,
        severity,
        state,
        count() AS alerts,
        min(raised_at) AS oldest_raised_at
    FROM v_alerts AS a
    WHERE state != 'resolved'
    GROUP BY grid, rule, severity, state
) AS g
GROUP BY area, rule, severity, state
COMMENT 'Alerts that are not resolved, by area, rule, severity and state';

-- @next
CREATE OR REPLACE VIEW v_dead_letters_by_reason AS
SELECT source_topic, reason, count() AS dead_letters, max(first_appended_at) AS newest_appended_at
FROM v_dead_letters
GROUP BY source_topic, reason
COMMENT 'Refused records by topic and reason';
