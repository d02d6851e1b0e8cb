-- question: Which conversations ended without any reply of a person?
-- grain: one row per conversation that ended in the period and was never answered
-- parameters:
--   period_start  date  first local day, inclusive
--   period_end    date  local day after the last, exclusive
--   sector        text  only this sector; null: all
-- reads: conversation, ticket
-- anchor: the end of the conversation
-- columns:
--   conversation_id  text        -  the conversation
--   sequential_id    text        -  the number of its first ticket that people see; not a key
--   started_local    local_time  -  the start
--   channel          text        -  domain of the channel
--   last_sector      text        -  where it ended
--   ended_day        date        -  local
--   outcome          text        -  of the last ticket: lost, abandoned, inactive or attended
--   ticket_count     count       -  tickets in the chain
-- unique: conversation_id
-- not null: conversation_id, ended_day
SELECT
    conversation.conversation_id,
    CAST(root.sequential_id AS STRING) AS sequential_id,
    conversation.started_local,
    conversation.channel,
    conversation.last_sector,
    conversation.ended_day,
    (
        SELECT ticket.outcome
        FROM ticket
        WHERE ticket.conversation_id = conversation.conversation_id
        ORDER BY
            ticket.created_at DESC,
            ticket.ticket_id DESC
        LIMIT 1
    ) AS outcome,
    conversation.ticket_count
FROM conversation
INNER JOIN ticket AS root ON root.ticket_id = conversation.conversation_id
WHERE
    conversation.ended_day >= $period_start
    AND conversation.ended_day < $period_end
    AND conversation.first_response_at IS NULL
    AND (CAST($sector AS STRING) IS NULL OR conversation.last_sector = $sector)
ORDER BY
    conversation.started_at,
    conversation.conversation_id
