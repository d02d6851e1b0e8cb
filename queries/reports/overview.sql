-- question: How are we doing in this period, in one row?
-- grain: one row
-- parameters:
--   period_start  date  first local day, inclusive
--   period_end    date  local day after the last, exclusive
--   sector        text  only this sector; null: all
-- reads: ticket, conversation, turn, rating, calendar_day
-- rows: there on a day of the period
-- anchor: volume, waits and responses by the arrival of the conversation (tickets: their own); closes, handling, returns and satisfaction by the close; served by the reply; open ones at the end of the last day
-- columns:
--   conversations                   count     M2   conversations that began in the period (with a sector: that touch it)
--   tickets                         count     M1   tickets created in the period
--   served                          count     M3   customers to whom a person replied in the period
--   closed                          count     M4   tickets closed in the period, transfers apart
--   attended                        count     M4   of these, closed by the attendant
--   transferred                     count     M4   tickets that a transfer ended in the period
--   open_end                        count     M5   tickets open at the end of the period
--   lost_share                      share     M12  tickets of the period that the customer left before anybody picked them up; null: no ticket
--   short_lost                      count     M12  of these tickets, left within a few seconds
--   abandoned_share                 share     M13  tickets of the period that the customer left after the pick-up; null: no ticket
--   abandoned_unanswered            count     M13  of these tickets, left without any human reply
--   unanswered                      count     M14  conversations open at the end of the period without any human reply by then
--   queue_wait_n                    count     M6   wait until somebody picks the ticket up: observations
--   queue_wait_mean_s               duration  M6   mean; null: none
--   queue_wait_median_s             duration  M6   median; null: none
--   queue_wait_p90_s                duration  M6   90th percentile; null: none
--   queue_wait_min_s                duration  -    smallest; null: none
--   queue_wait_max_s                duration  -    largest; null: none
--   first_response_n                count     M7   from picking up to the first answer: observations
--   first_response_mean_s           duration  M7   mean; null: none
--   first_response_median_s         duration  M7   median; null: none
--   first_response_p90_s            duration  M7   90th percentile; null: none
--   first_response_min_s            duration  -    smallest; null: none
--   first_response_max_s            duration  -    largest; null: none
--   whole_wait_n                    count     M8   from the start of the conversation to the first answer: observations
--   whole_wait_mean_s               duration  M8   mean; null: none
--   whole_wait_median_s             duration  M8   median; null: none
--   whole_wait_p90_s                duration  M8   90th percentile; null: none
--   whole_wait_min_s                duration  -    smallest; null: none
--   whole_wait_max_s                duration  -    largest; null: none
--   response_n                      count     M9   wait for each further answer: observations
--   response_mean_s                 duration  M9   mean; null: none
--   response_median_s               duration  M9   median; null: none
--   response_p90_s                  duration  M9   90th percentile; null: none
--   response_min_s                  duration  -    smallest; null: none
--   response_max_s                  duration  -    largest; null: none
--   response_pending                count     M9   turns that wait still
--   response_unanswered             count     M9   turns left open when the conversation ended
--   handling_n                      count     M10  from picking up to the close: observations
--   handling_mean_s                 duration  M10  mean; null: none
--   handling_median_s               duration  M10  median; null: none
--   handling_p90_s                  duration  M10  90th percentile; null: none
--   handling_min_s                  duration  -    smallest; null: none
--   handling_max_s                  duration  -    largest; null: none
--   resolution_n                    count     M11  from the start of the conversation to its end: observations
--   resolution_mean_s               duration  M11  mean; null: none
--   resolution_median_s             duration  M11  median; null: none
--   resolution_p90_s                duration  M11  90th percentile; null: none
--   resolution_min_s                duration  -    smallest; null: none
--   resolution_max_s                duration  -    largest; null: none
--   full_resolution_mean_s          duration  M11  the same up to the end of the last return within seven days; null: none
--   transfer_share                  share     M15  conversations of the period that changed the sector; null: no conversation
--   transfers_mean                  number    M15  transfers ÷ conversations; null: no conversation
--   returned_24h_share              share     M16  of the conversations that ended in the period, those followed by another within 24 hours; null: none ended
--   returned_7d_share               share     M16  the same within seven days; null: none ended
--   one_touch_share                 share     M17  of the conversations that ended in the period and whose messages are here, those settled by one reply; null: none
--   ratings                         count     M18  valid answers that count, about conversations that ended in the period
--   csat_share                      share     M18  satisfied among them; null: none, or not on a scale of 1 to 5
--   csat_low                        share     M22  lower bound of csat_share; null: as csat_share
--   csat_high                       share     M22  upper bound of csat_share; null: as csat_share
--   csat_mean                       number    M19  mean score on its own scale; null: none
--   nps                             number    M20  promoters − detractors, −100 to 100; null: none, or not on a scale of 0 to 10
--   nps_low                         number    M22  lower bound of nps; null: as nps
--   nps_high                        number    M22  upper bound of nps; null: as nps
--   surveys_sent                    count     M21  surveys seen among the messages of conversations that ended in the period; 0: none was seen
--   response_rate                   share     M21  valid answers in conversations with a survey ÷ surveys_sent where one was seen, else valid answers ÷ tickets closed without transfers; null: nothing closed
--   response_rate_n                 count     M21  what response_rate is out of: surveys_sent where one was seen, else tickets closed without transfers
--   queue_wait_business_mean_s      duration  M24  M6 within business hours, mean; null: none, or no calendar
--   first_response_business_mean_s  duration  M24  M7 within business hours, mean; null: none, or no calendar
--   whole_wait_business_mean_s      duration  M24  M8 within business hours, mean; null: none, or no calendar
--   response_business_mean_s        duration  M24  M9 within business hours, mean; null: none, or no calendar
--   handling_business_mean_s        duration  M24  M10 within business hours, mean; null: none, or no calendar
--   resolution_business_mean_s      duration  M24  M11 within business hours, mean; null: none, or no calendar
--   default_share                   share     M26  tickets of the period that no routing rule matched; null: no ticket
--   unresolved_share                share     M26  tickets of the period whose sector cannot be told; null: no ticket
-- behind:
--   conversations: conversas_de measure=conversations
--   tickets: conversas_de measure=tickets
--   served: conversas_de measure=served
--   closed: conversas_de measure=closed
--   attended: conversas_de measure=attended
--   transferred: conversas_de measure=transferred
--   open_end: conversas_de measure=open_end
--   lost_share: conversas_de measure=lost
--   short_lost: conversas_de measure=short_lost
--   abandoned_share: conversas_de measure=abandoned
--   abandoned_unanswered: conversas_de measure=abandoned_unanswered
--   unanswered: conversas_de measure=unanswered
--   queue_wait_n, queue_wait_mean_s, queue_wait_median_s, queue_wait_p90_s, queue_wait_min_s, queue_wait_max_s, queue_wait_business_mean_s: conversas_de measure=queue_wait
--   first_response_n, first_response_mean_s, first_response_median_s, first_response_p90_s, first_response_min_s, first_response_max_s, first_response_business_mean_s: conversas_de measure=first_response
--   whole_wait_n, whole_wait_mean_s, whole_wait_median_s, whole_wait_p90_s, whole_wait_min_s, whole_wait_max_s, whole_wait_business_mean_s: conversas_de measure=whole_wait
--   response_n, response_mean_s, response_median_s, response_p90_s, response_min_s, response_max_s, response_business_mean_s: conversas_de measure=response
--   handling_n, handling_mean_s, handling_median_s, handling_p90_s, handling_min_s, handling_max_s, handling_business_mean_s: conversas_de measure=handling
--   resolution_n, resolution_mean_s, resolution_median_s, resolution_p90_s, resolution_min_s, resolution_max_s, resolution_business_mean_s: conversas_de measure=resolution
--   response_pending: conversas_de measure=response_pending
--   response_unanswered: conversas_de measure=response_unanswered
--   full_resolution_mean_s: conversas_de measure=full_resolution
--   transfer_share: conversas_de measure=moved
--   transfers_mean: conversas_de measure=transfers
--   returned_24h_share: conversas_de measure=returned_24h
--   returned_7d_share: conversas_de measure=returned_7d
--   one_touch_share: conversas_de measure=one_touch
--   ratings, csat_low, csat_high, csat_mean, nps, nps_low, nps_high, response_rate: conversas_de measure=ratings
--   surveys_sent: conversas_de measure=surveyed
--   csat_share: conversas_de measure=satisfied
--   default_share: conversas_de measure=default
--   unresolved_share: conversas_de measure=unresolved
-- unique: conversations
-- not null: conversations, tickets, served, closed, attended, transferred, open_end, short_lost, abandoned_unanswered, unanswered, surveys_sent
WITH arrived AS (
    SELECT
        COUNT(*) AS tickets,
        COUNT(*) FILTER (WHERE outcome = 'lost') AS lost,
        COUNT(*) FILTER (WHERE is_short_loss) AS short_lost,
        COUNT(*) FILTER (WHERE outcome = 'abandoned') AS abandoned,
        COUNT(*) FILTER (WHERE outcome = 'abandoned' AND first_response_at IS NULL) AS abandoned_unanswered,
        COUNT(*) FILTER (WHERE routing = 'default') AS unrouted,
        COUNT(*) FILTER (WHERE routing = 'unresolved') AS unresolved
    FROM ticket
    WHERE
        created_day >= $period_start
        AND created_day < $period_end
        AND (CAST($sector AS STRING) IS NULL OR sector = $sector)
),

