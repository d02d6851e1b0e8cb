-- question: How many seconds did each sector hold a conversation, and how many of these did the customer wait?
-- grain: one row per conversation and uninterrupted stretch in one sector
-- parameters: none
-- reads: marts.stay, marts.chain, marts.wait_piece, settings.calendar, settings.business_span
-- columns: as in marts.stay, and
--   started_day         date      local day of the conversation's root
--   waiting_s           duration  seconds of ended waits (until the first reply, then of every turn) within the stretch; 0: none
--   waiting_business_s  duration  of these, within the sector's business hours; null: no calendar is declared
--   held_s              duration  the whole stretch; null: holds it still, or a negative time
--   held_business_s     duration  of these, within the sector's business hours; null: as held_s, or no calendar is declared
-- notes: each second of a wait belongs to exactly one stretch, so the stretches of a conversation add up to its waits
WITH waited AS (
    SELECT
        conversation_id,
        stay_number,
        CAST(sum(wait_s) AS BIGINT) AS waiting_s,
        CAST(sum(business_s) AS BIGINT) AS waiting_business_s
    FROM marts.wait_piece
    GROUP BY conversation_id, stay_number
),

timed AS (
    SELECT
        stay.*,
        date_trunc('second', stay.from_at) AS from_second,
        date_trunc('second', stay.to_at) AS to_second,
        coalesce(own.calendar, base.calendar) AS calendar
    FROM marts.stay
    LEFT JOIN settings.calendar AS own ON own.calendar = stay.sector
    LEFT JOIN settings.calendar AS base ON base.calendar = '*'
)

SELECT
    timed.conversation_id,
    timed.stay_number,
    timed.sector,
    timed.from_at,
    timed.to_at,
    coalesce(waited.waiting_s, 0) AS waiting_s,
    CASE WHEN timed.calendar IS NOT NULL THEN coalesce(waited.waiting_business_s, 0) END AS waiting_business_s,
    CASE WHEN timed.to_second >= timed.from_second THEN date_diff('second', timed.from_second, timed.to_second) END AS held_s,
    CASE
        WHEN timed.calendar IS NOT NULL AND timed.to_second >= timed.from_second
            THEN coalesce(last_span.before_s + date_diff('second', last_span.from_at, least(timed.to_second, last_span.to_at)), 0)
                - coalesce(first_span.before_s + date_diff('second', first_span.from_at, least(timed.from_second, first_span.to_at)), 0)
    END AS held_business_s,
    chain.started_day
FROM timed
INNER JOIN marts.chain ON chain.conversation_id = timed.conversation_id
LEFT JOIN waited
    ON waited.conversation_id = timed.conversation_id
    AND waited.stay_number = timed.stay_number
ASOF LEFT JOIN settings.business_span AS first_span
    ON first_span.calendar = timed.calendar
    AND timed.from_second >= first_span.from_at
ASOF LEFT JOIN settings.business_span AS last_span
    ON last_span.calendar = timed.calendar
    AND timed.to_second >= last_span.from_at
