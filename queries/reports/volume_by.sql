-- question: How much work did each sector, attendant, channel or tag have, and how did its tickets end?
-- grain: one row per member of the dimension with a ticket of the period, then one total
-- parameters:
--   period_start  date  first local day, inclusive
--   period_end    date  local day after the last, exclusive
--   sector        text  only this sector; null: all
--   dimension     text  sector, agent, channel or tag
-- reads: ticket, ticket_tag
-- rows: there on a day of the period
-- anchor: conversations and tickets by arrival; closes by the close
-- columns:
--   row_kind         text   -    member or total
--   member           text   -    the sector, attendant, channel or tag; null: the total, and what has none
--   conversations    count  M2   conversations of the period that touch the member; one that touches two counts in both, once in the total
--   tickets          count  M1   tickets created; one with two tags counts in both, once in the total
--   tickets_share    share  M1   of all tickets created; null: none at all
--   lost_share       share  M12  of the tickets created, those that the customer left before the pick-up; null: none created
--   abandoned_share  share  M13  of the tickets created, those that the customer left after it; null: none created
--   closed           count  M4   tickets closed, transfers apart
--   attended         count  M4   of these, closed by the attendant
--   abandoned        count  M4   of these, left by the customer after the pick-up
--   lost             count  M4   of these, left by the customer before the pick-up
--   inactive         count  M4   of these, closed for silence
--   transferred      count  M4   tickets that a transfer ended
-- behind:
--   conversations: conversas_de measure=conversations
--   tickets, tickets_share: conversas_de measure=tickets
--   lost_share: conversas_de measure=lost
--   abandoned_share: conversas_de measure=abandoned
--   lost: conversas_de measure=closed_lost
--   abandoned: conversas_de measure=closed_abandoned
--   closed: conversas_de measure=closed
--   attended: conversas_de measure=attended
--   inactive: conversas_de measure=inactive
--   transferred: conversas_de measure=transferred
-- unique: row_kind, member
-- not null: row_kind, conversations, tickets, closed, attended, abandoned, lost, inactive, transferred
WITH kind AS (
    SELECT 'member' AS row_kind
    UNION ALL
    SELECT 'total' AS row_kind
),

-- Tags of a ticket, and of a conversation those of all its tickets.
tagged AS (
    SELECT
        CONCAT('ticket ', ticket_id) AS tag_key,
        tag
    FROM ticket_tag
    WHERE $dimension = 'tag'
    UNION
    SELECT
        CONCAT('conversation ', conversation_id) AS tag_key,
        tag
    FROM ticket_tag
    WHERE $dimension = 'tag'
),

fact AS (
    SELECT
        'begun' AS anchor,
        ticket.sector,
        ticket.agent,
        ticket.channel,
        CASE WHEN $dimension = 'tag' THEN CONCAT('ticket ', ticket.ticket_id) END AS tag_key,
        CASE WHEN ticket.conversation_tickets = 1 THEN CAST(NULL AS STRING) ELSE ticket.conversation_id END AS conversation_id,
        CAST(NULL AS STRING) AS outcome
    FROM ticket
    WHERE
        ticket.started_day >= $period_start
        AND ticket.started_day < $period_end
        AND (CAST($sector AS STRING) IS NULL OR ticket.sector = $sector)
    UNION ALL
    SELECT
        'created' AS anchor,
        ticket.sector,
        ticket.agent,
        ticket.channel,
        CASE WHEN $dimension = 'tag' THEN CONCAT('ticket ', ticket.ticket_id) END AS tag_key,
        CAST(NULL AS STRING) AS conversation_id,
        ticket.outcome
    FROM ticket
    WHERE
        ticket.created_day >= $period_start
        AND ticket.created_day < $period_end
        AND (CAST($sector AS STRING) IS NULL OR ticket.sector = $sector)
    UNION ALL
    SELECT
        'closed' AS anchor,
        ticket.sector,
        ticket.agent,
        ticket.channel,
        CASE WHEN $dimension = 'tag' THEN CONCAT('ticket ', ticket.ticket_id) END AS tag_key,
        CAST(NULL AS STRING) AS conversation_id,
        ticket.outcome
    FROM ticket
    WHERE
        ticket.closed_day >= $period_start
        AND ticket.closed_day < $period_end
        AND (CAST($sector AS STRING) IS NULL OR ticket.sector = $sector)
    UNION ALL
    -- There is a total even where nothing happened.
    SELECT
        'none' AS anchor,
        CAST(NULL AS STRING) AS sector,
        CAST(NULL AS STRING) AS agent,
        CAST(NULL AS STRING) AS channel,
        CAST(NULL AS STRING) AS tag_key,
        CAST(NULL AS STRING) AS conversation_id,
        CAST(NULL AS STRING) AS outcome
),