waited AS (
    SELECT
        COUNT(queue_wait_s) AS queue_wait_n,
        AVG(queue_wait_s) AS queue_wait_mean_s,
        ROUND(percentile_cont(0.5) WITHIN GROUP (ORDER BY CAST(queue_wait_s AS INTEGER)), 1) AS queue_wait_median_s,
        ROUND(percentile_cont(0.9) WITHIN GROUP (ORDER BY CAST(queue_wait_s AS INTEGER)), 1) AS queue_wait_p90_s,
        MIN(queue_wait_s) AS queue_wait_min_s,
        MAX(queue_wait_s) AS queue_wait_max_s,
        COUNT(first_response_s) AS first_response_n,
        AVG(first_response_s) AS first_response_mean_s,
        ROUND(percentile_cont(0.5) WITHIN GROUP (ORDER BY CAST(first_response_s AS INTEGER)), 1) AS first_response_median_s,
        ROUND(percentile_cont(0.9) WITHIN GROUP (ORDER BY CAST(first_response_s AS INTEGER)), 1) AS first_response_p90_s,
        MIN(first_response_s) AS first_response_min_s,
        MAX(first_response_s) AS first_response_max_s,
        AVG(queue_wait_business_s) AS queue_wait_business_mean_s,
        AVG(first_response_business_s) AS first_response_business_mean_s
    FROM ticket
    WHERE
        started_day >= $period_start
        AND started_day < $period_end
        AND (CAST($sector AS STRING) IS NULL OR sector = $sector)
),

