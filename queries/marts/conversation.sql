-- question: What became of each request of a customer, across all transfers and returns?
-- grain: one row per conversation (chain of tickets joined by transfers)
-- parameters: none
-- reads: marts.chain, marts.exchange, marts.wait_piece, marts.stay, marts.sector_stay, settings.calendar, settings.business_span,
--   settings.offset_span
-- columns: as in marts.chain, and
--   root_ticket_id         text        the same as conversation_id, for joins by meaning
--   first_response_day     date        local; null: never answered
--   whole_wait_business_s  duration    M8 within the hours of whoever held it; null: never answered, or no calendar is declared
--   resolution_s           duration    M11, last close − start; null: still open, or a negative time
--   resolution_business_s  duration    M11 within the hours of whoever held it; null: as resolution_s, or no calendar is declared
--   full_resolution_s      duration    M11 with returns: end of the last conversation that began within seven days of the one before's
--                                      end, by the same customer in the same sector − start; null: that one is still open, or a negative time
--   returned_after_s       duration    M16, from the end to the customer's next conversation that begins, within seven days, in the sector
--                                      where this one ended; null: none, or still open
--   waiting_since_s        count       seconds from 1970 to the start, while it waits for a first reply; null: it does not
--   open_since_s           count       seconds from 1970 to the start, until it ends; null: it has ended
--   open_business_mark_s   count       business seconds of the last sector's calendar up to when that took over, less those of the others that held it
--                                      before: what the calendar counts beyond it are the business seconds since the start; null: it has ended, or no
--                                      calendar is declared
--   answered_turns         count       turns that were answered
--   message_count          count       messages between start and end; 0: none are here
--   surveys_sent           count       satisfaction surveys sent from its start to the customer's next conversation; null: its messages are not
--                                      here, or were stored before their types were read
--   is_one_touch           flag        M17, one ticket and no reply of a person after the first; null: still open, or its messages are not here
-- notes: instants are cut to the second before subtracting. What comes later than seven days changes nothing here, so that old months
--   stay as they are
WITH RECURSIVE next_at AS (
    SELECT
        ended.conversation_id,
        ended.customer_key,
        ended.last_sector,
        ended.ended_at,
        later.started_at
    FROM marts.chain AS ended
    ASOF JOIN marts.chain AS later
        ON later.customer_key = ended.customer_key
        AND later.first_sector = ended.last_sector
        -- Where clocks disagree an end can lie before its beginning: no conversation returns to itself.
        AND greatest(ended.ended_at, ended.started_at) < later.started_at
    WHERE ended.ended_at IS NOT NULL
),

returned AS (
    SELECT
        next_at.conversation_id,
        min(next_at.ended_at) AS ended_at,
        min(next_at.started_at) AS next_started_at,
        min(later.conversation_id) AS next_id
    FROM next_at
    INNER JOIN marts.chain AS later
        ON later.customer_key = next_at.customer_key
        AND later.first_sector = next_at.last_sector
        AND later.started_at = next_at.started_at
    WHERE next_at.started_at <= next_at.ended_at + INTERVAL 7 DAY
    GROUP BY next_at.conversation_id
),

-- Each step goes on to the next conversation in time, so it ends.
path AS (
    SELECT
        conversation_id,
        next_id AS at_id
    FROM returned
    UNION ALL
    SELECT
        path.conversation_id,
        returned.next_id AS at_id
    FROM path
    INNER JOIN returned ON returned.conversation_id = path.at_id
),

last_return AS (
    SELECT
        path.conversation_id,
        reached.ended_at
    FROM path
    INNER JOIN marts.chain AS reached ON reached.conversation_id = path.at_id
    QUALIFY row_number() OVER (PARTITION BY path.conversation_id ORDER BY reached.started_at DESC, reached.conversation_id DESC) = 1
),

first_wait AS (
    SELECT
        conversation_id,
        CASE WHEN count(business_s) = count(*) THEN CAST(sum(business_s) AS BIGINT) END AS business_s
    FROM marts.wait_piece
    WHERE wait_number = 0
    GROUP BY conversation_id
),

held AS (
    SELECT
        conversation_id,
        CASE WHEN count(held_business_s) = count(*) THEN CAST(sum(held_business_s) AS BIGINT) END AS business_s
    FROM marts.sector_stay
    GROUP BY conversation_id
),

-- Who holds an open conversation, and since when.
holding AS (
    SELECT
        stay.conversation_id,
        date_trunc('second', stay.from_at) AS from_second,
        coalesce(own.calendar, base.calendar) AS calendar
    FROM marts.stay
    LEFT JOIN settings.calendar AS own ON own.calendar = stay.sector
    LEFT JOIN settings.calendar AS base ON base.calendar = '*'
    WHERE stay.to_at IS NULL
),

