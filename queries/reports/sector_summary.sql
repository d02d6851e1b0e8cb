-- question: How is each sector doing, in one line?
-- grain: one row per sector with a ticket of the period, then one total
-- parameters:
--   period_start  date  first local day, inclusive
--   period_end    date  local day after the last, exclusive
--   sector        text  only this sector; null: all
-- reads: ticket, conversation, turn, rating
-- anchor: volume, waits and responses by the arrival of the conversation (tickets: their own); satisfaction by the close
-- columns:
--   row_kind             text      -    sector or total
--   sector               text      -    null: the total
--   conversations        count     M2   conversations of the period that touch the sector
--   tickets              count     M1   tickets created
--   queue_wait_n         count     M6   tickets that were picked up
--   queue_wait_median_s  duration  M6   median; null: none was picked up
--   queue_wait_min_s     duration  -    smallest
--   queue_wait_max_s     duration  -    largest
--   response_n           count     M9   answered turns
--   response_mean_s      duration  M9   mean, in a sector only the seconds in its own hands; null: no answered turn
--   response_median_s    duration  M25  the same, median
--   response_p90_s       duration  M25  the same, 90th percentile
--   response_min_s       duration  -    the same, smallest
--   response_max_s       duration  -    the same, largest
--   ratings              count     M18  valid answers that count
--   csat_share           share     M18  satisfied ÷ ratings; null: no answer
--   few                  flag      M22  fewer than 30 answers: too few to rank
-- unique: row_kind, sector
-- not null: row_kind, conversations, tickets, queue_wait_n, response_n, ratings
WITH kind AS (
    SELECT 'sector' AS row_kind
    UNION ALL
    SELECT 'total' AS row_kind
),

arrived AS (
    SELECT
        kind.row_kind,
        CASE WHEN kind.row_kind = 'sector' THEN ticket.sector END AS sector,
        COUNT(*) FILTER (WHERE ticket.created_day >= $period_start AND ticket.created_day < $period_end) AS tickets,
        COUNT(DISTINCT CASE
            WHEN ticket.started_day >= $period_start AND ticket.started_day < $period_end THEN ticket.conversation_id
        END) AS conversations,
        COUNT(CASE
            WHEN ticket.started_day >= $period_start AND ticket.started_day < $period_end THEN ticket.queue_wait_s
        END) AS queue_wait_n,
        percentile_cont(0.5) WITHIN GROUP (
            ORDER BY CASE
                WHEN ticket.started_day >= $period_start AND ticket.started_day < $period_end
                    THEN CAST(ticket.queue_wait_s AS DOUBLE)
            END
        ) AS queue_wait_median_s,
        MIN(CASE
            WHEN ticket.started_day >= $period_start AND ticket.started_day < $period_end THEN ticket.queue_wait_s
        END) AS queue_wait_min_s,
        MAX(CASE
            WHEN ticket.started_day >= $period_start AND ticket.started_day < $period_end THEN ticket.queue_wait_s
        END) AS queue_wait_max_s
    FROM ticket
    CROSS JOIN kind
    WHERE CAST($sector AS VARCHAR) IS NULL OR ticket.sector = $sector
    GROUP BY
        kind.row_kind,
        CASE WHEN kind.row_kind = 'sector' THEN ticket.sector END
),

turn_value AS (
    SELECT
        kind.row_kind,
        CASE WHEN kind.row_kind = 'sector' THEN turn.sector END AS sector,
        CASE
            WHEN kind.row_kind = 'sector' OR CAST($sector AS VARCHAR) IS NOT NULL THEN turn.own_s
            ELSE turn.whole_s
        END AS value_s
    FROM turn
    CROSS JOIN kind
    WHERE
        turn.state = 'answered'
        AND turn.started_day >= $period_start
        AND turn.started_day < $period_end
        AND (CAST($sector AS VARCHAR) IS NULL OR turn.sector = $sector)
),

replied AS (
    SELECT
        row_kind,
        sector,
        COUNT(value_s) AS response_n,
        AVG(value_s) AS response_mean_s,
        percentile_cont(0.5) WITHIN GROUP (ORDER BY CAST(value_s AS DOUBLE)) AS response_median_s,
        percentile_cont(0.9) WITHIN GROUP (ORDER BY CAST(value_s AS DOUBLE)) AS response_p90_s,
        MIN(value_s) AS response_min_s,
        MAX(value_s) AS response_max_s
    FROM turn_value
    GROUP BY row_kind, sector
),

rated AS (
    SELECT
        kind.row_kind,
        CASE WHEN kind.row_kind = 'sector' THEN rating.sector END AS sector,
        COUNT(*) AS ratings,
        COUNT(*) FILTER (WHERE rating.is_satisfied) AS satisfied
    FROM rating
    CROSS JOIN kind
    WHERE
        rating.counted
        AND rating.period_day >= $period_start
        AND rating.period_day < $period_end
        AND (CAST($sector AS VARCHAR) IS NULL OR rating.sector = $sector)
    GROUP BY
        kind.row_kind,
        CASE WHEN kind.row_kind = 'sector' THEN rating.sector END
)

SELECT
    arrived.row_kind,
    arrived.sector,
    arrived.conversations,
    arrived.tickets,
    arrived.queue_wait_n,
    arrived.queue_wait_median_s,
    arrived.queue_wait_min_s,
    arrived.queue_wait_max_s,
    COALESCE(replied.response_n, 0) AS response_n,
    replied.response_mean_s,
    replied.response_median_s,
    replied.response_p90_s,
    replied.response_min_s,
    replied.response_max_s,
    COALESCE(rated.ratings, 0) AS ratings,
    CAST(rated.satisfied AS DOUBLE) / NULLIF(rated.ratings, 0) AS csat_share,
    COALESCE(rated.ratings, 0) < 30 AS few
FROM arrived
LEFT JOIN replied
    ON replied.row_kind = arrived.row_kind
    AND COALESCE(replied.sector, '') = COALESCE(arrived.sector, '')
LEFT JOIN rated
    ON rated.row_kind = arrived.row_kind
    AND COALESCE(rated.sector, '') = COALESCE(arrived.sector, '')
WHERE arrived.tickets > 0 OR arrived.conversations > 0 OR arrived.row_kind = 'total'
ORDER BY
    arrived.row_kind,
    arrived.conversations DESC,
    arrived.sector
