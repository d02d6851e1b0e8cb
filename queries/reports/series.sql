-- question: How did volume, times and satisfaction run through the period?
-- grain: one row per day, week or month of the period that is within the loaded history
-- parameters:
--   period_start  date  first local day, inclusive
--   period_end    date  local day after the last, exclusive
--   sector        text  only this sector; null: all
--   dimension     text  day, week or month
-- reads: calendar_day, conversation, ticket, turn, rating
-- rows: there on a day of the period
-- anchor: volume, waits and responses by the arrival of the conversation (tickets: their own); closes and satisfaction by the close
-- columns:
--   from_day           date      -    first day of the day, week (Monday) or month, even where it is before the period
--   days               count     -    its days that are within the period
--   conversations      count     M2   conversations that began (with a sector: that touch it)
--   tickets            count     M1   tickets created
--   closed             count     M4   tickets closed, transfers apart
--   open_end           count     M5   tickets open at the end of its last day within the period
--   whole_wait_n       count     M8   answered conversations
--   whole_wait_mean_s  duration  M8   mean; null: none
--   response_n         count     M9   answered turns
--   response_mean_s    duration  M9   mean; null: none
--   handling_n         count     M10  handled tickets
--   handling_mean_s    duration  M10  mean; null: none
--   lost_share         share     M12  of the tickets created; null: none created
--   ratings            count     M18  valid answers that count
--   csat_share         share     M18  satisfied ÷ ratings; null: no answer, or another scale
--   csat_mean          number    M19  mean score on its own scale; null: no answer
--   nps                number    M20  promoters − detractors, −100 to 100; null: no answer, or another scale
-- behind:
--   days: dias_lidos
--   conversations: conversas_de measure=conversations
--   tickets: conversas_de measure=tickets
--   closed: conversas_de measure=closed
--   open_end: conversas_de measure=open_end
--   whole_wait_n, whole_wait_mean_s: conversas_de measure=whole_wait
--   response_n, response_mean_s: conversas_de measure=response
--   handling_n, handling_mean_s: conversas_de measure=handling
--   lost_share: conversas_de measure=lost
--   ratings, csat_mean, nps: conversas_de measure=ratings
--   csat_share: conversas_de measure=satisfied
-- unique: from_day
-- not null: from_day, days, conversations, tickets, closed, open_end, whole_wait_n, response_n, handling_n, ratings
WITH period_day AS (
    SELECT
        day,
        CASE $dimension
            WHEN 'week' THEN CAST(date_trunc('week', day) AS DATE)
            WHEN 'month' THEN CAST(date_trunc('month', day) AS DATE)
            ELSE day
        END AS from_day,
        SUM(CASE WHEN CAST($sector AS STRING) IS NULL OR sector = $sector THEN open_end ELSE 0 END) AS open_end
    FROM calendar_day
    WHERE
        day >= $period_start
        AND day < $period_end
    GROUP BY day
),

touching AS (
    SELECT conversation_id
    FROM ticket
    WHERE
        started_day >= $period_start
        AND started_day < $period_end
        AND sector = $sector
),