finished AS (
    SELECT
        COUNT(*) FILTER (WHERE outcome NOT IN ('transferred', 'gone')) AS closed,
        COUNT(*) FILTER (WHERE outcome = 'attended') AS attended,
        COUNT(*) FILTER (WHERE outcome = 'transferred') AS transferred,
        COUNT(handling_s) AS handling_n,
        AVG(handling_s) AS handling_mean_s,
        ROUND(percentile_cont(0.5) WITHIN GROUP (ORDER BY CAST(handling_s AS INTEGER)), 1) AS handling_median_s,
        ROUND(percentile_cont(0.9) WITHIN GROUP (ORDER BY CAST(handling_s AS INTEGER)), 1) AS handling_p90_s,
        MIN(handling_s) AS handling_min_s,
        MAX(handling_s) AS handling_max_s,
        AVG(handling_business_s) AS handling_business_mean_s
    FROM ticket
    WHERE
        closed_day >= $period_start
        AND closed_day < $period_end
        AND (CAST($sector AS STRING) IS NULL OR sector = $sector)
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
        COUNT(*) AS conversations,
        COUNT(*) FILTER (WHERE conversation.sector_change_count > 0) AS moved,
        SUM(conversation.transfer_count) AS transfers
    FROM conversation
    WHERE
        conversation.started_day >= $period_start
        AND conversation.started_day < $period_end
        AND (CAST($sector AS STRING) IS NULL OR conversation.conversation_id IN (SELECT touching.conversation_id FROM touching))
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
    SELECT COUNT(*) AS unanswered
    FROM conversation
    WHERE
        started_day < $period_end
        AND (ended_day IS NULL OR ended_day >= $period_end)
        AND (first_response_day IS NULL OR first_response_day >= $period_end)
        AND (CAST($sector AS STRING) IS NULL OR conversation_id IN (SELECT held.conversation_id FROM held WHERE held.place = 1 AND held.sector = $sector))
),

