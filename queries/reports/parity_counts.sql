-- question: Do our counts of ended tickets agree with Blip's own report of the same days?
-- grain: one row per count that Blip reports and per reading of it, where two are in use
-- parameters:
--   period_start  date  first local day, inclusive
--   period_end    date  local day after the last, exclusive
--   sector        text  ignored: Blip reports these of the whole desk
-- reads: ticket, blip_figure, coverage, quality
-- anchor: the close, on Blip's days (cut at UTC−3), of those days that Blip has reported
-- columns:
--   figure            text   -   closed, transferred, closed_attendant, closed_client or missed; closed_attendant_by_pickup, closed_client_by_pickup or missed_by_pickup
--   days              count  -   days that Blip has reported
--   ours              count  M4  by the reading of the figure
--   blips             count  -   as Blip reports it
--   difference        count  -   ours − Blip's
--   days_equal        count  -   days without a difference
--   days_explained    count  -   days with one that a rule explains: the store begins, records were set aside, the day is not read in full, or Blip follows the other reading
--   days_unexplained  count  -   all other days
--   explanation       text   -   equal, history, quarantine, incomplete or unexplained: of the largest difference; other_definition: Blip follows the other reading
-- behind:
--   days, ours, blips, difference, days_equal, days_explained, days_unexplained: paridade_por_dia figure=$figure
-- unique: figure
-- not null: figure, days, ours, blips, difference, days_equal, days_explained, days_unexplained, explanation
-- notes: Blip's panel goes by who closed the ticket and whether it had an attendant: closed by the customer or for inactivity, without an
--   attendant it is missed (lost), with one it is closed_client (abandoned). The other reading goes by the pick-up: what nobody picked up is
--   missed whoever closed it, and the rest goes by who closed it. Where fewer days agree with one reading than with the other of the same
--   figure, Blip follows the other one
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
            WHEN outcome = 'attended' THEN 'closed_attendant'
            WHEN status IN ('ClosedClient', 'ClosedClientInactivity') AND agent IS NULL THEN 'missed'
            WHEN status IN ('ClosedClient', 'ClosedClientInactivity') THEN 'closed_client'
        END AS figure,
        CASE
            WHEN outcome IN ('transferred', 'gone') THEN CAST(NULL AS STRING)
            WHEN opened_at IS NULL THEN 'missed_by_pickup'
            WHEN outcome = 'attended' THEN 'closed_attendant_by_pickup'
            ELSE 'closed_client_by_pickup'
        END AS figure_by_pickup
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
        figure_by_pickup AS figure,
        COUNT(*) AS value
    FROM ended
    GROUP BY day, figure_by_pickup
    UNION ALL
    SELECT
        day,
        'closed' AS figure,
        COUNT(*) AS value
    FROM ended
    GROUP BY day
),

-- Which of our figures is held against which of Blip's.
reading AS (
    SELECT 'closed' AS figure, 'closed' AS blip_figure
    UNION ALL
    SELECT 'transferred', 'transferred'
    UNION ALL
    SELECT 'closed_attendant', 'closed_attendant'
    UNION ALL
    SELECT 'closed_attendant_by_pickup', 'closed_attendant'
    UNION ALL
    SELECT 'closed_client', 'closed_client'
    UNION ALL
    SELECT 'closed_client_by_pickup', 'closed_client'
    UNION ALL
    SELECT 'missed', 'missed'
    UNION ALL
    SELECT 'missed_by_pickup', 'missed'
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
        reading.figure,
        reading.blip_figure,
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
    INNER JOIN reading ON reading.blip_figure = blips.figure
    CROSS JOIN history
    CROSS JOIN set_aside
    LEFT JOIN ours ON ours.day = blips.day AND ours.figure = reading.figure
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
),

counted AS (
    SELECT
        figure,
        blip_figure,
        COUNT(*) AS days,
        CAST(SUM(ours) AS BIGINT) AS ours,
        CAST(SUM(blips) AS BIGINT) AS blips,
        COUNT(*) FILTER (WHERE explanation = 'equal') AS days_equal,
        COUNT(*) FILTER (WHERE explanation NOT IN ('equal', 'unexplained')) AS days_explained,
        COUNT(*) FILTER (WHERE explanation = 'unexplained') AS days_unexplained,
        MAX(CASE WHEN place = 1 THEN explanation END) AS explanation
    FROM ranked
    GROUP BY figure, blip_figure
),

followed AS (
    SELECT
        counted.*,
        days_equal < MAX(days_equal) OVER (PARTITION BY blip_figure) AS is_other
    FROM counted
)

SELECT
    figure,
    days,
    ours,
    blips,
    ours - blips AS difference,
    days_equal,
    CASE WHEN is_other THEN days - days_equal ELSE days_explained END AS days_explained,
    CASE WHEN is_other THEN 0 ELSE days_unexplained END AS days_unexplained,
    CASE WHEN is_other THEN 'other_definition' ELSE explanation END AS explanation
FROM followed
ORDER BY figure
