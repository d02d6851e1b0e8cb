-- question: Which conversations are behind a figure of a report?
-- grain: one row per conversation with at least one case of the measure in the period
-- parameters:
--   period_start  date  first local day, inclusive
--   period_end    date  local day after the last, exclusive
--   sector        text  only this sector; null: all
--   dimension     text  sector, agent, channel, tag, queue or hour
--   member        text  only this member of the dimension, of hours such as 1 09 (Monday, from nine to ten); null: all
--   measure       text  conversations, tickets, lost, short_lost, abandoned, abandoned_unanswered, closed, attended, closed_lost, closed_abandoned, inactive, transferred, passed_on, default, unresolved, queue_wait, first_response, whole_wait, moved, transfers, served, response, response_by_ticket, response_pending, response_unanswered, handling, resolution, full_resolution, one_touch, one_touch_known, returned_24h, returned_7d, ended_moved, ended_transfers, ratings, satisfied, invalid, no_answer, surveyed, score_1, score_2, score_3, score_4, score_5, detractors, passives, promoters, open_start, open_end, tickets_open, not_over or unanswered
--   from_s        count  only cases whose value is at least this; null: any
--   to_s          count  and at most this; null: any
-- reads: ticket, conversation, turn, rating, ticket_tag
-- anchor: that of the measure
-- columns:
--   conversation_id  text        -  the root ticket's id in Blip; of an answer without a conversation, the answer's own
--   sequential_id    text        -  the number that people see; not a key; null: no conversation
--   started_local    local_time  -  the start; null: no conversation
--   channel          text        -  domain of the channel; null: no conversation
--   first_sector     text        -  where it began; null: no conversation
--   last_sector      text        -  where it is or ended; null: no conversation
--   cases            count       -  cases of the measure: their sum is the figure's n, or the figure itself
--   value_sum        number      -  sum of their values, seconds or scores: divided by the cases of all rows it is the figure's mean; null: none
-- unique: conversation_id
-- not null: conversation_id, cases
WITH tagged AS (
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
        ticket.conversation_id,
        ticket.sector AS sector,
        ticket.agent AS agent,
        ticket.channel AS channel,
        CASE WHEN $dimension IN ('tag', 'queue') THEN CONCAT('ticket ', ticket.ticket_id) END AS tag_key,
        CAST(NULL AS DOUBLE) AS value_s
    FROM ticket
    WHERE
        $measure = 'conversations'
        AND ticket.started_day >= $period_start
        AND ticket.started_day < $period_end
        AND (CAST($sector AS STRING) IS NULL OR ticket.sector = $sector)
    UNION ALL
    SELECT
        ticket.conversation_id,
        ticket.sector AS sector,
        ticket.agent AS agent,
        ticket.channel AS channel,
        CASE WHEN $dimension IN ('tag', 'queue') THEN CONCAT('ticket ', ticket.ticket_id) END AS tag_key,
        CAST(NULL AS DOUBLE) AS value_s
    FROM ticket
    WHERE
        $measure IN (
            'tickets', 'lost', 'short_lost', 'abandoned', 'abandoned_unanswered', 'passed_on', 'default', 'unresolved', 'tickets_open'
        )
        AND (
            $measure = 'tickets'
            OR ticket.outcome = $measure
            OR ticket.routing = $measure
            OR ($measure = 'short_lost' AND ticket.is_short_loss)
            OR ($measure = 'abandoned_unanswered' AND ticket.outcome = 'abandoned' AND ticket.first_response_at IS NULL)
            OR ($measure = 'passed_on' AND ticket.outcome = 'transferred')
            OR ($measure = 'tickets_open' AND ticket.outcome = 'pending')
        )
        AND ticket.created_day >= $period_start
        AND ticket.created_day < $period_end
        AND (CAST($sector AS STRING) IS NULL OR ticket.sector = $sector)
    UNION ALL
    SELECT
        ticket.conversation_id,
        ticket.sector AS sector,
        ticket.agent AS agent,
        ticket.channel AS channel,
        CASE WHEN $dimension IN ('tag', 'queue') THEN CONCAT('ticket ', ticket.ticket_id) END AS tag_key,
        CAST(NULL AS DOUBLE) AS value_s
    FROM ticket
    WHERE
        $measure IN ('closed', 'attended', 'closed_lost', 'closed_abandoned', 'inactive', 'transferred')
        AND (replace($measure, 'closed_', '') = ticket.outcome OR ($measure = 'closed' AND ticket.outcome NOT IN ('transferred', 'gone')))
        AND ticket.closed_day >= $period_start
        AND ticket.closed_day < $period_end
        AND (CAST($sector AS STRING) IS NULL OR ticket.sector = $sector)
    UNION ALL
    SELECT
        ticket.conversation_id,
        ticket.sector AS sector,
        ticket.agent AS agent,
        ticket.channel AS channel,
        CASE WHEN $dimension IN ('tag', 'queue') THEN CONCAT('ticket ', ticket.ticket_id) END AS tag_key,
        CAST(ticket.queue_wait_s AS DOUBLE) AS value_s
    FROM ticket
    WHERE
        $measure = 'queue_wait'
        AND ticket.queue_wait_s IS NOT NULL
        AND ticket.started_day >= $period_start
        AND ticket.started_day < $period_end
        AND (CAST($sector AS STRING) IS NULL OR ticket.sector = $sector)
    UNION ALL
    SELECT
        ticket.conversation_id,
        ticket.sector AS sector,
        ticket.agent AS agent,
        ticket.channel AS channel,
        CASE WHEN $dimension IN ('tag', 'queue') THEN CONCAT('ticket ', ticket.ticket_id) END AS tag_key,
        CAST(ticket.first_response_s AS DOUBLE) AS value_s
    FROM ticket
    WHERE
        $measure = 'first_response'
        AND ticket.first_response_s IS NOT NULL
        AND ticket.started_day >= $period_start
        AND ticket.started_day < $period_end
        AND (CAST($sector AS STRING) IS NULL OR ticket.sector = $sector)
    UNION ALL
    SELECT
        conversation.conversation_id,
        conversation.first_response_sector AS sector,
        conversation.first_response_agent AS agent,
        conversation.channel AS channel,
        CASE WHEN $dimension = 'tag' THEN CONCAT('conversation ', conversation.conversation_id) END AS tag_key,
        CAST(conversation.whole_wait_s AS DOUBLE) AS value_s
    FROM conversation
    WHERE
        $measure = 'whole_wait'
        AND conversation.whole_wait_s IS NOT NULL
        AND conversation.started_day >= $period_start
        AND conversation.started_day < $period_end
        AND (CAST($sector AS STRING) IS NULL OR conversation.first_response_sector = $sector)
    UNION ALL
    SELECT
        turn.conversation_id,
        turn.sector AS sector,
        turn.agent AS agent,
        turn.channel AS channel,
        CASE WHEN $dimension = 'tag' THEN CONCAT('conversation ', turn.conversation_id) END AS tag_key,
        CAST(CASE WHEN $dimension = 'sector' AND CAST($member AS STRING) IS NOT NULL OR CAST($sector AS STRING) IS NOT NULL THEN turn.own_s ELSE turn.whole_s END AS DOUBLE) AS value_s
    FROM turn
    WHERE
        (
            ($measure = 'response' AND turn.state = 'answered')
            OR ($measure = 'response_pending' AND turn.state = 'pending')
            OR ($measure = 'response_unanswered' AND turn.state = 'unanswered')
        )
        AND turn.started_day >= $period_start
        AND turn.started_day < $period_end
        AND (CAST($sector AS STRING) IS NULL OR turn.sector = $sector)
    UNION ALL
    SELECT
        ticket.conversation_id,
        ticket.sector AS sector,
        ticket.agent AS agent,
        ticket.channel AS channel,
        CASE WHEN $dimension IN ('tag', 'queue') THEN CONCAT('ticket ', ticket.ticket_id) END AS tag_key,
        CAST(ticket.blip_response_s AS DOUBLE) AS value_s
    FROM ticket
    WHERE
        $measure = 'response_by_ticket'
        AND ticket.blip_response_s IS NOT NULL
        AND ticket.messages <> 'here'
        AND ticket.outcome <> 'pending'
        AND ticket.started_day >= $period_start
        AND ticket.started_day < $period_end
        AND (CAST($sector AS STRING) IS NULL OR ticket.sector = $sector)
    UNION ALL
    SELECT
        ticket.conversation_id,
        ticket.sector AS sector,
        ticket.agent AS agent,
        ticket.channel AS channel,
        CASE WHEN $dimension IN ('tag', 'queue') THEN CONCAT('ticket ', ticket.ticket_id) END AS tag_key,
        CAST(ticket.handling_s AS DOUBLE) AS value_s
    FROM ticket
    WHERE
        $measure = 'handling'
        AND ticket.handling_s IS NOT NULL
        AND ticket.closed_day >= $period_start
        AND ticket.closed_day < $period_end
        AND (CAST($sector AS STRING) IS NULL OR ticket.sector = $sector)
    UNION ALL
    SELECT
        conversation.conversation_id,
        conversation.last_sector AS sector,
        conversation.last_agent AS agent,
        conversation.channel AS channel,
        CASE WHEN $dimension = 'tag' THEN CONCAT('conversation ', conversation.conversation_id) END AS tag_key,
        CAST(
            CASE $measure
                WHEN 'full_resolution' THEN conversation.full_resolution_s
                WHEN 'ended_transfers' THEN conversation.transfer_count
                WHEN 'surveyed' THEN conversation.surveys_sent
                ELSE conversation.resolution_s
            END AS DOUBLE
        ) AS value_s
    FROM conversation
    WHERE
        (
            $measure IN ('resolution', 'ended_transfers')
            OR ($measure = 'full_resolution' AND conversation.full_resolution_s IS NOT NULL)
            OR ($measure = 'one_touch' AND conversation.is_one_touch)
            OR ($measure = 'one_touch_known' AND conversation.is_one_touch IS NOT NULL)
            OR ($measure = 'returned_24h' AND conversation.returned_after_s <= 86400)
            OR ($measure = 'returned_7d' AND conversation.returned_after_s <= 604800)
            OR ($measure = 'surveyed' AND conversation.surveys_sent > 0)
            OR ($measure = 'ended_moved' AND conversation.sector_change_count > 0)
        )
        AND conversation.ended_day >= $period_start
        AND conversation.ended_day < $period_end
        AND (CAST($sector AS STRING) IS NULL OR conversation.last_sector = $sector)
    UNION ALL
    SELECT
        COALESCE(rating.conversation_id, rating.rating_id) AS conversation_id,
        rating.sector AS sector,
        rating.agent AS agent,
        rating.channel AS channel,
        CASE WHEN $dimension = 'tag' THEN CONCAT('conversation ', rating.conversation_id) END AS tag_key,
        rating.score AS value_s
    FROM rating
    WHERE
        (
            ($measure = 'ratings' AND rating.counted)
            OR ($measure = 'satisfied' AND rating.counted AND rating.is_satisfied)
            OR ($measure = 'invalid' AND rating.validity = 'invalid')
            OR ($measure = 'no_answer' AND rating.validity = 'none')
            OR (starts_with($measure, 'score_') AND rating.counted AND rating.scale = '1-5' AND $measure = CONCAT('score_', CAST(rating.score AS INTEGER)))
            OR ($measure = 'detractors' AND rating.counted AND rating.scale = '0-10' AND rating.score <= 6)
            OR ($measure = 'passives' AND rating.counted AND rating.scale = '0-10' AND rating.score BETWEEN 7 AND 8)
            OR ($measure = 'promoters' AND rating.counted AND rating.scale = '0-10' AND rating.score >= 9)
        )
        AND rating.period_day >= $period_start
        AND rating.period_day < $period_end
        AND (CAST($sector AS STRING) IS NULL OR rating.sector = $sector)
    UNION ALL
    SELECT
        ticket.conversation_id,
        ticket.sector AS sector,
        ticket.agent AS agent,
        ticket.channel AS channel,
        CASE WHEN $dimension IN ('tag', 'queue') THEN CONCAT('ticket ', ticket.ticket_id) END AS tag_key,
        CAST(NULL AS DOUBLE) AS value_s
    FROM ticket
    WHERE
        (
            $measure = 'open_end'
            AND (ticket.closed_day IS NULL OR ticket.closed_day >= $period_end)
            AND ticket.created_day < $period_end
            OR $measure = 'open_start'
            AND (ticket.closed_day IS NULL OR ticket.closed_day >= $period_start)
            AND ticket.created_day < $period_start
        )
        AND (CAST($sector AS STRING) IS NULL OR ticket.sector = $sector)
    UNION ALL
    -- It counts for whoever had it when the period ended.
    SELECT
        conversation.conversation_id,
        ticket.sector AS sector,
        ticket.agent AS agent,
        conversation.channel AS channel,
        CASE WHEN $dimension = 'tag' THEN CONCAT('conversation ', conversation.conversation_id) END AS tag_key,
        CAST(NULL AS DOUBLE) AS value_s
    FROM conversation
    INNER JOIN ticket ON ticket.conversation_id = conversation.conversation_id
    WHERE
        $measure = 'unanswered'
        AND (conversation.ended_day IS NULL OR conversation.ended_day >= $period_end)
        AND (conversation.first_response_day IS NULL OR conversation.first_response_day >= $period_end)
        AND conversation.started_day < $period_end
        AND ticket.created_day < $period_end
        AND NOT EXISTS (
            SELECT 1
            FROM ticket AS later
            WHERE
                later.conversation_id = ticket.conversation_id
                AND later.created_day < $period_end
                AND (
                    later.created_at > ticket.created_at
                    OR later.created_at = ticket.created_at AND later.sequential_id > ticket.sequential_id
                    OR later.created_at = ticket.created_at AND later.sequential_id = ticket.sequential_id AND later.ticket_id > ticket.ticket_id
                )
        )
        AND (CAST($sector AS STRING) IS NULL OR ticket.sector = $sector)
    UNION ALL
    SELECT
        conversation.conversation_id,
        conversation.last_sector AS sector,
        conversation.last_agent AS agent,
        conversation.channel AS channel,
        CASE WHEN $dimension = 'tag' THEN CONCAT('conversation ', conversation.conversation_id) END AS tag_key,
        CAST(NULL AS DOUBLE) AS value_s
    FROM conversation
    WHERE
        $measure = 'not_over'
        AND (
            conversation.ended_day IS NULL
            AND conversation.started_day >= $period_start
            AND conversation.started_day < $period_end
            OR EXISTS (
                SELECT 1
                FROM ticket
                WHERE
                    ticket.conversation_id = conversation.conversation_id
                    AND ticket.outcome = 'pending'
                    AND ticket.created_day >= $period_start
                    AND ticket.created_day < $period_end
            )
        )
        AND (CAST($sector AS STRING) IS NULL OR conversation.last_sector = $sector)
    UNION ALL
    -- Without a sector, a conversation belongs to whoever has it last; with one, to all that touch it.
    SELECT
        conversation.conversation_id,
        conversation.first_sector AS sector,
        conversation.last_agent AS agent,
        conversation.channel AS channel,
        CASE WHEN $dimension = 'tag' THEN CONCAT('conversation ', conversation.conversation_id) END AS tag_key,
        CAST(conversation.transfer_count AS DOUBLE) AS value_s
    FROM conversation
    WHERE
        ($measure = 'moved' AND conversation.sector_change_count > 0 OR $measure = 'transfers')
        AND conversation.started_day >= $period_start
        AND conversation.started_day < $period_end
        AND (
            CAST($sector AS STRING) IS NULL
            OR EXISTS (SELECT 1 FROM ticket WHERE ticket.conversation_id = conversation.conversation_id AND ticket.sector = $sector)
        )
    UNION ALL
    SELECT
        conversation.conversation_id,
        conversation.first_response_sector AS sector,
        conversation.first_response_agent AS agent,
        conversation.channel AS channel,
        CASE WHEN $dimension = 'tag' THEN CONCAT('conversation ', conversation.conversation_id) END AS tag_key,
        CAST(NULL AS DOUBLE) AS value_s
    FROM conversation
    WHERE
        $measure = 'served'
        AND conversation.first_response_day >= $period_start
        AND conversation.first_response_day < $period_end
        AND (CAST($sector AS STRING) IS NULL OR conversation.first_response_sector = $sector)
    UNION ALL
    SELECT
        turn.conversation_id,
        turn.sector AS sector,
        turn.agent AS agent,
        turn.channel AS channel,
        CASE WHEN $dimension = 'tag' THEN CONCAT('conversation ', turn.conversation_id) END AS tag_key,
        CAST(NULL AS DOUBLE) AS value_s
    FROM turn
    WHERE
        $measure = 'served'
        AND turn.replied_day >= $period_start
        AND turn.replied_day < $period_end
        AND (CAST($sector AS STRING) IS NULL OR turn.sector = $sector)
),