placed AS (
    SELECT
        kind.row_kind,
        CASE
            WHEN kind.row_kind = 'total' THEN CAST(NULL AS STRING)
            WHEN $dimension = 'sector' THEN fact.sector
            WHEN $dimension = 'agent' THEN fact.agent
            WHEN $dimension = 'channel' THEN fact.channel
            WHEN $dimension = 'tag' THEN tagged.tag
        END AS member,
        fact.anchor,
        fact.conversation_id,
        fact.outcome
    FROM fact
    CROSS JOIN kind
    LEFT JOIN tagged
        ON tagged.tag_key = CASE WHEN kind.row_kind = 'member' THEN fact.tag_key END
),

by_outcome AS (
    SELECT
        row_kind,
        member,
        anchor,
        outcome,
        COUNT(*) AS cases,
        -- The only ticket of its conversation counts as one; only the others need to be told apart, and no row without one is looked up.
        COUNT(*) - COUNT(conversation_id)
        + COUNT(DISTINCT conversation_id) FILTER (WHERE conversation_id IS NOT NULL) AS conversations
    FROM placed
    GROUP BY row_kind, member, anchor, outcome
),

counted AS (
    SELECT
        row_kind,
        member,
        COALESCE(MAX(conversations) FILTER (WHERE anchor = 'begun'), 0) AS conversations,
        CAST(COALESCE(SUM(cases) FILTER (WHERE anchor = 'created'), 0) AS BIGINT) AS tickets,
        CAST(COALESCE(SUM(cases) FILTER (WHERE anchor = 'created' AND outcome = 'lost'), 0) AS BIGINT) AS created_lost,
        CAST(COALESCE(SUM(cases) FILTER (WHERE anchor = 'created' AND outcome = 'abandoned'), 0) AS BIGINT) AS created_abandoned,
        CAST(COALESCE(SUM(cases) FILTER (WHERE anchor = 'closed' AND outcome NOT IN ('transferred', 'gone')), 0) AS BIGINT) AS closed,
        CAST(COALESCE(SUM(cases) FILTER (WHERE anchor = 'closed' AND outcome = 'attended'), 0) AS BIGINT) AS attended,
        CAST(COALESCE(SUM(cases) FILTER (WHERE anchor = 'closed' AND outcome = 'abandoned'), 0) AS BIGINT) AS abandoned,
        CAST(COALESCE(SUM(cases) FILTER (WHERE anchor = 'closed' AND outcome = 'lost'), 0) AS BIGINT) AS lost,
        CAST(COALESCE(SUM(cases) FILTER (WHERE anchor = 'closed' AND outcome = 'inactive'), 0) AS BIGINT) AS inactive,
        CAST(COALESCE(SUM(cases) FILTER (WHERE anchor = 'closed' AND outcome = 'transferred'), 0) AS BIGINT) AS transferred
    FROM by_outcome
    GROUP BY row_kind, member
    -- After the grouping: before it, all rows are compared in the join with the kinds of line.
    HAVING COUNT(*) FILTER (WHERE anchor <> 'none') > 0 OR row_kind = 'total'
)

SELECT
    row_kind,
    member,
    conversations,
    tickets,
    CAST(tickets AS DOUBLE) / NULLIF(MAX(tickets) FILTER (WHERE row_kind = 'total') OVER (), 0) AS tickets_share,
    CAST(created_lost AS DOUBLE) / NULLIF(tickets, 0) AS lost_share,
    CAST(created_abandoned AS DOUBLE) / NULLIF(tickets, 0) AS abandoned_share,
    closed,
    attended,
    abandoned,
    lost,
    inactive,
    transferred
FROM counted
ORDER BY
    row_kind,
    tickets DESC,
    member
