-- question: How long do customers wait in each sector: in the queue, for the first answer, for each further one, and in all?
-- grain: one row per measure and sector with at least one observation, and one total per measure
-- parameters:
--   period_start  date  first local day, inclusive
--   period_end    date  local day after the last, exclusive
--   sector        text  only this sector; null: all
-- reads: ticket, conversation, turn
-- anchor: waits and responses by the arrival of the conversation; handling by the close
-- columns:
--   row_kind  text      -   sector or total
--   measure   text      -   queue_wait (M6), first_response (M7), whole_wait (M8), response (M9) or handling (M10)
--   sector    text      -   the ticket's (M6, M7, M10), the one that replied first (M8) or replies (M9); null: the total
--   n         count     -   observations
--   n_null    count     -   cases without a value: not picked up, not answered, not closed
--   mean_s    duration  -   sum ÷ n; of M9 in a sector only the seconds in its own hands, in the total the customer's whole wait
--   median_s  duration  M25 exact, by rows
--   p90_s     duration  M25 exact, linear interpolation
--   min_s     duration  -   smallest
--   max_s     duration  -   largest
-- metrics: M6, M7, M8, M9, M10
-- unique: row_kind, measure, sector
-- not null: row_kind, measure, n, n_null, mean_s, median_s, p90_s
WITH observed AS (
    SELECT
        1 AS measure_order,
        'queue_wait' AS measure,
        sector AS sector,
        queue_wait_s AS sector_s,
        queue_wait_s AS total_s
    FROM ticket
    WHERE
        started_day >= $period_start
        AND started_day < $period_end
    UNION ALL
    SELECT
        2 AS measure_order,
        'first_response' AS measure,
        sector AS sector,
        first_response_s AS sector_s,
        first_response_s AS total_s
    FROM ticket
    WHERE
        started_day >= $period_start
        AND started_day < $period_end
    UNION ALL
    SELECT
        3 AS measure_order,
        'whole_wait' AS measure,
        COALESCE(first_response_sector, last_sector) AS sector,
        whole_wait_s AS sector_s,
        whole_wait_s AS total_s
    FROM conversation
    WHERE
        started_day >= $period_start
        AND started_day < $period_end
    UNION ALL
    SELECT
        4 AS measure_order,
        'response' AS measure,
        sector AS sector,
        own_s AS sector_s,
        whole_s AS total_s
    FROM turn
    WHERE
        started_day >= $period_start
        AND started_day < $period_end
    UNION ALL
    SELECT
        5 AS measure_order,
        'handling' AS measure,
        sector AS sector,
        handling_s AS sector_s,
        handling_s AS total_s
    FROM ticket
    WHERE
        closed_day >= $period_start
        AND closed_day < $period_end
),

scoped AS (
    SELECT
        'sector' AS row_kind,
        measure_order,
        measure,
        sector,
        sector_s AS value_s
    FROM observed
    WHERE CAST($sector AS VARCHAR) IS NULL OR sector = $sector
    UNION ALL
    SELECT
        'total' AS row_kind,
        measure_order,
        measure,
        CAST(NULL AS VARCHAR) AS sector,
        CASE WHEN CAST($sector AS VARCHAR) IS NULL THEN total_s ELSE sector_s END AS value_s
    FROM observed
    WHERE CAST($sector AS VARCHAR) IS NULL OR sector = $sector
)

SELECT
    row_kind,
    measure,
    sector,
    COUNT(value_s) AS n,
    COUNT(*) - COUNT(value_s) AS n_null,
    AVG(value_s) AS mean_s,
    percentile_cont(0.5) WITHIN GROUP (ORDER BY CAST(value_s AS DOUBLE)) AS median_s,
    percentile_cont(0.9) WITHIN GROUP (ORDER BY CAST(value_s AS DOUBLE)) AS p90_s,
    MIN(value_s) AS min_s,
    MAX(value_s) AS max_s
FROM scoped
GROUP BY
    row_kind,
    measure_order,
    measure,
    sector
HAVING COUNT(value_s) > 0
ORDER BY
    measure_order,
    row_kind,
    AVG(value_s) DESC,
    sector
