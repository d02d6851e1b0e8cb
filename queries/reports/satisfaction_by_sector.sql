-- question: How satisfied are customers with each sector, and how many answered?
-- grain: one row per sector with a close or an answer in the period, and one total
-- parameters:
--   period_start  date  first local day, inclusive
--   period_end    date  local day after the last, exclusive
--   sector        text  only this sector; null: all
-- reads: rating, ticket
-- anchor: the close: answers by the day their conversation ended, tickets by their own close
-- columns:
--   row_kind       text    -    sector or total
--   sector         text    -    null: the total; of an answer the one it names, else the conversation's last
--   closed         count   M4   tickets closed, transfers apart
--   ratings        count   M18  valid answers that count: the last one of each conversation
--   invalid        count   M18  answers without a score, such as free text
--   score_1        count   M19  answers with score 1
--   score_2        count   M19  answers with score 2
--   score_3        count   M19  answers with score 3
--   score_4        count   M19  answers with score 4
--   score_5        count   M19  answers with score 5
--   csat_share     share   M18  satisfied ÷ ratings; null: no answer
--   csat_mean      number  M19  mean score; null: no answer
--   response_rate  share   M21  ratings ÷ closed; null: nothing closed
--   few            flag    M22  fewer than 30 answers: too few to rank
-- unique: row_kind, sector
-- not null: row_kind, closed, ratings, invalid
WITH closed_ticket AS (
    SELECT
        sector,
        COUNT(*) AS closed
    FROM ticket
    WHERE
        outcome <> 'transferred'
        AND closed_day >= $period_start
        AND closed_day < $period_end
    GROUP BY sector
),

rated AS (
    SELECT
        sector,
        COUNT(*) FILTER (WHERE counted) AS ratings,
        COUNT(*) FILTER (WHERE validity = 'invalid') AS invalid,
        COUNT(*) FILTER (WHERE counted AND is_satisfied) AS satisfied,
        SUM(CASE WHEN counted THEN score END) AS score_sum,
        COUNT(*) FILTER (WHERE counted AND score = 1) AS score_1,
        COUNT(*) FILTER (WHERE counted AND score = 2) AS score_2,
        COUNT(*) FILTER (WHERE counted AND score = 3) AS score_3,
        COUNT(*) FILTER (WHERE counted AND score = 4) AS score_4,
        COUNT(*) FILTER (WHERE counted AND score = 5) AS score_5
    FROM rating
    WHERE
        period_day >= $period_start
        AND period_day < $period_end
    GROUP BY sector
),

joined AS (
    SELECT
        COALESCE(closed_ticket.sector, rated.sector) AS sector,
        COALESCE(closed_ticket.closed, 0) AS closed,
        COALESCE(rated.ratings, 0) AS ratings,
        COALESCE(rated.invalid, 0) AS invalid,
        COALESCE(rated.satisfied, 0) AS satisfied,
        rated.score_sum,
        COALESCE(rated.score_1, 0) AS score_1,
        COALESCE(rated.score_2, 0) AS score_2,
        COALESCE(rated.score_3, 0) AS score_3,
        COALESCE(rated.score_4, 0) AS score_4,
        COALESCE(rated.score_5, 0) AS score_5
    FROM closed_ticket
    FULL OUTER JOIN rated ON rated.sector = closed_ticket.sector
),

scoped AS (
    SELECT
        'sector' AS row_kind,
        joined.*
    FROM joined
    WHERE CAST($sector AS VARCHAR) IS NULL OR joined.sector = $sector
    UNION ALL
    SELECT
        'total' AS row_kind,
        CAST(NULL AS VARCHAR) AS sector,
        COALESCE(SUM(closed), 0) AS closed,
        COALESCE(SUM(ratings), 0) AS ratings,
        COALESCE(SUM(invalid), 0) AS invalid,
        COALESCE(SUM(satisfied), 0) AS satisfied,
        SUM(score_sum) AS score_sum,
        COALESCE(SUM(score_1), 0) AS score_1,
        COALESCE(SUM(score_2), 0) AS score_2,
        COALESCE(SUM(score_3), 0) AS score_3,
        COALESCE(SUM(score_4), 0) AS score_4,
        COALESCE(SUM(score_5), 0) AS score_5
    FROM joined
    WHERE CAST($sector AS VARCHAR) IS NULL OR joined.sector = $sector
)

SELECT
    row_kind,
    sector,
    CAST(closed AS BIGINT) AS closed,
    CAST(ratings AS BIGINT) AS ratings,
    CAST(invalid AS BIGINT) AS invalid,
    CAST(score_1 AS BIGINT) AS score_1,
    CAST(score_2 AS BIGINT) AS score_2,
    CAST(score_3 AS BIGINT) AS score_3,
    CAST(score_4 AS BIGINT) AS score_4,
    CAST(score_5 AS BIGINT) AS score_5,
    CAST(satisfied AS DOUBLE) / NULLIF(ratings, 0) AS csat_share,
    score_sum / NULLIF(ratings, 0) AS csat_mean,
    CAST(ratings AS DOUBLE) / NULLIF(closed, 0) AS response_rate,
    ratings < 30 AS few
FROM scoped
ORDER BY
    row_kind,
    CASE WHEN ratings < 30 THEN 1 ELSE 0 END,
    CAST(satisfied AS DOUBLE) / NULLIF(ratings, 0) DESC NULLS LAST,
    sector