still_open AS (
    SELECT CAST(COALESCE(SUM(open_end), 0) AS BIGINT) AS open_end
    FROM calendar_day
    WHERE
        day = (SELECT MAX(day) FROM calendar_day WHERE day < $period_end)
        AND (CAST($sector AS STRING) IS NULL OR sector = $sector)
),

answered AS (
    SELECT
        COUNT(whole_wait_s) AS whole_wait_n,
        AVG(whole_wait_s) AS whole_wait_mean_s,
        ROUND(percentile_cont(0.5) WITHIN GROUP (ORDER BY CAST(whole_wait_s AS INTEGER)), 1) AS whole_wait_median_s,
        ROUND(percentile_cont(0.9) WITHIN GROUP (ORDER BY CAST(whole_wait_s AS INTEGER)), 1) AS whole_wait_p90_s,
        MIN(whole_wait_s) AS whole_wait_min_s,
        MAX(whole_wait_s) AS whole_wait_max_s,
        AVG(whole_wait_business_s) AS whole_wait_business_mean_s
    FROM conversation
    WHERE
        started_day >= $period_start
        AND started_day < $period_end
        AND (CAST($sector AS STRING) IS NULL OR first_response_sector = $sector)
),

turn_value AS (
    SELECT
        state,
        CASE WHEN CAST($sector AS STRING) IS NULL THEN whole_s ELSE own_s END AS value_s,
        CASE WHEN CAST($sector AS STRING) IS NULL THEN whole_business_s ELSE own_business_s END AS business_s
    FROM turn
    WHERE
        started_day >= $period_start
        AND started_day < $period_end
        AND (CAST($sector AS STRING) IS NULL OR sector = $sector)
),

replied AS (
    SELECT
        COUNT(value_s) AS response_n,
        AVG(value_s) AS response_mean_s,
        ROUND(percentile_cont(0.5) WITHIN GROUP (ORDER BY CAST(value_s AS INTEGER)), 1) AS response_median_s,
        ROUND(percentile_cont(0.9) WITHIN GROUP (ORDER BY CAST(value_s AS INTEGER)), 1) AS response_p90_s,
        MIN(value_s) AS response_min_s,
        MAX(value_s) AS response_max_s,
        AVG(business_s) AS response_business_mean_s,
        COUNT(*) FILTER (WHERE state = 'pending') AS response_pending,
        COUNT(*) FILTER (WHERE state = 'unanswered') AS response_unanswered
    FROM turn_value
),

resolved AS (
    SELECT
        COUNT(resolution_s) AS resolution_n,
        AVG(resolution_s) AS resolution_mean_s,
        ROUND(percentile_cont(0.5) WITHIN GROUP (ORDER BY CAST(resolution_s AS INTEGER)), 1) AS resolution_median_s,
        ROUND(percentile_cont(0.9) WITHIN GROUP (ORDER BY CAST(resolution_s AS INTEGER)), 1) AS resolution_p90_s,
        MIN(resolution_s) AS resolution_min_s,
        MAX(resolution_s) AS resolution_max_s,
        AVG(resolution_business_s) AS resolution_business_mean_s,
        AVG(full_resolution_s) AS full_resolution_mean_s,
        COUNT(*) AS ended,
        COUNT(*) FILTER (WHERE returned_after_s <= 86400) AS returned_24h,
        COUNT(*) FILTER (WHERE returned_after_s <= 604800) AS returned_7d,
        COUNT(is_one_touch) AS touches_known,
        COUNT(*) FILTER (WHERE is_one_touch) AS one_touch,
        CAST(COALESCE(SUM(surveys_sent), 0) AS BIGINT) AS surveys_sent
    FROM conversation
    WHERE
        ended_day >= $period_start
        AND ended_day < $period_end
        AND (CAST($sector AS STRING) IS NULL OR last_sector = $sector)
),

reached AS (
    SELECT customer_key
    FROM conversation
    WHERE
        first_response_day >= $period_start
        AND first_response_day < $period_end
        AND (CAST($sector AS STRING) IS NULL OR first_response_sector = $sector)
    UNION ALL
    SELECT conversation.customer_key
    FROM turn
    INNER JOIN conversation ON conversation.conversation_id = turn.conversation_id
    WHERE
        turn.replied_day >= $period_start
        AND turn.replied_day < $period_end
        AND (CAST($sector AS STRING) IS NULL OR turn.sector = $sector)
        -- Whose first reply came within the period is there already.
        AND (
            CAST($sector AS STRING) IS NOT NULL
            OR conversation.first_response_day IS NULL
            OR conversation.first_response_day < $period_start
            OR conversation.first_response_day >= $period_end
        )
),

