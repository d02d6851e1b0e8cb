-- question: How many conversations and tickets arrived on each day?
-- grain: one row per local day of the period that is within the loaded history, days without arrivals included
-- parameters:
--   period_start  date  first local day, inclusive
--   period_end    date  local day after the last, exclusive
--   sector        text  only this sector; null: all
-- reads: calendar_day, conversation, ticket
-- rows: there on a day of the period
-- anchor: arrival
-- columns:
--   day            date     -   local
--   weekday        weekday  -   1 = Monday
--   conversations  count    M2  conversations that began (with a sector: that touch it)
--   tickets        count    M1  tickets created
-- behind:
--   conversations: conversas_de measure=conversations
--   tickets: conversas_de measure=tickets
-- unique: day
-- not null: day, weekday, conversations, tickets
WITH period_day AS (
    SELECT DISTINCT
        day,
        weekday
    FROM calendar_day
    WHERE
        day >= $period_start
        AND day < $period_end
),

touching AS (
    SELECT conversation_id
    FROM ticket
    WHERE
        started_day >= $period_start
        AND started_day < $period_end
        AND sector = $sector
),

begun AS (
    SELECT
        started_day AS day,
        COUNT(*) AS conversations
    FROM conversation
    WHERE
        started_day >= $period_start
        AND started_day < $period_end
        AND (CAST($sector AS STRING) IS NULL OR conversation_id IN (SELECT touching.conversation_id FROM touching))
    GROUP BY started_day
),

created AS (
    SELECT
        created_day AS day,
        COUNT(*) AS tickets
    FROM ticket
    WHERE
        created_day >= $period_start
        AND created_day < $period_end
        AND (CAST($sector AS STRING) IS NULL OR sector = $sector)
    GROUP BY created_day
)

SELECT
    period_day.day,
    period_day.weekday,
    COALESCE(begun.conversations, 0) AS conversations,
    COALESCE(created.tickets, 0) AS tickets
FROM period_day
LEFT JOIN begun ON begun.day = period_day.day
LEFT JOIN created ON created.day = period_day.day
ORDER BY period_day.day
