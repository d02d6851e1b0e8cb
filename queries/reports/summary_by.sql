-- question: How is each sector, attendant, channel or tag doing, in one line?
-- grain: one row per member of the dimension with a ticket or a reply of the period, then one total
-- parameters:
--   period_start  date  first local day, inclusive
--   period_end    date  local day after the last, exclusive
--   sector        text  only this sector; null: all
--   dimension     text  sector, agent, channel or tag
-- reads: ticket, conversation, turn, rating, ticket_tag
-- rows: there on a day of the period
-- anchor: volume, waits and responses by the arrival of the conversation (tickets: their own); returns and satisfaction by the close
-- columns:
--   row_kind                  text      -    member or total
--   member                    text      -    the sector, attendant, channel or tag; null: the total, and what has none
--   conversations             count     M2   conversations of the period that touch the member
--   tickets                   count     M1   tickets created
--   lost_share                share     M12  of these, left by the customer before the pick-up; null: none created
--   queue_wait_n              count     M6   tickets that were picked up
--   queue_wait_median_s       duration  M6   median; null: none was picked up
--   queue_wait_min_s          duration  -    smallest
--   queue_wait_max_s          duration  -    largest
--   whole_wait_n              count     M8   answered conversations whose first reply was the member's
--   whole_wait_mean_s         duration  M8   mean; null: none was answered
--   response_n                count     M9   answered turns
--   response_mean_s           duration  M9   mean, in a sector only the seconds in its own hands; null: no answered turn
--   response_median_s         duration  M25  the same, median
--   response_p90_s            duration  M25  the same, 90th percentile
--   response_min_s            duration  -    the same, smallest
--   response_max_s            duration  -    the same, largest
--   response_business_mean_s  duration  M24  the same within business hours, mean; null: no answered turn, or no calendar
--   returned_7d_share         share     M16  of the conversations that ended with the member, those followed by another within seven days; null: none ended
--   ratings                   count     M18  valid answers that count
--   csat_share                share     M18  satisfied ÷ ratings; null: no answer, or another scale
--   csat_mean                 number    M19  mean score on its own scale; null: no answer
--   nps                       number    M20  promoters − detractors, −100 to 100; null: no answer, or another scale
--   few                       flag      M22  fewer than 30 answers: too few to rank
-- behind:
--   conversations: conversas_de measure=conversations
--   tickets: conversas_de measure=tickets
--   lost_share: conversas_de measure=lost
--   queue_wait_n, queue_wait_median_s, queue_wait_min_s, queue_wait_max_s: conversas_de measure=queue_wait
--   whole_wait_n, whole_wait_mean_s: conversas_de measure=whole_wait
--   response_n, response_mean_s, response_median_s, response_p90_s, response_min_s, response_max_s, response_business_mean_s: conversas_de measure=response
--   returned_7d_share: conversas_de measure=returned_7d
--   ratings, csat_mean, nps, few: conversas_de measure=ratings
--   csat_share: conversas_de measure=satisfied
-- unique: row_kind, member
-- not null: row_kind, conversations, tickets, queue_wait_n, whole_wait_n, response_n, ratings, few
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
        ticket.queue_wait_s AS value_s,
        ticket.queue_wait_s AS total_s,
        CAST(NULL AS BIGINT) AS business_s,
        CAST(NULL AS BIGINT) AS total_business_s,
        CAST(NULL AS BOOLEAN) AS flag,
        CAST(NULL AS DOUBLE) AS score,
        CAST(NULL AS INTEGER) AS opinion
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
        CAST(NULL AS BIGINT) AS value_s,
        CAST(NULL AS BIGINT) AS total_s,
        CAST(NULL AS BIGINT) AS business_s,
        CAST(NULL AS BIGINT) AS total_business_s,
        ticket.outcome = 'lost' AS flag,
        CAST(NULL AS DOUBLE) AS score,
        CAST(NULL AS INTEGER) AS opinion
    FROM ticket
    WHERE
        ticket.created_day >= $period_start
        AND ticket.created_day < $period_end
        AND (CAST($sector AS STRING) IS NULL OR ticket.sector = $sector)
    UNION ALL
    SELECT
        'answered' AS anchor,
        conversation.first_response_sector AS sector,
        conversation.first_response_agent AS agent,
        conversation.channel,
        CASE WHEN $dimension = 'tag' THEN CONCAT('conversation ', conversation.conversation_id) END AS tag_key,
        CAST(NULL AS STRING) AS conversation_id,
        conversation.whole_wait_s AS value_s,
        conversation.whole_wait_s AS total_s,
        CAST(NULL AS BIGINT) AS business_s,
        CAST(NULL AS BIGINT) AS total_business_s,
        CAST(NULL AS BOOLEAN) AS flag,
        CAST(NULL AS DOUBLE) AS score,
        CAST(NULL AS INTEGER) AS opinion
    FROM conversation
    WHERE
        conversation.started_day >= $period_start
        AND conversation.started_day < $period_end
        AND (CAST($sector AS STRING) IS NULL OR conversation.first_response_sector = $sector)
    UNION ALL
    SELECT
        'replied' AS anchor,
        turn.sector,
        turn.agent,
        turn.channel,
        CASE WHEN $dimension = 'tag' THEN CONCAT('conversation ', turn.conversation_id) END AS tag_key,
        CAST(NULL AS STRING) AS conversation_id,
        turn.own_s AS value_s,
        turn.whole_s AS total_s,
        turn.own_business_s AS business_s,
        turn.whole_business_s AS total_business_s,
        CAST(NULL AS BOOLEAN) AS flag,
        CAST(NULL AS DOUBLE) AS score,
        CAST(NULL AS INTEGER) AS opinion
    FROM turn
    WHERE
        turn.state = 'answered'
        AND turn.started_day >= $period_start
        AND turn.started_day < $period_end
        AND (CAST($sector AS STRING) IS NULL OR turn.sector = $sector)
    UNION ALL
    SELECT
        'ended' AS anchor,
        conversation.last_sector AS sector,
        conversation.last_agent AS agent,
        conversation.channel,
        CASE WHEN $dimension = 'tag' THEN CONCAT('conversation ', conversation.conversation_id) END AS tag_key,
        CAST(NULL AS STRING) AS conversation_id,
        CAST(NULL AS BIGINT) AS value_s,
        CAST(NULL AS BIGINT) AS total_s,
        CAST(NULL AS BIGINT) AS business_s,
        CAST(NULL AS BIGINT) AS total_business_s,
        conversation.returned_after_s <= 604800 AS flag,
        CAST(NULL AS DOUBLE) AS score,
        CAST(NULL AS INTEGER) AS opinion
    FROM conversation
    WHERE
        conversation.ended_day >= $period_start
        AND conversation.ended_day < $period_end
        AND (CAST($sector AS STRING) IS NULL OR conversation.last_sector = $sector)
    UNION ALL
    SELECT
        'rated' AS anchor,
        rating.sector,
        rating.agent,
        rating.channel,
        CASE WHEN $dimension = 'tag' THEN CONCAT('conversation ', rating.conversation_id) END AS tag_key,
        CAST(NULL AS STRING) AS conversation_id,
        CAST(NULL AS BIGINT) AS value_s,
        CAST(NULL AS BIGINT) AS total_s,
        CAST(NULL AS BIGINT) AS business_s,
        CAST(NULL AS BIGINT) AS total_business_s,
        CASE WHEN rating.scale = '1-5' THEN rating.is_satisfied END AS flag,
        rating.score AS score,
        -- Promoter, passive or detractor.
        CASE WHEN rating.scale = '0-10' AND rating.score >= 9 THEN 1 WHEN rating.scale = '0-10' AND rating.score <= 6 THEN -1 WHEN rating.scale = '0-10' THEN 0 END AS opinion
    FROM rating
    WHERE
        rating.counted
        AND rating.period_day >= $period_start
        AND rating.period_day < $period_end
        AND (CAST($sector AS STRING) IS NULL OR rating.sector = $sector)
    UNION ALL
    -- There is a total even where nothing happened.
    SELECT
        'none' AS anchor,
        CAST(NULL AS STRING) AS sector,
        CAST(NULL AS STRING) AS agent,
        CAST(NULL AS STRING) AS channel,
        CAST(NULL AS STRING) AS tag_key,
        CAST(NULL AS STRING) AS conversation_id,
        CAST(NULL AS BIGINT) AS value_s,
        CAST(NULL AS BIGINT) AS total_s,
        CAST(NULL AS BIGINT) AS business_s,
        CAST(NULL AS BIGINT) AS total_business_s,
        CAST(NULL AS BOOLEAN) AS flag,
        CAST(NULL AS DOUBLE) AS score,
        CAST(NULL AS INTEGER) AS opinion
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
        -- Half the width is sorted faster; no wait lasts as long as the number can say.
        CAST(CASE
            WHEN (kind.row_kind = 'member' AND $dimension = 'sector') OR CAST($sector AS STRING) IS NOT NULL THEN fact.value_s
            ELSE fact.total_s
        END AS INTEGER) AS value_s,
        CASE
            WHEN (kind.row_kind = 'member' AND $dimension = 'sector') OR CAST($sector AS STRING) IS NOT NULL THEN fact.business_s
            ELSE fact.total_business_s
        END AS business_s,
        fact.flag,
        fact.score,
        fact.opinion
    FROM fact
    CROSS JOIN kind
    LEFT JOIN tagged
        ON tagged.tag_key = CASE WHEN kind.row_kind = 'member' THEN fact.tag_key END
),