fact AS (
    SELECT
        started_day AS day,
        'begun' AS measure,
        CAST(NULL AS BIGINT) AS value_s,
        CAST(NULL AS BOOLEAN) AS flag,
        CAST(NULL AS DOUBLE) AS score,
        CAST(NULL AS INTEGER) AS opinion
    FROM conversation
    WHERE
        started_day >= $period_start
        AND started_day < $period_end
        AND (CAST($sector AS STRING) IS NULL OR conversation_id IN (SELECT touching.conversation_id FROM touching))
    UNION ALL
    SELECT
        started_day AS day,
        'answered' AS measure,
        whole_wait_s AS value_s,
        CAST(NULL AS BOOLEAN) AS flag,
        CAST(NULL AS DOUBLE) AS score,
        CAST(NULL AS INTEGER) AS opinion
    FROM conversation
    WHERE
        started_day >= $period_start
        AND started_day < $period_end
        AND whole_wait_s IS NOT NULL
        AND (CAST($sector AS STRING) IS NULL OR first_response_sector = $sector)
    UNION ALL
    SELECT
        created_day AS day,
        'created' AS measure,
        CAST(NULL AS BIGINT) AS value_s,
        outcome = 'lost' AS flag,
        CAST(NULL AS DOUBLE) AS score,
        CAST(NULL AS INTEGER) AS opinion
    FROM ticket
    WHERE
        created_day >= $period_start
        AND created_day < $period_end
        AND (CAST($sector AS STRING) IS NULL OR sector = $sector)
    UNION ALL
    SELECT
        closed_day AS day,
        'closed' AS measure,
        handling_s AS value_s,
        outcome NOT IN ('transferred', 'gone') AS flag,
        CAST(NULL AS DOUBLE) AS score,
        CAST(NULL AS INTEGER) AS opinion
    FROM ticket
    WHERE
        closed_day >= $period_start
        AND closed_day < $period_end
        AND (CAST($sector AS STRING) IS NULL OR sector = $sector)
    UNION ALL
    SELECT
        started_day AS day,
        'replied' AS measure,
        CASE WHEN CAST($sector AS STRING) IS NULL THEN whole_s ELSE own_s END AS value_s,
        CAST(NULL AS BOOLEAN) AS flag,
        CAST(NULL AS DOUBLE) AS score,
        CAST(NULL AS INTEGER) AS opinion
    FROM turn
    WHERE
        state = 'answered'
        AND started_day >= $period_start
        AND started_day < $period_end
        AND (CAST($sector AS STRING) IS NULL OR sector = $sector)
    UNION ALL
    SELECT
        period_day AS day,
        'rated' AS measure,
        CAST(NULL AS BIGINT) AS value_s,
        CASE WHEN scale = '1-5' THEN is_satisfied END AS flag,
        score,
        -- Promoter, passive or detractor.
        CASE WHEN scale = '0-10' AND score >= 9 THEN 1 WHEN scale = '0-10' AND score <= 6 THEN -1 WHEN scale = '0-10' THEN 0 END AS opinion
    FROM rating
    WHERE
        counted
        AND period_day >= $period_start
        AND period_day < $period_end
        AND (CAST($sector AS STRING) IS NULL OR sector = $sector)
),

counted AS (
    SELECT
        period_day.from_day,
        COUNT(*) FILTER (WHERE fact.measure = 'begun') AS conversations,
        COUNT(*) FILTER (WHERE fact.measure = 'created') AS tickets,
        COUNT(*) FILTER (WHERE fact.measure = 'created' AND fact.flag) AS lost,
        COUNT(*) FILTER (WHERE fact.measure = 'closed' AND fact.flag) AS closed,
        COUNT(*) FILTER (WHERE fact.measure = 'answered') AS whole_wait_n,
        AVG(CASE WHEN fact.measure = 'answered' THEN fact.value_s END) AS whole_wait_mean_s,
        COUNT(*) FILTER (WHERE fact.measure = 'replied') AS response_n,
        AVG(CASE WHEN fact.measure = 'replied' THEN fact.value_s END) AS response_mean_s,
        COUNT(CASE WHEN fact.measure = 'closed' THEN fact.value_s END) AS handling_n,
        AVG(CASE WHEN fact.measure = 'closed' THEN fact.value_s END) AS handling_mean_s,
        COUNT(*) FILTER (WHERE fact.measure = 'rated') AS ratings,
        COUNT(CASE WHEN fact.measure = 'rated' THEN fact.flag END) AS csat_n,
        COUNT(*) FILTER (WHERE fact.measure = 'rated' AND fact.flag) AS satisfied,
        AVG(fact.score) AS csat_mean,
        100 * AVG(fact.opinion) AS nps
    FROM fact
    INNER JOIN period_day ON period_day.day = fact.day
    GROUP BY period_day.from_day
),

calendar AS (
    SELECT
        from_day,
        COUNT(*) AS days,
        MAX(day) AS last_day
    FROM period_day
    GROUP BY from_day
)

SELECT
    calendar.from_day,
    calendar.days,
    COALESCE(counted.conversations, 0) AS conversations,
    COALESCE(counted.tickets, 0) AS tickets,
    COALESCE(counted.closed, 0) AS closed,
    CAST(last_day.open_end AS BIGINT) AS open_end,
    COALESCE(counted.whole_wait_n, 0) AS whole_wait_n,
    counted.whole_wait_mean_s,
    COALESCE(counted.response_n, 0) AS response_n,
    counted.response_mean_s,
    COALESCE(counted.handling_n, 0) AS handling_n,
    counted.handling_mean_s,
    CAST(counted.lost AS DOUBLE) / NULLIF(counted.tickets, 0) AS lost_share,
    COALESCE(counted.ratings, 0) AS ratings,
    CAST(counted.satisfied AS DOUBLE) / NULLIF(counted.csat_n, 0) AS csat_share,
    counted.csat_mean,
    counted.nps
FROM calendar
INNER JOIN period_day AS last_day ON last_day.day = calendar.last_day
LEFT JOIN counted ON counted.from_day = calendar.from_day
ORDER BY calendar.from_day
