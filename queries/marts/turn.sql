-- question: After the first human reply, how long did the customer wait for each further one?
-- grain: one row per turn (first unanswered customer message → next human reply)
-- parameters: none
-- reads: marts.exchange, marts.wait_piece, marts.chain, marts.stay, settings.calendar, settings.business_span, settings.offset_span
-- columns:
--   conversation_id   text        the conversation
--   turn_number       count       1, 2, … in time
--   sector            text        that replies; of an unanswered turn the one that holds the conversation last
--   agent             text        attendant who replies; null: nobody replied
--   agent_basis       text        how the attendant is known: message (it names its author), ticket (it names its ticket) or time (the ticket
--                                 that was open then); null: nobody replied
--   channel           text        of the conversation
--   started_at        local_time  UTC; the first unanswered message, even when more follow
--   replied_at        local_time  UTC; the first message of the reply; null: none
--   replied_day       date        local day of the reply; null: none
--   own_s             duration    M9, seconds in which the replying sector held the conversation; null: not answered
--   whole_s           duration    M9, reply − start; own_s + what was handed over; null: not answered
--   own_business_s    duration    own_s within the sector's business hours; null: not answered, or no calendar is declared
--   whole_business_s  duration    whole_s within the hours of whoever held it; null: as own_business_s
--   waiting_since_s   count       seconds from 1970 to the start, while it is pending; null: it is not
--   own_since_s       count       of a pending turn, the seconds from 1970 that are its beginning in the hands of the sector that holds it: later by
--                                 what others held; null: not pending
--   own_business_mark_s
--                     count       the same in business seconds of the sector's calendar; null: not pending, or no calendar is declared
--   state             text        answered, unanswered (the conversation ended first) or pending
--   started_day       date        local day of the conversation's root
WITH held AS (
    SELECT
        exchange.conversation_id,
        exchange.wait_number,
        CAST(sum(piece.wait_s) FILTER (WHERE piece.sector = exchange.sector) AS BIGINT) AS own_s,
        CAST(sum(piece.business_s) FILTER (WHERE piece.sector = exchange.sector) AS BIGINT) AS own_business_s,
        CASE WHEN count(piece.business_s) = count(*) THEN CAST(sum(piece.business_s) AS BIGINT) END AS whole_business_s
    FROM marts.exchange
    INNER JOIN marts.wait_piece AS piece
        ON piece.conversation_id = exchange.conversation_id
        AND piece.wait_number = exchange.wait_number
    WHERE exchange.wait_number > 0 AND exchange.state = 'answered'
    GROUP BY exchange.conversation_id, exchange.wait_number
),

-- Stretches of pending turns in the hands of the sector that holds the conversation; the last one has no end.
held_still AS (
    SELECT
        exchange.conversation_id,
        exchange.wait_number,
        date_trunc('second', greatest(exchange.started_at, stay.from_at)) AS from_second,
        date_trunc('second', stay.to_at) AS to_second,
        coalesce(own.calendar, base.calendar) AS calendar
    FROM marts.exchange
    INNER JOIN marts.stay
        ON stay.conversation_id = exchange.conversation_id
        AND stay.sector = exchange.sector
        AND (stay.to_at IS NULL OR stay.to_at > exchange.started_at)
    LEFT JOIN settings.calendar AS own ON own.calendar = stay.sector
    LEFT JOIN settings.calendar AS base ON base.calendar = '*'
    WHERE exchange.wait_number > 0 AND exchange.state = 'pending'
),

pending AS (
    SELECT
        held_still.conversation_id,
        held_still.wait_number,
        CAST(sum(epoch(held_still.from_second)) - coalesce(sum(epoch(held_still.to_second)), 0) AS BIGINT) AS since_s,
        CASE
            WHEN min(held_still.calendar) IS NOT NULL
                THEN CAST(
                    sum(
                        coalesce(
                            first_span.before_s + date_diff('second', first_span.from_at, least(held_still.from_second, first_span.to_at)), 0
                        )
                    )
                    - coalesce(
                        sum(
                            coalesce(
                                last_span.before_s + date_diff('second', last_span.from_at, least(held_still.to_second, last_span.to_at)), 0
                            )
                        ) FILTER (WHERE held_still.to_second IS NOT NULL),
                        0
                    ) AS BIGINT
                )
        END AS business_mark_s
    FROM held_still
    ASOF LEFT JOIN settings.business_span AS first_span
        ON first_span.calendar = held_still.calendar
        AND held_still.from_second >= first_span.from_at
    ASOF LEFT JOIN settings.business_span AS last_span
        ON last_span.calendar = held_still.calendar
        AND held_still.to_second >= last_span.from_at
    GROUP BY held_still.conversation_id, held_still.wait_number
)

SELECT
    exchange.conversation_id,
    exchange.wait_number AS turn_number,
    exchange.sector,
    exchange.agent,
    chain.channel,
    exchange.started_at,
    exchange.replied_at,
    CAST(exchange.replied_at + to_seconds(offset_span.offset_s) AS DATE) AS replied_day,
    held.own_s,
    date_diff('second', date_trunc('second', exchange.started_at), date_trunc('second', exchange.replied_at)) AS whole_s,
    held.own_business_s,
    held.whole_business_s,
    CASE WHEN exchange.state = 'pending' THEN CAST(floor(epoch(exchange.started_at)) AS BIGINT) END AS waiting_since_s,
    pending.since_s AS own_since_s,
    pending.business_mark_s AS own_business_mark_s,
    exchange.state,
    exchange.started_day,
    exchange.agent_basis
FROM marts.exchange
INNER JOIN marts.chain ON chain.conversation_id = exchange.conversation_id
LEFT JOIN held
    ON held.conversation_id = exchange.conversation_id
    AND held.wait_number = exchange.wait_number
LEFT JOIN pending
    ON pending.conversation_id = exchange.conversation_id
    AND pending.wait_number = exchange.wait_number
ASOF LEFT JOIN settings.offset_span ON exchange.replied_at >= offset_span.from_at
WHERE exchange.wait_number > 0