by_anchor AS (
    SELECT
        row_kind,
        member,
        anchor,
        COUNT(*) AS cases,
        -- The only ticket of its conversation counts as one; only the others need to be told apart, and no row without one is looked up.
        COUNT(*) - COUNT(conversation_id)
        + COUNT(DISTINCT conversation_id) FILTER (WHERE conversation_id IS NOT NULL) AS conversations,
        COUNT(value_s) AS n,
        AVG(value_s) AS mean_s,
        ROUND(percentile_cont(0.5) WITHIN GROUP (ORDER BY value_s), 1) AS median_s,
        ROUND(percentile_cont(0.9) WITHIN GROUP (ORDER BY value_s), 1) AS p90_s,
        MIN(value_s) AS min_s,
        MAX(value_s) AS max_s,
        AVG(business_s) AS business_mean_s,
        COUNT(flag) AS flagged,
        COUNT(*) FILTER (WHERE flag) AS hits,
        AVG(score) AS score_mean,
        100 * AVG(opinion) AS nps
    FROM placed
    GROUP BY row_kind, member, anchor
),

-- Each anchor has one row at most: the largest value is the only one.
counted AS (
    SELECT
        row_kind,
        member,
        COALESCE(MAX(conversations) FILTER (WHERE anchor = 'begun'), 0) AS conversations,
        COALESCE(MAX(cases) FILTER (WHERE anchor = 'created'), 0) AS tickets,
        MAX(hits) FILTER (WHERE anchor = 'created') AS lost,
        COALESCE(MAX(n) FILTER (WHERE anchor = 'begun'), 0) AS queue_wait_n,
        MAX(median_s) FILTER (WHERE anchor = 'begun') AS queue_wait_median_s,
        MAX(min_s) FILTER (WHERE anchor = 'begun') AS queue_wait_min_s,
        MAX(max_s) FILTER (WHERE anchor = 'begun') AS queue_wait_max_s,
        COALESCE(MAX(n) FILTER (WHERE anchor = 'answered'), 0) AS whole_wait_n,
        MAX(mean_s) FILTER (WHERE anchor = 'answered') AS whole_wait_mean_s,
        COALESCE(MAX(n) FILTER (WHERE anchor = 'replied'), 0) AS response_n,
        MAX(mean_s) FILTER (WHERE anchor = 'replied') AS response_mean_s,
        MAX(median_s) FILTER (WHERE anchor = 'replied') AS response_median_s,
        MAX(p90_s) FILTER (WHERE anchor = 'replied') AS response_p90_s,
        MAX(min_s) FILTER (WHERE anchor = 'replied') AS response_min_s,
        MAX(max_s) FILTER (WHERE anchor = 'replied') AS response_max_s,
        MAX(business_mean_s) FILTER (WHERE anchor = 'replied') AS response_business_mean_s,
        MAX(cases) FILTER (WHERE anchor = 'ended') AS ended,
        MAX(hits) FILTER (WHERE anchor = 'ended') AS returned,
        COALESCE(MAX(cases) FILTER (WHERE anchor = 'rated'), 0) AS ratings,
        MAX(flagged) FILTER (WHERE anchor = 'rated') AS csat_n,
        MAX(hits) FILTER (WHERE anchor = 'rated') AS satisfied,
        MAX(score_mean) FILTER (WHERE anchor = 'rated') AS csat_mean,
        MAX(nps) FILTER (WHERE anchor = 'rated') AS nps
    FROM by_anchor
    GROUP BY row_kind, member
)

SELECT
    row_kind,
    member,
    conversations,
    tickets,
    CAST(lost AS DOUBLE) / NULLIF(tickets, 0) AS lost_share,
    queue_wait_n,
    queue_wait_median_s,
    queue_wait_min_s,
    queue_wait_max_s,
    whole_wait_n,
    whole_wait_mean_s,
    response_n,
    response_mean_s,
    response_median_s,
    response_p90_s,
    response_min_s,
    response_max_s,
    response_business_mean_s,
    CAST(returned AS DOUBLE) / NULLIF(ended, 0) AS returned_7d_share,
    ratings,
    CAST(satisfied AS DOUBLE) / NULLIF(csat_n, 0) AS csat_share,
    csat_mean,
    nps,
    ratings < 30 AS few
FROM counted
WHERE conversations > 0 OR tickets > 0 OR whole_wait_n > 0 OR response_n > 0 OR ended > 0 OR ratings > 0 OR row_kind = 'total'
ORDER BY
    row_kind,
    conversations DESC,
    member
