-- question: Who waited longest for a first reply, those who wait still included?
-- grain: one row per conversation that began in the period and was answered, or is open and was not
-- parameters:
--   period_start  date  first local day, inclusive
--   period_end    date  local day after the last, exclusive
--   sector        text  only this sector; null: all
-- reads: conversation, ticket
-- anchor: arrival
-- columns:
--   conversation_id        text        -    the conversation
--   sequential_id          text        -    the number of its first ticket that people see; not a key
--   started_local          local_time  -    the start
--   channel                text        -    domain of the channel
--   sector                 text        -    of the first reply; without one, where it is
--   agent                  text        -    who replied first; null: nobody
--   whole_wait_s           duration    M8   until the first reply; null: waits still
--   waiting_since_day      date        -    day since which it waits; null: it was answered
--   whole_wait_business_s  duration    M24  within the hours of whoever held it; null: waits still, or no calendar is declared
-- unique: conversation_id
-- not null: conversation_id, started_local
SELECT
    conversation.conversation_id,
    CAST(root.sequential_id AS STRING) AS sequential_id,
    conversation.started_local,
    conversation.channel,
    COALESCE(conversation.first_response_sector, conversation.last_sector) AS sector,
    conversation.first_response_agent AS agent,
    conversation.whole_wait_s,
    CASE WHEN conversation.whole_wait_s IS NULL THEN conversation.started_day END AS waiting_since_day,
    conversation.whole_wait_business_s
FROM conversation
INNER JOIN ticket AS root ON root.ticket_id = conversation.conversation_id
WHERE
    conversation.started_day >= $period_start
    AND conversation.started_day < $period_end
    AND (conversation.whole_wait_s IS NOT NULL OR conversation.ended_at IS NULL)
    AND (CAST($sector AS STRING) IS NULL OR COALESCE(conversation.first_response_sector, conversation.last_sector) = $sector)
ORDER BY
    CASE WHEN conversation.whole_wait_s IS NULL THEN 0 ELSE 1 END,
    CASE WHEN conversation.whole_wait_s IS NULL THEN conversation.started_at END,
    conversation.whole_wait_s DESC,
    conversation.conversation_id