person AS (
    SELECT COUNT(DISTINCT customer_key) AS served
    FROM reached
),

rated AS (
    SELECT
        COUNT(*) AS ratings,
        COUNT(*) FILTER (WHERE was_asked) AS answers_asked,
        CAST(COUNT(*) FILTER (WHERE is_satisfied AND scale = '1-5') AS DOUBLE)
        / NULLIF(COUNT(*) FILTER (WHERE scale = '1-5'), 0) AS csat_share,
        CAST(1 AS DOUBLE) / NULLIF(COUNT(*) FILTER (WHERE scale = '1-5'), 0) AS per_answer,
        AVG(score) AS csat_mean,
        100
        * CAST(COUNT(*) FILTER (WHERE scale = '0-10' AND score >= 9) - COUNT(*) FILTER (WHERE scale = '0-10' AND score <= 6) AS DOUBLE)
        / NULLIF(COUNT(*) FILTER (WHERE scale = '0-10'), 0) AS nps,
        COUNT(*) FILTER (WHERE scale = '0-10') AS opinions,
        COUNT(*) FILTER (WHERE scale = '0-10' AND score >= 9) AS promoters,
        COUNT(*) FILTER (WHERE scale = '0-10' AND score <= 6) AS detractors
    FROM rating
    WHERE
        counted
        AND period_day >= $period_start
        AND period_day < $period_end
        AND (CAST($sector AS STRING) IS NULL OR sector = $sector)
),

-- As in satisfaction_by.
opinion AS (
    SELECT
        rated.*,
        CASE WHEN opinions > 0 THEN CAST(promoters - detractors AS DOUBLE) / (opinions + 3) END AS nps_centre,
        CAST(promoters + detractors + 1.5 AS DOUBLE) / (opinions + 3) AS nps_extreme,
        CAST(1 AS DOUBLE) / (opinions + 3) AS per_opinion
    FROM rated
),

bounded AS (
    SELECT
        opinion.*,
        CAST(csat_share + 1.9207294103470 * per_answer AS DOUBLE) / (1 + 3.8414588206941 * per_answer) AS centre,
        CAST(1.9599639845401 * SQRT(csat_share * (1 - csat_share) * per_answer + 0.9603647051735 * per_answer * per_answer) AS DOUBLE)
        / (1 + 3.8414588206941 * per_answer) AS half_width,
        CAST(1.9599639845401 * SQRT((nps_extreme - nps_centre * nps_centre) * per_opinion) AS DOUBLE) AS nps_half_width
    FROM opinion
),

-- One row each: side by side in parts, since ten rows at once are joined after every order was thought over.
ticket_figures AS (
    SELECT
        arrived.*,
        waited.*,
        finished.*
    FROM arrived
    CROSS JOIN waited
    CROSS JOIN finished
),

conversation_figures AS (
    SELECT
        begun.*,
        waiting.*,
        answered.*,
        resolved.*
    FROM begun
    CROSS JOIN waiting
    CROSS JOIN answered
    CROSS JOIN resolved
)

