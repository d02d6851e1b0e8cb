-- question: Does the routing send customers where they belong?
-- grain: one row per queue with a ticket created in the period
-- parameters:
--   period_start  date  first local day, inclusive
--   period_end    date  local day after the last, exclusive
--   sector        text  only this sector; null: all
-- reads: ticket
-- anchor: arrival of the ticket
-- columns:
--   queue          text   -    Blip's name
--   routing        text   M26  queue (a rule matched), direct (given to a person), default (no rule matched) or unresolved (no sector can be told)
--   sectors        count  -    sectors in which these tickets count
--   tickets        count  M1   tickets created
--   tickets_share  share  M26  of all tickets created
--   moved          count  M15  of these, those that a transfer ended
--   moved_share    share  M15  their share
-- behind:
--   sectors, tickets, tickets_share: conversas_de measure=tickets
--   moved, moved_share: conversas_de measure=passed_on
-- unique: queue, routing
-- not null: queue, routing, sectors, tickets, tickets_share, moved, moved_share
WITH counted AS (
    SELECT
        queue,
        routing,
        COUNT(DISTINCT sector) AS sectors,
        COUNT(*) AS tickets,
        COUNT(*) FILTER (WHERE outcome = 'transferred') AS moved
    FROM ticket
    WHERE
        created_day >= $period_start
        AND created_day < $period_end
        AND (CAST($sector AS STRING) IS NULL OR sector = $sector)
    GROUP BY queue, routing
)

SELECT
    queue,
    routing,
    sectors,
    tickets,
    CAST(tickets AS DOUBLE) / SUM(tickets) OVER () AS tickets_share,
    moved,
    CAST(moved AS DOUBLE) / tickets AS moved_share
FROM counted
ORDER BY
    tickets DESC,
    queue,
    routing
