-- question: What does Blip itself report of each day, and how many tickets have we closed then by its rules?
-- grain: one row per day of Blip (cut at UTC−3) and figure of the whole desk
-- parameters:
--   period_start  date  first local day, inclusive
--   period_end    date  local day after the last, exclusive
--   sector        text  only this sector; null: all
--   figure        text  only this figure, such as closed, wait or one of its readings, such as wait_of_answered; null: all
-- reads: blip_figure, ticket
-- anchor: the close, on Blip's days
-- columns:
--   day             date    -   Blip's day
--   figure          text    -   closed, closed_attendant, closed_client, transferred, missed (tickets); queue, first_response, wait, response, attendance (mean seconds)
--   blips           number  -   as Blip reports it, tickets or seconds
--   tickets_closed  count   M4  tickets that we have closed on that day, transfers included
-- unique: day, figure
-- not null: day, figure
WITH ended AS (
    SELECT
        CAST(closed_at - INTERVAL '3' HOUR AS DATE) AS day,
        COUNT(*) AS tickets_closed
    FROM ticket
    WHERE closed_at IS NOT NULL
    GROUP BY 1
)

SELECT
    blip_figure.day,
    blip_figure.figure,
    CAST(SUM(blip_figure.value) AS DOUBLE) AS blips,
    CAST(COALESCE(MAX(ended.tickets_closed), 0) AS BIGINT) AS tickets_closed
FROM blip_figure
LEFT JOIN ended ON ended.day = blip_figure.day
WHERE
    blip_figure.queue IS NULL
    AND blip_figure.day >= $period_start
    AND blip_figure.day < $period_end
    AND (
        CAST($figure AS STRING) IS NULL
        OR $figure = blip_figure.figure
        OR starts_with($figure, CONCAT(blip_figure.figure, '_by_'))
        OR starts_with($figure, CONCAT(blip_figure.figure, '_from_'))
        OR starts_with($figure, CONCAT(blip_figure.figure, '_of_'))
    )
    AND (CAST($sector AS STRING) IS NULL OR CAST($sector AS STRING) IS NOT NULL)
GROUP BY blip_figure.day, blip_figure.figure
ORDER BY
    blip_figure.day,
    blip_figure.figure
