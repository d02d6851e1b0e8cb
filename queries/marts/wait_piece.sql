-- question: Which sector held the conversation while the customer waited, and for how many seconds?
-- grain: one row per ended wait and stretch of the conversation in one sector that it falls in
-- parameters: none
-- reads: marts.exchange, marts.stay, settings.calendar, settings.business_span
-- columns:
--   conversation_id  text        the conversation
--   wait_number      count       as in marts.exchange
--   stay_number      count       as in marts.stay
--   sector           text        the holder
--   wait_s           duration    seconds of the wait within the stretch
--   business_s       duration    of these, within the holder's business hours; null: no calendar is declared
-- notes: each second of a wait lies in exactly one stretch, so the pieces of a wait add up to it; a first reply that Blip dates after the
--   end still belongs to the last holder
WITH held AS (
    SELECT
        *,
        lead(stay_number) OVER (PARTITION BY conversation_id ORDER BY stay_number) IS NULL AS is_last
    FROM marts.stay
),

piece AS (
    SELECT
        exchange.conversation_id,
        exchange.wait_number,
        held.stay_number,
        held.sector,
        date_trunc('second', greatest(exchange.started_at, held.from_at)) AS from_at,
        date_trunc('second', CASE WHEN held.is_last THEN exchange.until_at ELSE least(exchange.until_at, held.to_at) END) AS to_at
    FROM marts.exchange
    INNER JOIN held
        ON held.conversation_id = exchange.conversation_id
        AND held.from_at <= exchange.until_at
        AND (held.is_last OR held.to_at >= exchange.started_at)
    WHERE exchange.until_at >= exchange.started_at
),

timed AS (
    SELECT
        piece.*,
        coalesce(own.calendar, base.calendar) AS calendar
    FROM piece
    LEFT JOIN settings.calendar AS own ON own.calendar = piece.sector
    LEFT JOIN settings.calendar AS base ON base.calendar = '*'
)

SELECT
    timed.conversation_id,
    timed.wait_number,
    timed.stay_number,
    timed.sector,
    date_diff('second', timed.from_at, timed.to_at) AS wait_s,
    CASE
        WHEN timed.calendar IS NOT NULL
            THEN coalesce(last_span.before_s + date_diff('second', last_span.from_at, least(timed.to_at, last_span.to_at)), 0)
                - coalesce(first_span.before_s + date_diff('second', first_span.from_at, least(timed.from_at, first_span.to_at)), 0)
    END AS business_s
FROM timed
ASOF LEFT JOIN settings.business_span AS first_span
    ON first_span.calendar = timed.calendar
    AND timed.from_at >= first_span.from_at
ASOF LEFT JOIN settings.business_span AS last_span
    ON last_span.calendar = timed.calendar
    AND timed.to_at >= last_span.from_at
