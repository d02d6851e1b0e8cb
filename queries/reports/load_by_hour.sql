-- question: At which hours of the week do conversations arrive?
-- grain: one row per weekday and hour at which any conversation of the period began
-- parameters:
--   period_start  date  first local day, inclusive
--   period_end    date  local day after the last, exclusive
--   sector        text  only this sector; null: all
-- reads: conversation, ticket, calendar_day
-- rows: there on a day of the period
-- anchor: arrival
-- columns:
--   weekday        weekday  -    1 = Monday
--   hour           hour     -    local
--   conversations  count    M27  conversations that began
--   days           count    M27  such weekdays in the period
--   mean_arrivals  number   M27  conversations ÷ days: partial weeks do not weigh less
-- behind:
--   conversations, mean_arrivals: conversas_de measure=conversations
--   days: dias_lidos
-- unique: weekday, hour
-- not null: weekday, hour, conversations, days, mean_arrivals
WITH period_day AS (
    SELECT DISTINCT
        day,
        weekday
    FROM calendar_day
    WHERE
        day >= $period_start
        AND day < $period_end
),

weekday_count AS (
    SELECT
        weekday,
        COUNT(*) AS days
    FROM period_day
    GROUP BY weekday
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
        started_weekday AS weekday,
        started_hour AS hour_of_day,
        COUNT(*) AS conversations
    FROM conversation
    WHERE
        started_day >= $period_start
        AND started_day < $period_end
        AND (CAST($sector AS STRING) IS NULL OR conversation_id IN (SELECT touching.conversation_id FROM touching))
    GROUP BY started_weekday, started_hour
)

SELECT
    begun.weekday,
    begun.hour_of_day AS hour,
    begun.conversations,
    weekday_count.days,
    CAST(begun.conversations AS DOUBLE) / weekday_count.days AS mean_arrivals
FROM begun
INNER JOIN weekday_count ON weekday_count.weekday = begun.weekday
ORDER BY
    begun.weekday,
    begun.hour_of_day
