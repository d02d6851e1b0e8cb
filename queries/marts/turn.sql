-- question: After the first human reply, how long did the customer wait for each further one?
-- grain: one row per turn (first unanswered customer message → next human reply)
-- parameters: none
-- reads: marts.exchange, marts.wait_piece, marts.chain, settings.offset_span
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
    exchange.state,
    exchange.started_day,
    exchange.agent_basis
FROM marts.exchange
INNER JOIN marts.chain ON chain.conversation_id = exchange.conversation_id
LEFT JOIN held
    ON held.conversation_id = exchange.conversation_id
    AND held.wait_number = exchange.wait_number
ASOF LEFT JOIN settings.offset_span ON exchange.replied_at >= offset_span.from_at
WHERE exchange.wait_number > 0