SELECT
    conversation_figures.conversations,
    ticket_figures.tickets,
    person.served,
    ticket_figures.closed,
    ticket_figures.attended,
    ticket_figures.transferred,
    still_open.open_end,
    CAST(ticket_figures.lost AS DOUBLE) / NULLIF(ticket_figures.tickets, 0) AS lost_share,
    ticket_figures.short_lost,
    CAST(ticket_figures.abandoned AS DOUBLE) / NULLIF(ticket_figures.tickets, 0) AS abandoned_share,
    ticket_figures.abandoned_unanswered,
    conversation_figures.unanswered,
    ticket_figures.queue_wait_n,
    ticket_figures.queue_wait_mean_s,
    ticket_figures.queue_wait_median_s,
    ticket_figures.queue_wait_p90_s,
    ticket_figures.queue_wait_min_s,
    ticket_figures.queue_wait_max_s,
    ticket_figures.first_response_n,
    ticket_figures.first_response_mean_s,
    ticket_figures.first_response_median_s,
    ticket_figures.first_response_p90_s,
    ticket_figures.first_response_min_s,
    ticket_figures.first_response_max_s,
    conversation_figures.whole_wait_n,
    conversation_figures.whole_wait_mean_s,
    conversation_figures.whole_wait_median_s,
    conversation_figures.whole_wait_p90_s,
    conversation_figures.whole_wait_min_s,
    conversation_figures.whole_wait_max_s,
    replied.response_n,
    replied.response_mean_s,
    replied.response_median_s,
    replied.response_p90_s,
    replied.response_min_s,
    replied.response_max_s,
    replied.response_pending,
    replied.response_unanswered,
    ticket_figures.handling_n,
    ticket_figures.handling_mean_s,
    ticket_figures.handling_median_s,
    ticket_figures.handling_p90_s,
    ticket_figures.handling_min_s,
    ticket_figures.handling_max_s,
    conversation_figures.resolution_n,
    conversation_figures.resolution_mean_s,
    conversation_figures.resolution_median_s,
    conversation_figures.resolution_p90_s,
    conversation_figures.resolution_min_s,
    conversation_figures.resolution_max_s,
    conversation_figures.full_resolution_mean_s,
    CAST(conversation_figures.moved AS DOUBLE) / NULLIF(conversation_figures.conversations, 0) AS transfer_share,
    CAST(conversation_figures.transfers AS DOUBLE) / NULLIF(conversation_figures.conversations, 0) AS transfers_mean,
    CAST(conversation_figures.returned_24h AS DOUBLE) / NULLIF(conversation_figures.ended, 0) AS returned_24h_share,
    CAST(conversation_figures.returned_7d AS DOUBLE) / NULLIF(conversation_figures.ended, 0) AS returned_7d_share,
    CAST(conversation_figures.one_touch AS DOUBLE) / NULLIF(conversation_figures.touches_known, 0) AS one_touch_share,
    bounded.ratings,
    bounded.csat_share,
    CASE WHEN bounded.centre > bounded.half_width THEN bounded.centre - bounded.half_width ELSE 0 * bounded.centre END AS csat_low,
    CASE WHEN bounded.centre + bounded.half_width < 1 THEN bounded.centre + bounded.half_width ELSE 1 + 0 * bounded.centre END AS csat_high,
    bounded.csat_mean,
    bounded.nps,
    CASE
        WHEN 100 * (bounded.nps_centre - bounded.nps_half_width) < -100 THEN -100 + 0 * bounded.nps
        WHEN 100 * (bounded.nps_centre - bounded.nps_half_width) > bounded.nps THEN bounded.nps
        ELSE 100 * (bounded.nps_centre - bounded.nps_half_width)
    END AS nps_low,
    CASE
        WHEN 100 * (bounded.nps_centre + bounded.nps_half_width) > 100 THEN 100 + 0 * bounded.nps
        WHEN 100 * (bounded.nps_centre + bounded.nps_half_width) < bounded.nps THEN bounded.nps
        ELSE 100 * (bounded.nps_centre + bounded.nps_half_width)
    END AS nps_high,
    conversation_figures.surveys_sent,
    CASE
        WHEN conversation_figures.surveys_sent > 0 THEN CAST(bounded.answers_asked AS DOUBLE) / conversation_figures.surveys_sent
        ELSE CAST(bounded.ratings AS DOUBLE) / NULLIF(ticket_figures.closed, 0)
    END AS response_rate,
    CASE WHEN conversation_figures.surveys_sent > 0 THEN conversation_figures.surveys_sent ELSE ticket_figures.closed END AS response_rate_n,
    ticket_figures.queue_wait_business_mean_s,
    ticket_figures.first_response_business_mean_s,
    conversation_figures.whole_wait_business_mean_s,
    replied.response_business_mean_s,
    ticket_figures.handling_business_mean_s,
    conversation_figures.resolution_business_mean_s,
    CAST(ticket_figures.unrouted AS DOUBLE) / NULLIF(ticket_figures.tickets, 0) AS default_share,
    CAST(ticket_figures.unresolved AS DOUBLE) / NULLIF(ticket_figures.tickets, 0) AS unresolved_share
FROM ticket_figures
CROSS JOIN conversation_figures
CROSS JOIN replied
CROSS JOIN person
CROSS JOIN still_open
CROSS JOIN bounded
