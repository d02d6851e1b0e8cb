-- question: How long do customers wait with each sector, attendant, channel or tag: in the queue, for the first answer, for each further one, and in all?
-- grain: one row per measure and member of the dimension with at least one observation, and one total per measure
-- parameters:
--   period_start  date  first local day, inclusive
--   period_end    date  local day after the last, exclusive
--   sector        text  only this sector; null: all
--   dimension     text  sector, agent, channel or tag
-- reads: ticket, conversation, turn, ticket_tag
-- rows: there on a day of the period
-- anchor: waits and responses by the arrival of the conversation; handling and resolution by the close
-- columns:
--   row_kind           text      -    member or total
--   measure            text      -    queue_wait (M6), first_response (M7), whole_wait (M8), response (M9), response_by_ticket (M9), handling (M10) or resolution (M11)
--   member             text      -    of the ticket (M6, M7, M10, response_by_ticket), of the first reply (M8), of the reply (M9), of the end (M11); null: the total, and what has none
--   n                  count     -    observations
--   n_null             count     -    cases without a value: not picked up, not answered, not closed; of response_by_ticket, tickets without a mean
--   mean_s             duration  -    sum ÷ n; of M9 in a sector only the seconds in its own hands, elsewhere the customer's whole wait
--   median_s           duration  M25  exact, by rows
--   p90_s              duration  M25  exact, linear interpolation
--   min_s              duration  -    smallest
--   max_s              duration  -    largest
--   business_mean_s    duration  M24  the same within business hours, mean; null: no calendar is declared, or response_by_ticket
--   business_median_s  duration  M24  median; null: no calendar is declared
--   business_p90_s     duration  M24  90th percentile; null: no calendar is declared
--   business_min_s     duration  -    smallest of these; null: no calendar is declared
--   business_max_s     duration  -    largest of these; null: no calendar is declared
--   off_hours          count     M24  observations that lie outside business hours as a whole, and count 0 there
-- notes: response_by_ticket stands in where the messages of a closed ticket are not here: one observation a ticket, the mean that Blip sends
--   with it. Tickets whose messages are here have their turns in response and do not count in it: the two are never mixed
-- metrics: M6, M7, M8, M9, M10, M11
-- behind:
--   n, mean_s, median_s, p90_s, min_s, max_s, business_mean_s, business_median_s, business_p90_s, business_min_s, business_max_s, off_hours: conversas_de measure=$measure
--   n_null: tickets_sem_tempo measure=$measure
-- unique: row_kind, measure, member
-- not null: row_kind, measure, n, n_null, mean_s, median_s, p90_s, off_hours
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
        'queue_wait' AS anchor,
        ticket.sector,
        ticket.agent,
        ticket.channel,
        CASE WHEN $dimension = 'tag' THEN CONCAT('ticket ', ticket.ticket_id) END AS tag_key,
        1 AS measure_order,
        'queue_wait' AS measure,
        ticket.queue_wait_s AS value_s,
        ticket.queue_wait_business_s AS business_s,
        ticket.queue_wait_s AS total_s,
        ticket.queue_wait_business_s AS total_business_s
    FROM ticket
    WHERE
        ticket.started_day >= $period_start
        AND ticket.started_day < $period_end
        AND (CAST($sector AS STRING) IS NULL OR ticket.sector = $sector)
    UNION ALL
    SELECT
        'first_response' AS anchor,
        ticket.sector,
        ticket.agent,
        ticket.channel,
        CASE WHEN $dimension = 'tag' THEN CONCAT('ticket ', ticket.ticket_id) END AS tag_key,
        2 AS measure_order,
        'first_response' AS measure,
        ticket.first_response_s AS value_s,
        ticket.first_response_business_s AS business_s,
        ticket.first_response_s AS total_s,
        ticket.first_response_business_s AS total_business_s
    FROM ticket
    WHERE
        ticket.started_day >= $period_start
        AND ticket.started_day < $period_end
        AND (CAST($sector AS STRING) IS NULL OR ticket.sector = $sector)
    UNION ALL
    SELECT
        'whole_wait' AS anchor,
        COALESCE(conversation.first_response_sector, conversation.last_sector) AS sector,
        conversation.first_response_agent AS agent,
        conversation.channel,
        CASE WHEN $dimension = 'tag' THEN CONCAT('conversation ', conversation.conversation_id) END AS tag_key,
        3 AS measure_order,
        'whole_wait' AS measure,
        conversation.whole_wait_s AS value_s,
        conversation.whole_wait_business_s AS business_s,
        conversation.whole_wait_s AS total_s,
        conversation.whole_wait_business_s AS total_business_s
    FROM conversation
    WHERE
        conversation.started_day >= $period_start
        AND conversation.started_day < $period_end
        AND (CAST($sector AS STRING) IS NULL OR COALESCE(conversation.first_response_sector, conversation.last_sector) = $sector)
    UNION ALL
    SELECT
        'response' AS anchor,
        turn.sector,
        turn.agent,
        turn.channel,
        CASE WHEN $dimension = 'tag' THEN CONCAT('conversation ', turn.conversation_id) END AS tag_key,
        4 AS measure_order,
        'response' AS measure,
        turn.own_s AS value_s,
        turn.own_business_s AS business_s,
        turn.whole_s AS total_s,
        turn.whole_business_s AS total_business_s
    FROM turn
    WHERE
        turn.started_day >= $period_start
        AND turn.started_day < $period_end
        AND (CAST($sector AS STRING) IS NULL OR turn.sector = $sector)
    UNION ALL
    SELECT
        'response_by_ticket' AS anchor,
        ticket.sector,
        ticket.agent,
        ticket.channel,
        CASE WHEN $dimension = 'tag' THEN CONCAT('ticket ', ticket.ticket_id) END AS tag_key,
        5 AS measure_order,
        'response_by_ticket' AS measure,
        ticket.blip_response_s AS value_s,
        CAST(NULL AS BIGINT) AS business_s,
        ticket.blip_response_s AS total_s,
        CAST(NULL AS BIGINT) AS total_business_s
    FROM ticket
    WHERE
        ticket.messages <> 'here'
        AND ticket.outcome <> 'pending'
        AND ticket.started_day >= $period_start
        AND ticket.started_day < $period_end
        AND (CAST($sector AS STRING) IS NULL OR ticket.sector = $sector)
    UNION ALL
    SELECT
        'handling' AS anchor,
        ticket.sector,
        ticket.agent,
        ticket.channel,
        CASE WHEN $dimension = 'tag' THEN CONCAT('ticket ', ticket.ticket_id) END AS tag_key,
        6 AS measure_order,
        'handling' AS measure,
        ticket.handling_s AS value_s,
        ticket.handling_business_s AS business_s,
        ticket.handling_s AS total_s,
        ticket.handling_business_s AS total_business_s
    FROM ticket
    WHERE
        ticket.closed_day >= $period_start
        AND ticket.closed_day < $period_end
        AND (CAST($sector AS STRING) IS NULL OR ticket.sector = $sector)
    UNION ALL
    SELECT
        'resolution' AS anchor,
        conversation.last_sector AS sector,
        conversation.last_agent AS agent,
        conversation.channel,
        CASE WHEN $dimension = 'tag' THEN CONCAT('conversation ', conversation.conversation_id) END AS tag_key,
        7 AS measure_order,
        'resolution' AS measure,
        conversation.resolution_s AS value_s,
        conversation.resolution_business_s AS business_s,
        conversation.resolution_s AS total_s,
        conversation.resolution_business_s AS total_business_s
    FROM conversation
    WHERE
        conversation.ended_day >= $period_start
        AND conversation.ended_day < $period_end
        AND (CAST($sector AS STRING) IS NULL OR conversation.last_sector = $sector)
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
        fact.measure_order,
        fact.measure,
        -- Half the width is sorted faster; no time lasts as long as the number can say.
        CAST(CASE
            WHEN (kind.row_kind = 'member' AND $dimension = 'sector') OR CAST($sector AS STRING) IS NOT NULL THEN fact.value_s
            ELSE fact.total_s
        END AS INTEGER) AS value_s,
        CAST(CASE
            WHEN (kind.row_kind = 'member' AND $dimension = 'sector') OR CAST($sector AS STRING) IS NOT NULL THEN fact.business_s
            ELSE fact.total_business_s
        END AS INTEGER) AS business_s
    FROM fact
    CROSS JOIN kind
    LEFT JOIN tagged
        ON tagged.tag_key = CASE WHEN kind.row_kind = 'member' THEN fact.tag_key END
)

SELECT
    row_kind,
    measure,
    member,
    COUNT(value_s) AS n,
    COUNT(*) - COUNT(value_s) AS n_null,
    AVG(value_s) AS mean_s,
    ROUND(percentile_cont(0.5) WITHIN GROUP (ORDER BY value_s), 1) AS median_s,
    ROUND(percentile_cont(0.9) WITHIN GROUP (ORDER BY value_s), 1) AS p90_s,
    MIN(value_s) AS min_s,
    MAX(value_s) AS max_s,
    AVG(business_s) AS business_mean_s,
    ROUND(percentile_cont(0.5) WITHIN GROUP (ORDER BY business_s), 1) AS business_median_s,
    ROUND(percentile_cont(0.9) WITHIN GROUP (ORDER BY business_s), 1) AS business_p90_s,
    MIN(business_s) AS business_min_s,
    MAX(business_s) AS business_max_s,
    COUNT(*) FILTER (WHERE business_s = 0 AND value_s > 0) AS off_hours
FROM placed
GROUP BY
    row_kind,
    measure_order,
    measure,
    member
HAVING COUNT(value_s) > 0
ORDER BY
    measure_order,
    row_kind,
    AVG(value_s) DESC,
    member
