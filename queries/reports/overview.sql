-- question: How are we doing in this period, in one row?
-- grain: one row
-- parameters:
--   period_start  date  first local day, inclusive
--   period_end    date  local day after the last, exclusive
--   sector        text  only this sector; null: all
-- reads: ticket, conversation, turn, rating
-- anchor: volume, waits and responses by the arrival of the conversation (tickets: their own); closes, handling and satisfaction by the close
-- columns:
--   conversations           count     M2    conversations that began in the period (with a sector: that touch it)
--   tickets                 count     M1    tickets created in the period
--   closed                  count     M4    tickets closed in the period, transfers apart
--   attended                count     M4    of these, closed by the attendant
--   transferred             count     M4    tickets that a transfer ended in the period
--   lost_share              share     M12   tickets of the period that the customer left before anybody picked them up; null: no ticket
--   unanswered              count     M14   conversations of the period without any human reply
--   queue_wait_n            count     M6    wait until somebody picks the ticket up: observations
--   queue_wait_mean_s       duration  M6    mean; null: none
--   queue_wait_median_s     duration  M6    median; null: none
--   queue_wait_p90_s        duration  M6    90th percentile; null: none
--   first_response_n        count     M7    from picking up to the first answer: observations
--   first_response_mean_s   duration  M7    mean; null: none
--   first_response_median_s duration  M7    median; null: none
--   first_response_p90_s    duration  M7    90th percentile; null: none
--   whole_wait_n            count     M8    from the start of the conversation to the first answer: observations
--   whole_wait_mean_s       duration  M8    mean; null: none
--   whole_wait_median_s     duration  M8    median; null: none
--   whole_wait_p90_s        duration  M8    90th percentile; null: none
--   response_n              count     M9    wait for each further answer: observations
--   response_mean_s         duration  M9    mean; null: none
--   response_median_s       duration  M9    median; null: none
--   response_p90_s          duration  M9    90th percentile; null: none
--   handling_n              count     M10   from picking up to the close: observations
--   handling_mean_s         duration  M10   mean; null: none
--   handling_median_s       duration  M10   median; null: none
--   handling_p90_s          duration  M10   90th percentile; null: none
--   ratings                 count     M18   valid answers that count, about conversations that ended in the period
--   csat_share              share     M18   satisfied among them; null: none
--   csat_mean               number    M19   mean score; null: none
--   response_rate           share     M21   valid answers ÷ tickets closed without transfers; null: nothing closed
-- unique: conversations
-- not null: conversations, tickets, closed, attended, transferred, unanswered
WITH arrived AS (
    SELECT
        COUNT(*) AS tickets,
        COUNT(*) FILTER (WHERE outcome = 'lost') AS lost
    FROM ticket
    WHERE
        created_day >= $period_start
        AND created_day < $period_end
        AND (CAST($sector AS VARCHAR) IS NULL OR sector = $sector)
),

waited AS (
    SELECT
        COUNT(queue_wait_s) AS queue_wait_n,
        AVG(queue_wait_s) AS queue_wait_mean_s,
        percentile_cont(0.5) WITHIN GROUP (ORDER BY CAST(queue_wait_s AS DOUBLE)) AS queue_wait_median_s,
        percentile_cont(0.9) WITHIN GROUP (ORDER BY CAST(queue_wait_s AS DOUBLE)) AS queue_wait_p90_s,
        COUNT(first_response_s) AS first_response_n,
        AVG(first_response_s) AS first_response_mean_s,
        percentile_cont(0.5) WITHIN GROUP (ORDER BY CAST(first_response_s AS DOUBLE)) AS first_response_median_s,
        percentile_cont(0.9) WITHIN GROUP (ORDER BY CAST(first_response_s AS DOUBLE)) AS first_response_p90_s
    FROM ticket
    WHERE
        started_day >= $period_start
        AND started_day < $period_end
        AND (CAST($sector AS VARCHAR) IS NULL OR sector = $sector)
),

