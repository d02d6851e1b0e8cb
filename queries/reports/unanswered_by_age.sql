-- question: Which conversations waited for a first reply when the period ended, and for how many days?
-- grain: one row per span of ages with such a conversation
-- parameters:
--   period_start  date  first local day, inclusive
--   period_end    date  local day after the last, exclusive
--   sector        text  only this sector; null: all
-- reads: conversation, ticket, calendar_day
-- anchor: instant: the end of the last day, or of the last that is known where the period goes on beyond it
-- columns:
--   age_days_from  count  M14  local days from the one on which the conversation began to the last one, at least
--   age_days_to    count  M14  and at most; null: no limit
--   conversations  count  M14  open at the end of the period without any human reply by then, whenever they began
--   oldest_day     date   M14  day on which the oldest of these began
-- behind:
--   age_days_from, age_days_to, conversations, oldest_day: conversas_de measure=unanswered
-- unique: age_days_from
-- not null: age_days_from, conversations, oldest_day
WITH last AS (
    SELECT CAST(COALESCE(MAX(day), CAST($period_end AS DATE) - INTERVAL '1' DAY) AS DATE) AS last_day
    FROM calendar_day
    WHERE day < $period_end
),

-- The sector that had each of them at the end of the period: what happened to it later changes nothing. Without a sector nobody asks.
held AS (
    SELECT
        ticket.conversation_id,
        ticket.sector,
        ROW_NUMBER() OVER (
            PARTITION BY ticket.conversation_id
            ORDER BY ticket.created_at DESC, ticket.sequential_id DESC, ticket.ticket_id DESC
        ) AS place
    FROM ticket
    INNER JOIN conversation ON conversation.conversation_id = ticket.conversation_id
    WHERE
        CAST($sector AS STRING) IS NOT NULL
        AND ticket.created_day < $period_end
        AND conversation.started_day < $period_end
        AND (conversation.ended_day IS NULL OR conversation.ended_day >= $period_end)
        AND (conversation.first_response_day IS NULL OR conversation.first_response_day >= $period_end)
),

waiting AS (
    SELECT
        started_day,
        CASE
            WHEN started_day >= last_day THEN 0
            WHEN started_day >= last_day - INTERVAL '1' DAY THEN 1
            WHEN started_day >= last_day - INTERVAL '3' DAY THEN 2
            WHEN started_day >= last_day - INTERVAL '7' DAY THEN 4
            WHEN started_day >= last_day - INTERVAL '30' DAY THEN 8
            ELSE 31
        END AS age_days_from
    FROM conversation
    CROSS JOIN last
    WHERE
        started_day < $period_end
        AND (ended_day IS NULL OR ended_day >= $period_end)
        AND (first_response_day IS NULL OR first_response_day >= $period_end)
        AND (CAST($sector AS STRING) IS NULL OR conversation_id IN (SELECT held.conversation_id FROM held WHERE held.place = 1 AND held.sector = $sector))
)

SELECT
    age_days_from,
    CASE age_days_from WHEN 0 THEN 0 WHEN 1 THEN 1 WHEN 2 THEN 3 WHEN 4 THEN 7 WHEN 8 THEN 30 END AS age_days_to,
    COUNT(*) AS conversations,
    MIN(started_day) AS oldest_day
FROM waiting
GROUP BY age_days_from
ORDER BY age_days_from
