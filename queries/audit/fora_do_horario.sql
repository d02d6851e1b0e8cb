-- question: Which replies came when the wait for them had not touched business hours at all?
-- grain: one row per first reply of a ticket or reply of a turn, where a calendar is declared
-- parameters:
--   period_start  date  first local day, inclusive
--   period_end    date  local day after the last, exclusive
--   sector        text  only this sector; null: all
-- reads: ticket, turn
-- anchor: arrival of the conversation
-- columns:
--   conversation_id  text        -  the conversation
--   reply            text        -  first, or the number of the turn
--   ticket_id        text        -  the ticket of a first reply; null: a turn
--   sector           text        -  that replied
--   agent            text        -  who replied
--   waited_from_at   local_time  -  UTC: the pick-up, or the message that was answered
--   replied_at       local_time  -  UTC
--   wait_s           duration    -  between the two
--   started_day      date        -  local day of the conversation
-- unique: conversation_id, reply, ticket_id
-- not null: conversation_id, replied_at
SELECT
    conversation_id,
    'first' AS reply,
    ticket_id,
    sector,
    agent,
    opened_at AS waited_from_at,
    first_response_at AS replied_at,
    first_response_s AS wait_s,
    started_day
FROM ticket
WHERE
    first_response_s > 0
    AND first_response_business_s = 0
    AND started_day >= $period_start
    AND started_day < $period_end
    AND (CAST($sector AS STRING) IS NULL OR sector = $sector)
UNION ALL
SELECT
    conversation_id,
    CAST(turn_number AS STRING) AS reply,
    CAST(NULL AS STRING) AS ticket_id,
    sector,
    agent,
    started_at AS waited_from_at,
    replied_at,
    whole_s AS wait_s,
    started_day
FROM turn
WHERE
    state = 'answered'
    AND whole_s > 0
    AND whole_business_s = 0
    AND started_day >= $period_start
    AND started_day < $period_end
    AND (CAST($sector AS STRING) IS NULL OR sector = $sector)
ORDER BY
    replied_at,
    conversation_id,
    reply
