-- question: Where are volume, response time and satisfaction heading?
-- grain: one row per local month of the loaded history, up to the period's last, at most thirteen
-- parameters:
--   period_start  date  first local day, inclusive
--   period_end    date  local day after the last, exclusive
--   sector        text  only this sector; null: all
-- reads: conversation, ticket, turn, rating, calendar_day
-- anchor: volume and responses by the arrival of the conversation; satisfaction by the close
-- columns:
--   month            date      -    first day of the month
--   conversations    count     M2   conversations that began (with a sector: that touch it)
--   response_mean_s  duration  M9   mean of answered turns; null: none
--   ratings          count     M18  valid answers that count
--   csat_share       share     M18  satisfied ÷ ratings; null: no answer, or another scale
-- unique: month
-- not null: month, conversations, ratings
WITH history AS (
    SELECT DISTINCT CAST(date_trunc('month', day) AS DATE) AS month
    FROM calendar_day
    WHERE
        day < $period_end
        AND day >= CAST(date_trunc('month', CAST($period_start AS DATE)) AS DATE) - INTERVAL '12' MONTH
),

-- A ticket carries the day on which its conversation began.
begun AS (
    SELECT
        CAST(date_trunc('month', started_day) AS DATE) AS month,
        COUNT(*) AS conversations
    FROM conversation
    WHERE
        CAST($sector AS VARCHAR) IS NULL
        AND started_day >= CAST(date_trunc('month', CAST($period_start AS DATE)) AS DATE) - INTERVAL '12' MONTH
        AND started_day < $period_end
    GROUP BY CAST(date_trunc('month', started_day) AS DATE)
    UNION ALL
    SELECT
        CAST(date_trunc('month', started_day) AS DATE) AS month,
        COUNT(DISTINCT conversation_id) AS conversations
    FROM ticket
    WHERE
        sector = $sector
        AND started_day >= CAST(date_trunc('month', CAST($period_start AS DATE)) AS DATE) - INTERVAL '12' MONTH
        AND started_day < $period_end
    GROUP BY CAST(date_trunc('month', started_day) AS DATE)
),

replied AS (
    SELECT
        CAST(date_trunc('month', started_day) AS DATE) AS month,
        AVG(CASE WHEN CAST($sector AS VARCHAR) IS NULL THEN whole_s ELSE own_s END) AS response_mean_s
    FROM turn
    WHERE
        state = 'answered'
        AND started_day >= CAST(date_trunc('month', CAST($period_start AS DATE)) AS DATE) - INTERVAL '12' MONTH
        AND started_day < $period_end
        AND (CAST($sector AS VARCHAR) IS NULL OR sector = $sector)
    GROUP BY CAST(date_trunc('month', started_day) AS DATE)
),

rated AS (
    SELECT
        CAST(date_trunc('month', period_day) AS DATE) AS month,
        COUNT(*) AS ratings,
        CAST(COUNT(*) FILTER (WHERE is_satisfied AND scale = '1-5') AS DOUBLE)
        / NULLIF(COUNT(*) FILTER (WHERE scale = '1-5'), 0) AS csat_share
    FROM rating
    WHERE
        counted
        AND period_day >= CAST(date_trunc('month', CAST($period_start AS DATE)) AS DATE) - INTERVAL '12' MONTH
        AND period_day < $period_end
        AND (CAST($sector AS VARCHAR) IS NULL OR sector = $sector)
    GROUP BY CAST(date_trunc('month', period_day) AS DATE)
)

SELECT
    history.month,
    COALESCE(begun.conversations, 0) AS conversations,
    replied.response_mean_s,
    COALESCE(rated.ratings, 0) AS ratings,
    rated.csat_share
FROM history
LEFT JOIN begun ON begun.month = history.month
LEFT JOIN replied ON replied.month = history.month
LEFT JOIN rated ON rated.month = history.month
ORDER BY history.month
