-- question: How long do customers wait, span by span?
-- grain: one row per measure and span of time, empty spans included
-- parameters:
--   period_start  date  first local day, inclusive
--   period_end    date  local day after the last, exclusive
--   sector        text  only this sector; null: all
-- reads: ticket, conversation, turn
-- rows: there on a day of the period
-- anchor: arrival of the conversation
-- columns:
--   measure           text      -   queue_wait (M6), whole_wait (M8) or response (M9)
--   span              text      -   name of the span
--   from_s            duration  -   its first second
--   to_s              duration  -   its last second; null: no end
--   n                 count     -   observations within it
--   n_share           share     -   of all of the measure; null: there are none
--   cumulative_share  share     -   the same with all shorter spans
-- metrics: M6, M8, M9
-- behind:
--   n, n_share: conversas_de measure=$measure from_s=$from_s to_s=$to_s
--   from_s, to_s: conversas_de measure=$measure
--   cumulative_share: conversas_de measure=$measure to_s=$to_s
-- unique: measure, span
-- not null: measure, span, from_s, n
WITH span AS (
    SELECT 'minute_1' AS span, 0 AS from_s, 59 AS to_s
    UNION ALL
    SELECT 'minutes_5', 60, 299
    UNION ALL
    SELECT 'minutes_15', 300, 899
    UNION ALL
    SELECT 'minutes_30', 900, 1799
    UNION ALL
    SELECT 'hour_1', 1800, 3599
    UNION ALL
    SELECT 'hours_4', 3600, 14399
    UNION ALL
    SELECT 'day_1', 14400, 86399
    UNION ALL
    SELECT 'longer', 86400, CAST(NULL AS INTEGER)
),

measure AS (
    SELECT 1 AS measure_order, 'queue_wait' AS measure
    UNION ALL
    SELECT 2, 'whole_wait'
    UNION ALL
    SELECT 3, 'response'
),

waited AS (
    SELECT
        'queue_wait' AS measure,
        queue_wait_s AS value_s
    FROM ticket
    WHERE
        queue_wait_s IS NOT NULL
        AND started_day >= $period_start
        AND started_day < $period_end
        AND (CAST($sector AS STRING) IS NULL OR sector = $sector)
    UNION ALL
    SELECT
        'whole_wait' AS measure,
        whole_wait_s AS value_s
    FROM conversation
    WHERE
        whole_wait_s IS NOT NULL
        AND started_day >= $period_start
        AND started_day < $period_end
        AND (CAST($sector AS STRING) IS NULL OR COALESCE(first_response_sector, last_sector) = $sector)
    UNION ALL
    SELECT
        'response' AS measure,
        CASE WHEN CAST($sector AS STRING) IS NULL THEN whole_s ELSE own_s END AS value_s
    FROM turn
    WHERE
        state = 'answered'
        AND started_day >= $period_start
        AND started_day < $period_end
        AND (CAST($sector AS STRING) IS NULL OR sector = $sector)
),

counted AS (
    SELECT
        measure.measure_order,
        measure.measure,
        span.span,
        span.from_s,
        span.to_s,
        COUNT(waited.value_s) AS n
    FROM measure
    CROSS JOIN span
    LEFT JOIN waited
        ON waited.measure = measure.measure
        AND waited.value_s >= span.from_s
        AND (span.to_s IS NULL OR waited.value_s <= span.to_s)
    GROUP BY measure.measure_order, measure.measure, span.span, span.from_s, span.to_s
)

SELECT
    measure,
    span,
    CAST(from_s AS BIGINT) AS from_s,
    CAST(to_s AS BIGINT) AS to_s,
    n,
    CAST(n AS DOUBLE) / NULLIF(SUM(n) OVER (PARTITION BY measure), 0) AS n_share,
    CAST(SUM(n) OVER (PARTITION BY measure ORDER BY from_s) AS DOUBLE) / NULLIF(SUM(n) OVER (PARTITION BY measure), 0) AS cumulative_share
FROM counted
ORDER BY
    measure_order,
    from_s
