-- question: Where are volume, response time and satisfaction heading?
-- grain: one row per local month of the loaded history, up to the period's last, at most thirteen
-- parameters:
--   period_start  date  first local day, inclusive
--   period_end    date  local day after the last, exclusive
--   sector        text  only this sector; null: all
-- reads: conversation, ticket, turn, rating, calendar_day, coverage
-- rows: there on a day of the period or of the twelve months before
-- anchor: volume and responses by the arrival of the conversation; satisfaction by the close
-- columns:
--   month            date      -    first day of the month
--   conversations    count     M2   conversations that began (with a sector: that touch it); null: no day's tickets were read
--   response_mean_s  duration  M9   mean of answered turns; null: none
--   ratings          count     M18  valid answers that count; null: no day's tickets or answers were read
--   csat_share       share     M18  satisfied ÷ ratings; null: no answer, or another scale
--   nps              number    M20  promoters − detractors, −100 to 100; null: no answer, or another scale
-- behind:
--   conversations: conversas_de measure=conversations
--   response_mean_s: conversas_de measure=response
--   ratings, nps: conversas_de measure=ratings
--   csat_share: conversas_de measure=satisfied
-- unique: month
-- not null: month
WITH history AS (
    SELECT DISTINCT CAST(date_trunc('month', day) AS DATE) AS month
    FROM calendar_day
    WHERE
        day < $period_end
        AND day >= CAST(date_trunc('month', CAST($period_start AS DATE)) AS DATE) - INTERVAL '12' MONTH
),

-- Days are counted first and months made of them: a month is worked out once a day, not once a row. A conversation has one day on which it
-- began, and its tickets carry it.
begun_day AS (
    SELECT
        started_day AS day,
        COUNT(*) AS conversations
    FROM conversation
    WHERE
        CAST($sector AS STRING) IS NULL
        AND started_day >= CAST(date_trunc('month', CAST($period_start AS DATE)) AS DATE) - INTERVAL '12' MONTH
        AND started_day < $period_end
    GROUP BY started_day
    UNION ALL
    SELECT
        started_day AS day,
        COUNT(DISTINCT conversation_id) AS conversations
    FROM ticket
    WHERE
        sector = $sector
        AND started_day >= CAST(date_trunc('month', CAST($period_start AS DATE)) AS DATE) - INTERVAL '12' MONTH
        AND started_day < $period_end
    GROUP BY started_day
),

replied_day AS (
    SELECT
        started_day AS day,
        COUNT(CASE WHEN CAST($sector AS STRING) IS NULL THEN whole_s ELSE own_s END) AS responses,
        SUM(CASE WHEN CAST($sector AS STRING) IS NULL THEN whole_s ELSE own_s END) AS response_sum_s
    FROM turn
    WHERE
        state = 'answered'
        AND started_day >= CAST(date_trunc('month', CAST($period_start AS DATE)) AS DATE) - INTERVAL '12' MONTH
        AND started_day < $period_end
        AND (CAST($sector AS STRING) IS NULL OR sector = $sector)
    GROUP BY started_day
),

rated_day AS (
    SELECT
        period_day AS day,
        COUNT(*) AS ratings,
        COUNT(*) FILTER (WHERE is_satisfied AND scale = '1-5') AS satisfied,
        COUNT(*) FILTER (WHERE scale = '1-5') AS of_five,
        COUNT(*) FILTER (WHERE scale = '0-10' AND score >= 9) - COUNT(*) FILTER (WHERE scale = '0-10' AND score <= 6) AS balance,
        COUNT(*) FILTER (WHERE scale = '0-10') AS of_ten
    FROM rating
    WHERE
        counted
        AND period_day >= CAST(date_trunc('month', CAST($period_start AS DATE)) AS DATE) - INTERVAL '12' MONTH
        AND period_day < $period_end
        AND (CAST($sector AS STRING) IS NULL OR sector = $sector)
    GROUP BY period_day
),

-- What was never read is unknown, not none.
known AS (
    SELECT
        CAST(date_trunc('month', day) AS DATE) AS month,
        MAX(CASE WHEN resource = 'ticket' AND reported IS NOT NULL THEN 1 WHEN resource = 'import' THEN 1 ELSE 0 END) AS has_tickets,
        MAX(CASE WHEN resource = 'event' AND reported IS NOT NULL THEN 1 WHEN resource = 'event' THEN 0 END) AS has_answers
    FROM coverage
    WHERE
        day >= CAST(date_trunc('month', CAST($period_start AS DATE)) AS DATE) - INTERVAL '12' MONTH
        AND day < $period_end
    GROUP BY CAST(date_trunc('month', day) AS DATE)
),

begun AS (
    SELECT
        CAST(date_trunc('month', day) AS DATE) AS month,
        SUM(conversations) AS conversations
    FROM begun_day
    GROUP BY CAST(date_trunc('month', day) AS DATE)
),

replied AS (
    SELECT
        CAST(date_trunc('month', day) AS DATE) AS month,
        CAST(SUM(response_sum_s) AS DOUBLE) / NULLIF(SUM(responses), 0) AS response_mean_s
    FROM replied_day
    GROUP BY CAST(date_trunc('month', day) AS DATE)
),

rated AS (
    SELECT
        CAST(date_trunc('month', day) AS DATE) AS month,
        SUM(ratings) AS ratings,
        CAST(SUM(satisfied) AS DOUBLE) / NULLIF(SUM(of_five), 0) AS csat_share,
        100 * CAST(SUM(balance) AS DOUBLE) / NULLIF(SUM(of_ten), 0) AS nps
    FROM rated_day
    GROUP BY CAST(date_trunc('month', day) AS DATE)
)

SELECT
    history.month,
    CASE WHEN known.has_tickets = 1 THEN CAST(COALESCE(begun.conversations, 0) AS BIGINT) END AS conversations,
    CASE WHEN known.has_tickets = 1 THEN replied.response_mean_s END AS response_mean_s,
    CASE WHEN known.has_tickets * COALESCE(known.has_answers, 1) = 1 THEN CAST(COALESCE(rated.ratings, 0) AS BIGINT) END AS ratings,
    CASE WHEN known.has_tickets * COALESCE(known.has_answers, 1) = 1 THEN rated.csat_share END AS csat_share,
    CASE WHEN known.has_tickets * COALESCE(known.has_answers, 1) = 1 THEN rated.nps END AS nps
FROM history
LEFT JOIN known ON known.month = history.month
LEFT JOIN begun ON begun.month = history.month
LEFT JOIN replied ON replied.month = history.month
LEFT JOIN rated ON rated.month = history.month
ORDER BY history.month