ended AS (
    SELECT
        COUNT(*) FILTER (WHERE outcome <> 'transferred') AS closed,
        COUNT(*) FILTER (WHERE outcome = 'attended') AS attended,
        COUNT(*) FILTER (WHERE outcome = 'transferred') AS transferred,
        COUNT(handling_s) AS handling_n,
        AVG(handling_s) AS handling_mean_s,
        percentile_cont(0.5) WITHIN GROUP (ORDER BY CAST(handling_s AS DOUBLE)) AS handling_median_s,
        percentile_cont(0.9) WITHIN GROUP (ORDER BY CAST(handling_s AS DOUBLE)) AS handling_p90_s
    FROM ticket
    WHERE
        closed_day >= $period_start
        AND closed_day < $period_end
        AND (CAST($sector AS VARCHAR) IS NULL OR sector = $sector)
),

touching AS (
    SELECT DISTINCT conversation_id
    FROM ticket
    WHERE CAST($sector AS VARCHAR) IS NULL OR sector = $sector
),

begun AS (
    SELECT
        COUNT(*) AS conversations,
        COUNT(*) FILTER (WHERE conversation.first_response_at IS NULL) AS unanswered
    FROM conversation
    INNER JOIN touching ON touching.conversation_id = conversation.conversation_id
    WHERE
        conversation.started_day >= $period_start
        AND conversation.started_day < $period_end
),

answered AS (
    SELECT
        COUNT(whole_wait_s) AS whole_wait_n,
        AVG(whole_wait_s) AS whole_wait_mean_s,
        percentile_cont(0.5) WITHIN GROUP (ORDER BY CAST(whole_wait_s AS DOUBLE)) AS whole_wait_median_s,
        percentile_cont(0.9) WITHIN GROUP (ORDER BY CAST(whole_wait_s AS DOUBLE)) AS whole_wait_p90_s
    FROM conversation
    WHERE
        started_day >= $period_start
        AND started_day < $period_end
        AND (CAST($sector AS VARCHAR) IS NULL OR first_response_sector = $sector)
),

replied AS (
    SELECT
        COUNT(*) AS response_n,
        AVG(CASE WHEN CAST($sector AS VARCHAR) IS NULL THEN whole_s ELSE own_s END) AS response_mean_s,
        percentile_cont(0.5) WITHIN GROUP (
            ORDER BY CAST(CASE WHEN CAST($sector AS VARCHAR) IS NULL THEN whole_s ELSE own_s END AS DOUBLE)
        ) AS response_median_s,
        percentile_cont(0.9) WITHIN GROUP (
            ORDER BY CAST(CASE WHEN CAST($sector AS VARCHAR) IS NULL THEN whole_s ELSE own_s END AS DOUBLE)
        ) AS response_p90_s
    FROM turn
    WHERE
        state = 'answered'
        AND started_day >= $period_start
        AND started_day < $period_end
        AND (CAST($sector AS VARCHAR) IS NULL OR sector = $sector)
),

rated AS (
    SELECT
        COUNT(*) AS ratings,
        CAST(COUNT(*) FILTER (WHERE is_satisfied) AS DOUBLE) / NULLIF(COUNT(*), 0) AS csat_share,
        AVG(score) AS csat_mean
    FROM rating
    WHERE
        counted
        AND period_day >= $period_start
        AND period_day < $period_end
        AND (CAST($sector AS VARCHAR) IS NULL OR sector = $sector)
)

SELECT
    begun.conversations,
    arrived.tickets,
    ended.closed,
    ended.attended,
    ended.transferred,
    CAST(arrived.lost AS DOUBLE) / NULLIF(arrived.tickets, 0) AS lost_share,
    begun.unanswered,
    waited.queue_wait_n,
    waited.queue_wait_mean_s,
    waited.queue_wait_median_s,
    waited.queue_wait_p90_s,
    waited.first_response_n,
    waited.first_response_mean_s,
    waited.first_response_median_s,
    waited.first_response_p90_s,
    answered.whole_wait_n,
    answered.whole_wait_mean_s,
    answered.whole_wait_median_s,
    answered.whole_wait_p90_s,
    replied.response_n,
    replied.response_mean_s,
    replied.response_median_s,
    replied.response_p90_s,
    ended.handling_n,
    ended.handling_mean_s,
    ended.handling_median_s,
    ended.handling_p90_s,
    rated.ratings,
    rated.csat_share,
    rated.csat_mean,
    CAST(rated.ratings AS DOUBLE) / NULLIF(ended.closed, 0) AS response_rate
FROM begun
CROSS JOIN arrived
CROSS JOIN waited
CROSS JOIN ended
CROSS JOIN answered
CROSS JOIN replied
CROSS JOIN rated
