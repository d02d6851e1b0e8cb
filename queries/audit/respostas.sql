-- question: Which replies were given after the first one, by whom, and how is that known?
-- grain: one row per reply to a turn of the customer
-- parameters:
--   period_start  date  first local day, inclusive
--   period_end    date  local day after the last, exclusive
--   sector        text  only replies of this sector; null: all
--   basis         text  only replies whose attendant is known in this way: message, ticket or time; null: all
-- reads: turn
-- anchor: arrival of the conversation
-- columns:
--   conversation_id  text        -   the conversation
--   turn_number      count       -   1, 2, … in time
--   sector           text        -   that replied
--   agent            text        -   who replied; null: not known
--   basis            text        -   message (the message names its author), ticket (it names its ticket) or time (the ticket that was open then)
--   started_at       local_time  -   UTC; the message that was answered
--   replied_at       local_time  -   UTC
--   whole_s          duration    M9  between the two
--   started_day      date        -   local day of the conversation
-- unique: conversation_id, turn_number
-- not null: conversation_id, turn_number, basis, replied_at
SELECT
    conversation_id,
    turn_number,
    sector,
    agent,
    COALESCE(agent_basis, 'time') AS basis,
    started_at,
    replied_at,
    whole_s,
    started_day
FROM turn
WHERE
    state = 'answered'
    AND started_day >= $period_start
    AND started_day < $period_end
    AND (CAST($sector AS STRING) IS NULL OR sector = $sector)
    AND (CAST($basis AS STRING) IS NULL OR COALESCE(agent_basis, 'time') = $basis)
ORDER BY
    conversation_id,
    turn_number