picked AS (
    SELECT
        fact.conversation_id,
        fact.value_s
    FROM fact
    WHERE
        (CAST($from_s AS DOUBLE) IS NULL OR fact.value_s >= CAST($from_s AS DOUBLE))
        AND (CAST($to_s AS DOUBLE) IS NULL OR fact.value_s <= CAST($to_s AS DOUBLE))
        AND (
            CAST($member AS STRING) IS NULL
            OR ($dimension = 'sector' AND fact.sector = $member)
            OR ($dimension = 'agent' AND fact.agent = $member)
            OR ($dimension = 'channel' AND fact.channel = $member)
            OR (
                $dimension = 'queue'
                AND EXISTS (SELECT 1 FROM ticket WHERE CONCAT('ticket ', ticket.ticket_id) = fact.tag_key AND ticket.queue = $member)
        )
            OR (
                $dimension = 'hour'
                AND EXISTS (
                    SELECT 1
                    FROM conversation
                    WHERE
                        conversation.conversation_id = fact.conversation_id
                        AND CONCAT(conversation.started_weekday, ' ', lpad(CAST(conversation.started_hour AS STRING), 2, '0')) = $member
                )
        )
            OR ($dimension = 'tag' AND EXISTS (SELECT 1 FROM tagged WHERE tagged.tag_key = fact.tag_key AND tagged.tag = $member))
        )
),

counted AS (
    SELECT
        conversation_id,
        CASE WHEN $measure = 'conversations' THEN 1 ELSE COUNT(*) END AS cases,
        SUM(value_s) AS value_sum
    FROM picked
    GROUP BY conversation_id
)

SELECT
    counted.conversation_id,
    CAST(root.sequential_id AS STRING) AS sequential_id,
    conversation.started_local,
    conversation.channel,
    conversation.first_sector,
    conversation.last_sector,
    counted.cases,
    counted.value_sum
FROM counted
LEFT JOIN conversation ON conversation.conversation_id = counted.conversation_id
LEFT JOIN ticket AS root ON root.ticket_id = counted.conversation_id
ORDER BY
    conversation.started_at,
    counted.conversation_id
