-- question: How much work was open when the period began and when it ended, and where did it grow?
-- grain: one row per sector with any open or arriving ticket, then one total
-- parameters:
--   period_start  date  first local day, inclusive
--   period_end    date  local day after the last, exclusive
--   sector        text  only this sector; null: all
-- reads: calendar_day, ticket
-- anchor: instants: the end of the day before the period, and the end of its last day that is loaded
-- columns:
--   row_kind    text   -   member or total
--   sector      text   -   null: the total
--   open_start  count  M5  tickets open when the period began
--   created     count  M1  tickets created
--   closed      count  M4  tickets closed, transfers included: a transfer ends a ticket
--   open_end    count  M5  tickets open when the period ended; open_start + created − closed
--   oldest_day  date   M5  day on which the oldest of these was created; null: none is open
-- behind:
--   open_start: conversas_de measure=open_start
--   created: conversas_de measure=tickets
--   closed: tickets_encerrados
--   open_end, oldest_day: conversas_de measure=open_end
-- unique: row_kind, sector
-- not null: row_kind, open_start, created, closed, open_end
WITH kind AS (
    SELECT 'member' AS row_kind
    UNION ALL
    SELECT 'total' AS row_kind
),

moved AS (
    SELECT
        kind.row_kind,
        CASE WHEN kind.row_kind = 'member' THEN calendar_day.sector END AS sector,
        calendar_day.day,
        calendar_day.created,
        calendar_day.closed,
        calendar_day.open_end,
        MAX(calendar_day.day) OVER () AS last_day
    FROM calendar_day
    CROSS JOIN kind
    WHERE
        calendar_day.day >= $period_start
        AND calendar_day.day < $period_end
        AND (CAST($sector AS STRING) IS NULL OR calendar_day.sector = $sector)
),

counted AS (
    SELECT
        moved.row_kind,
        moved.sector,
        CAST(SUM(moved.created) AS BIGINT) AS created,
        CAST(SUM(moved.closed) AS BIGINT) AS closed,
        CAST(SUM(CASE WHEN moved.day = moved.last_day THEN moved.open_end ELSE 0 END) AS BIGINT) AS open_end
    FROM moved
    GROUP BY moved.row_kind, moved.sector
),

oldest AS (
    SELECT
        kind.row_kind,
        CASE WHEN kind.row_kind = 'member' THEN ticket.sector END AS sector,
        MIN(ticket.created_day) AS oldest_day
    FROM ticket
    CROSS JOIN kind
    WHERE
        ticket.created_day < $period_end
        AND (ticket.closed_day IS NULL OR ticket.closed_day >= $period_end)
        AND (CAST($sector AS STRING) IS NULL OR ticket.sector = $sector)
    GROUP BY
        kind.row_kind,
        CASE WHEN kind.row_kind = 'member' THEN ticket.sector END
)

SELECT
    counted.row_kind,
    counted.sector,
    counted.open_end - counted.created + counted.closed AS open_start,
    counted.created,
    counted.closed,
    counted.open_end,
    oldest.oldest_day
FROM counted
LEFT JOIN oldest
    ON oldest.row_kind = counted.row_kind
    AND COALESCE(oldest.sector, '') = COALESCE(counted.sector, '')
WHERE counted.created > 0 OR counted.closed > 0 OR counted.open_end > 0 OR counted.row_kind = 'total'
ORDER BY
    counted.row_kind,
    counted.open_end DESC,
    counted.sector
