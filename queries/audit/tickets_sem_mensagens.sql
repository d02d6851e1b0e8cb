-- question: Which tickets' messages are not here, and why?
-- grain: one row per ticket created in the period
-- parameters:
--   period_start  date  first local day, inclusive
--   period_end    date  local day after the last, exclusive
--   sector        text  ignored: completeness is of the whole load
-- reads: ticket
-- anchor: creation of the ticket
-- columns:
--   ticket_id        text        -    Blip's id
--   conversation_id  text        -    its conversation
--   sequential_id    text        -    the number that people see; not a key
--   created_local    local_time  -    entry into the queue
--   sector           text        -    the sector under which it counts
--   agent            text        -    attendant; null: nobody yet
--   outcome          text        -    attended, lost, abandoned, inactive, transferred, gone or pending
--   message_state    text        M28  expired, no_key or none; null: not asked for yet
-- unique: ticket_id
-- not null: ticket_id, created_local
-- notes: expired: Blip no longer has them; no_key: only a router's key can read them; none: nothing came
SELECT
    ticket_id,
    conversation_id,
    CAST(sequential_id AS STRING) AS sequential_id,
    created_local,
    sector,
    agent,
    outcome,
    message_state
FROM ticket
WHERE
    created_day >= $period_start
    AND created_day < $period_end
    AND (message_state IS NULL OR message_state <> 'here')
    AND (CAST($sector AS STRING) IS NULL OR CAST($sector AS STRING) IS NOT NULL)
ORDER BY
    created_at,
    ticket_id
