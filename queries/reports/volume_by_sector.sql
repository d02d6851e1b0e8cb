-- question: How much work did each sector have, and how did its tickets end?
-- grain: one row per sector with a ticket created or closed in the period, then one total
-- parameters:
--   period_start  date  first local day, inclusive
--   period_end    date  local day after the last, exclusive
--   sector        text  only this sector; null: all
-- reads: ticket, conversation
-- anchor: conversations and tickets by arrival; closes by the close
-- columns:
--   row_kind        text   -     sector or total
--   sector          text   -     null: the total
--   conversations   count  M2    conversations of the period that touch the sector; one that touches two counts in both, once in the total
--   tickets         count  M1    tickets created
--   tickets_share   share  M1    of all tickets created; null: none at all
--   closed          count  M4    tickets closed, transfers apart
--   attended        count  M4    of these, closed by the attendant
--   abandoned       count  M4    of these, left by the customer after the pick-up
--   lost            count  M4    of these, left by the customer before the pick-up
--   inactive        count  M4    of these, closed for silence
--   transferred     count  M4    tickets that a transfer ended
-- unique: row_kind, sector
-- not null: row_kind, conversations, tickets, closed, attended, abandoned, lost, inactive, transferred
WITH scoped AS (
    SELECT
        'sector' AS row_kind,
        sector,
        conversation_id,
        outcome,
        created_day,
        closed_day
    FROM ticket
    WHERE CAST($sector AS VARCHAR) IS NULL OR sector = $sector
    UNION ALL
    SELECT
        'total' AS row_kind,
        CAST(NULL AS VARCHAR) AS sector,
        conversation_id,
        outcome,
        created_day,
        closed_day
    FROM ticket
    WHERE CAST($sector AS VARCHAR) IS NULL OR sector = $sector
),

touched AS (
    SELECT
        scoped.row_kind,
        scoped.sector,
        COUNT(DISTINCT scoped.conversation_id) AS conversations
    FROM scoped
    INNER JOIN conversation ON conversation.conversation_id = scoped.conversation_id
    WHERE
        conversation.started_day >= $period_start
        AND conversation.started_day < $period_end
    GROUP BY scoped.row_kind, scoped.sector
),

counted AS (
    SELECT
        row_kind,
        sector,
        COUNT(*) FILTER (WHERE created_day >= $period_start AND created_day < $period_end) AS tickets,
        COUNT(*) FILTER (WHERE outcome <> 'transferred' AND closed_day >= $period_start AND closed_day < $period_end) AS closed,
        COUNT(*) FILTER (WHERE outcome = 'attended' AND closed_day >= $period_start AND closed_day < $period_end) AS attended,
        COUNT(*) FILTER (WHERE outcome = 'abandoned' AND closed_day >= $period_start AND closed_day < $period_end) AS abandoned,
        COUNT(*) FILTER (WHERE outcome = 'lost' AND closed_day >= $period_start AND closed_day < $period_end) AS lost,
        COUNT(*) FILTER (WHERE outcome = 'inactive' AND closed_day >= $period_start AND closed_day < $period_end) AS inactive,
        COUNT(*) FILTER (WHERE outcome = 'transferred' AND closed_day >= $period_start AND closed_day < $period_end) AS transferred
    FROM scoped
    GROUP BY row_kind, sector
)

SELECT
    counted.row_kind,
    counted.sector,
    COALESCE(touched.conversations, 0) AS conversations,
    counted.tickets,
    CAST(counted.tickets AS DOUBLE)
    / NULLIF(MAX(counted.tickets) FILTER (WHERE counted.row_kind = 'total') OVER (), 0) AS tickets_share,
    counted.closed,
    counted.attended,
    counted.abandoned,
    counted.lost,
    counted.inactive,
    counted.transferred
FROM counted
LEFT JOIN touched
    ON touched.row_kind = counted.row_kind
    AND COALESCE(touched.sector, '') = COALESCE(counted.sector, '')
WHERE counted.tickets > 0 OR counted.closed > 0 OR counted.transferred > 0 OR counted.row_kind = 'total'
ORDER BY
    counted.row_kind,
    counted.tickets DESC,
    counted.sector
