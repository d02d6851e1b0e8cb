-- question: Do our mean times agree with Blip's own report of the same days?
-- grain: one row per mean that Blip reports, wait and attendance by both of the definitions that it has published
-- parameters:
--   period_start  date  first local day, inclusive
--   period_end    date  local day after the last, exclusive
--   sector        text  ignored: Blip reports these of the whole desk
-- reads: ticket, blip_figure, coverage
-- anchor: the close, on Blip's days (cut at UTC−3), of those days that Blip has reported
-- columns:
--   figure            text      -  queue, first_response, wait, wait_of_answered, response, attendance_from_pickup or attendance_from_answer
--   days              count     -  days that both have
--   tickets           count     -  tickets closed on these days that have the time
--   ours_s            duration  -  their mean; null: none
--   blips_s           duration  -  Blip's means of the days, each weighed with our tickets of the day; null: none
--   difference_s      duration  -  ours − Blip's; null: none
--   days_equal        count     -  days within a second: instants are cut to the second here, and not there
--   days_explained    count     -  days with a difference that a rule explains: impossible waits are left out here, the day is not read in full, or Blip follows the other definition
--   days_unexplained  count     -  all other days
--   explanation       text      -  equal, rejected, incomplete or unexplained: of the largest difference; other_definition: Blip follows the other one
-- behind:
--   days, tickets, ours_s, blips_s, difference_s, days_equal, days_explained, days_unexplained: paridade_por_dia figure=$figure
-- unique: figure
-- not null: figure, days, tickets, days_equal, days_explained, days_unexplained, explanation
-- notes: wait runs from the creation to the first response, or to the close where nobody answered; wait_of_answered, the earlier definition,
--   leaves out tickets that nobody answered. response is the plain mean over tickets of the mean that Blip sends with each. Attendance
--   begins at the pick-up or at the first response. Where fewer days agree with one definition than with the other of the same figure, Blip
--   follows the other one
WITH ended AS (
    SELECT
        CAST(closed_at - INTERVAL '3' HOUR AS DATE) AS day,
        ticket.*
    FROM ticket
    WHERE
        closed_day >= CAST($period_start AS DATE) - INTERVAL '1' DAY
        AND closed_day <= $period_end
        AND (CAST($sector AS STRING) IS NULL OR CAST($sector AS STRING) IS NOT NULL)
),

timed AS (
    SELECT day, 'queue' AS figure, 'queue' AS blip_figure, queue_wait_s AS value_s, queue_wait_rejected AS is_rejected FROM ended
    UNION ALL
    SELECT day, 'first_response', 'first_response', first_response_s, first_response_early FROM ended
    UNION ALL
    SELECT day, 'wait', 'wait', blip_wait_s, queue_wait_rejected FROM ended
    UNION ALL
    SELECT day, 'wait_of_answered', 'wait', blip_answered_wait_s, queue_wait_rejected FROM ended
    UNION ALL
    SELECT day, 'response', 'response', blip_response_s, FALSE FROM ended
    UNION ALL
    SELECT day, 'attendance_from_pickup', 'attendance', handling_s, queue_wait_rejected FROM ended
    UNION ALL
    SELECT day, 'attendance_from_answer', 'attendance', blip_attendance_s, first_response_early FROM ended
),

ours AS (
    SELECT
        day,
        figure,
        blip_figure,
        COUNT(value_s) AS tickets,
        AVG(value_s) AS value_s,
        COUNT(*) FILTER (WHERE is_rejected) AS rejected
    FROM timed
    GROUP BY day, figure, blip_figure
),

blips AS (
    SELECT
        day,
        figure,
        AVG(value) AS value_s,
        COUNT(*) AS desks
    FROM blip_figure
    WHERE
        queue IS NULL
        AND day >= $period_start
        AND day < $period_end
    GROUP BY day, figure
),

compared AS (
    SELECT
        ours.figure,
        ours.blip_figure,
        ours.day,
        ours.tickets,
        ours.value_s AS ours_s,
        blips.value_s AS blips_s,
        CASE
            WHEN ABS(ours.value_s - blips.value_s) <= 1 THEN 'equal'
            WHEN ours.rejected > 0 THEN 'rejected'
            WHEN blips.desks > 1 OR NOT COALESCE(coverage.is_complete, FALSE) THEN 'incomplete'
            ELSE 'unexplained'
        END AS explanation
    FROM ours
    INNER JOIN blips ON blips.day = ours.day AND blips.figure = ours.blip_figure
    LEFT JOIN coverage ON coverage.resource = 'ticket' AND coverage.day = ours.day
    WHERE ours.tickets > 0
),

ranked AS (
    SELECT
        compared.*,
        ROW_NUMBER() OVER (
            PARTITION BY figure
            ORDER BY
                CASE explanation WHEN 'equal' THEN 2 WHEN 'unexplained' THEN 0 ELSE 1 END,
                ABS(ours_s - blips_s) DESC,
                day
        ) AS place
    FROM compared
),

counted AS (
    SELECT
        figure,
        blip_figure,
        COUNT(*) AS days,
        CAST(SUM(tickets) AS BIGINT) AS tickets,
        CAST(SUM(ours_s * tickets) AS DOUBLE) / SUM(tickets) AS ours_s,
        CAST(SUM(blips_s * tickets) AS DOUBLE) / SUM(tickets) AS blips_s,
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
    tickets,
    ours_s,
    blips_s,
    ours_s - blips_s AS difference_s,
    days_equal,
    CASE WHEN is_other THEN days - days_equal ELSE days_explained END AS days_explained,
    CASE WHEN is_other THEN 0 ELSE days_unexplained END AS days_unexplained,
    CASE WHEN is_other THEN 'other_definition' ELSE explanation END AS explanation
FROM followed
ORDER BY figure
