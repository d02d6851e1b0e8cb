-- question: Do our counts of ended tickets agree with Blip's own report of the same days?
-- grain: one row per count that Blip reports
-- parameters:
--   period_start  date  first local day, inclusive
--   period_end    date  local day after the last, exclusive
--   sector        text  ignored: Blip reports these of the whole desk
-- reads: ticket, blip_figure, coverage, quality
-- anchor: the close, on Blip's days (cut at UTC−3), of those days that Blip has reported
-- columns:
--   figure            text   -   closed, closed_attendant, closed_client, transferred or missed
--   days              count  -   days that Blip has reported
--   ours              count  M4  by Blip's definition: the customer's and inactive closes together; never picked up is missed, whatever closed it
--   blips             count  -   as Blip reports it
--   difference        count  -   ours − Blip's
--   days_equal        count  -   days without a difference
--   days_explained    count  -   days with one that a rule explains: the store begins, records were set aside, or the day is not read in full
--   days_unexplained  count  -   all other days
--   explanation       text   -   equal, history, quarantine, incomplete or unexplained: of the largest difference; null: Blip reported nothing
-- behind:
--   days, ours, blips, difference, days_equal, days_explained, days_unexplained: paridade_por_dia figure=$figure
-- unique: figure
-- not null: figure, days, ours, blips, difference, days_equal, days_explained, days_unexplained
WITH blips AS (
    SELECT
        day,
        figure,
        SUM(value) AS value
    FROM blip_figure
    WHERE
        queue IS NULL
        AND figure IN ('closed', 'closed_attendant', 'closed_client', 'transferred', 'missed')
        AND day >= $period_start
        AND day < $period_end
        AND (CAST($sector AS STRING) IS NULL OR CAST($sector AS STRING) IS NOT NULL)
    GROUP BY day, figure
),

ended AS (
    SELECT
        CAST(closed_at - INTERVAL '3' HOUR AS DATE) AS day,
        CASE
            WHEN outcome = 'transferred' THEN 'transferred'
            WHEN opened_at IS NULL THEN 'missed'
            WHEN outcome = 'attended' THEN 'closed_attendant'
            ELSE 'closed_client'
        END AS figure
    FROM ticket
    WHERE
        closed_day >= CAST($period_start AS DATE) - INTERVAL '1' DAY
        AND closed_day <= $period_end
),

ours AS (
    SELECT
        day,
        figure,
        COUNT(*) AS value
    FROM ended
    GROUP BY day, figure
    UNION ALL
    SELECT
        day,
        'closed' AS figure,
        COUNT(*) AS value
    FROM ended
    GROUP BY day
),

set_aside AS (
    SELECT SUM(set_aside) AS records
    FROM quality
    WHERE
        check_name = 'listed'
        AND day >= CAST($period_start AS DATE) - INTERVAL '31' DAY
        AND day < $period_end
),

history AS (
    SELECT MIN(day) AS first_day
    FROM coverage
    WHERE resource = 'ticket'
),

compared AS (
    SELECT
        blips.figure,
        blips.day,
        COALESCE(ours.value, 0) AS ours,
        blips.value AS blips,
        CASE
            WHEN COALESCE(ours.value, 0) = blips.value THEN 'equal'
            WHEN COALESCE(ours.value, 0) < blips.value AND blips.day < history.first_day + INTERVAL '7' DAY THEN 'history'
            WHEN COALESCE(ours.value, 0) < blips.value AND blips.value - COALESCE(ours.value, 0) <= COALESCE(set_aside.records, 0)
                THEN 'quarantine'
            WHEN COALESCE(coverage.is_complete, FALSE) THEN 'unexplained'
            ELSE 'incomplete'
        END AS explanation
    FROM blips
    CROSS JOIN history
    CROSS JOIN set_aside
    LEFT JOIN ours ON ours.day = blips.day AND ours.figure = blips.figure
    LEFT JOIN coverage ON coverage.resource = 'ticket' AND coverage.day = blips.day
),

ranked AS (
    SELECT
        compared.*,
        ROW_NUMBER() OVER (
            PARTITION BY figure
            ORDER BY
                CASE explanation WHEN 'equal' THEN 2 WHEN 'unexplained' THEN 0 ELSE 1 END,
                ABS(ours - blips) DESC,
                day
        ) AS place
    FROM compared
)

SELECT
    figure,
    COUNT(*) AS days,
    CAST(SUM(ours) AS BIGINT) AS ours,
    CAST(SUM(blips) AS BIGINT) AS blips,
    CAST(SUM(ours) AS BIGINT) - CAST(SUM(blips) AS BIGINT) AS difference,
    COUNT(*) FILTER (WHERE explanation = 'equal') AS days_equal,
    COUNT(*) FILTER (WHERE explanation NOT IN ('equal', 'unexplained')) AS days_explained,
    COUNT(*) FILTER (WHERE explanation = 'unexplained') AS days_unexplained,
    MAX(CASE WHEN place = 1 THEN explanation END) AS explanation
FROM ranked
GROUP BY figure
ORDER BY figure