passed_on AS (
    SELECT
        conversation_id,
        CASE WHEN count(held_business_s) = count(*) THEN CAST(sum(held_business_s) AS BIGINT) END AS business_s
    FROM marts.sector_stay
    WHERE to_at IS NOT NULL
    GROUP BY conversation_id
),

marked AS (
    SELECT
        holding.conversation_id,
        coalesce(span.before_s + date_diff('second', span.from_at, least(holding.from_second, span.to_at)), 0)
        - CASE WHEN passed_on.conversation_id IS NULL THEN 0 ELSE passed_on.business_s END AS business_s
    FROM holding
    LEFT JOIN passed_on ON passed_on.conversation_id = holding.conversation_id
    ASOF LEFT JOIN settings.business_span AS span
        ON span.calendar = holding.calendar
        AND holding.from_second >= span.from_at
    WHERE holding.calendar IS NOT NULL
),

exchanged AS (
    SELECT
        conversation_id,
        count(*) FILTER (WHERE wait_number > 0 AND state = 'answered') AS answered_turns,
        coalesce(max(messages), 0) AS messages,
        max(surveys_sent) AS surveys_sent
    FROM marts.exchange
    GROUP BY conversation_id
)

SELECT
    chain.conversation_id,
    chain.conversation_id AS root_ticket_id,
    chain.owner,
    chain.customer_key,
    chain.channel,
    chain.first_sector,
    chain.last_sector,
    chain.ticket_count,
    chain.transfer_count,
    chain.sector_change_count,
    chain.started_at,
    chain.started_local,
    chain.started_day,
    chain.started_weekday,
    chain.started_hour,
    chain.first_response_at,
    CAST(chain.first_response_at + to_seconds(offset_span.offset_s) AS DATE) AS first_response_day,
    chain.first_response_sector,
    chain.first_response_agent,
    chain.last_agent,
    chain.whole_wait_s,
    CASE WHEN chain.whole_wait_s IS NOT NULL THEN first_wait.business_s END AS whole_wait_business_s,
    chain.ended_at,
    chain.ended_day,
    CASE
        WHEN chain.last_outcome <> 'gone' AND date_trunc('second', chain.ended_at) >= date_trunc('second', chain.started_at)
            THEN date_diff('second', date_trunc('second', chain.started_at), date_trunc('second', chain.ended_at))
    END AS resolution_s,
    CASE
        WHEN chain.last_outcome <> 'gone' AND date_trunc('second', chain.ended_at) >= date_trunc('second', chain.started_at)
            THEN held.business_s
    END AS resolution_business_s,
    CASE
        WHEN chain.last_outcome = 'gone' OR (last_return.conversation_id IS NOT NULL AND last_return.ended_at IS NULL) THEN NULL
        WHEN date_trunc('second', chain.ended_at) >= date_trunc('second', chain.started_at)
            THEN date_diff(
                'second',
                date_trunc('second', chain.started_at),
                date_trunc('second', greatest(chain.ended_at, coalesce(last_return.ended_at, chain.ended_at)))
            )
    END AS full_resolution_s,
    date_diff('second', date_trunc('second', returned.ended_at), date_trunc('second', returned.next_started_at)) AS returned_after_s,
    CASE
        WHEN chain.first_response_at IS NULL AND chain.ended_at IS NULL THEN CAST(floor(epoch(chain.started_at)) AS BIGINT)
    END AS waiting_since_s,
    CASE WHEN chain.ended_at IS NULL THEN CAST(floor(epoch(chain.started_at)) AS BIGINT) END AS open_since_s,
    CASE WHEN chain.ended_at IS NULL THEN CAST(marked.business_s AS BIGINT) END AS open_business_mark_s,
    exchanged.answered_turns,
    exchanged.messages AS message_count,
    exchanged.surveys_sent,
    CASE
        WHEN chain.ended_at IS NOT NULL AND exchanged.messages > 0
            THEN chain.ticket_count = 1 AND chain.first_response_at IS NOT NULL AND exchanged.answered_turns = 0
    END AS is_one_touch,
    chain.last_outcome,
    chain.truncated_chain
FROM marts.chain
INNER JOIN exchanged ON exchanged.conversation_id = chain.conversation_id
LEFT JOIN first_wait ON first_wait.conversation_id = chain.conversation_id
LEFT JOIN held ON held.conversation_id = chain.conversation_id
LEFT JOIN marked ON marked.conversation_id = chain.conversation_id
LEFT JOIN returned ON returned.conversation_id = chain.conversation_id
LEFT JOIN last_return ON last_return.conversation_id = chain.conversation_id
ASOF LEFT JOIN settings.offset_span ON chain.first_response_at >= offset_span.from_at
