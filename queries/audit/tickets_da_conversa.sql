-- question: Through which tickets did a conversation go?
-- grain: one row per ticket of the conversation, or of all conversations that began in the period
-- parameters:
--   period_start  date  first local day, inclusive
--   period_end    date  local day after the last, exclusive
--   sector        text  only this sector; null: all
--   conversation  text  the conversation; null: all of the period
-- reads: ticket
-- anchor: arrival; none for one conversation
-- columns:
--   ticket_id          text        -    Blip's id
--   conversation_id    text        -    its conversation
--   sequential_id      text        -    the number that people see; not a key
--   created_local      local_time  -    entry into the queue
--   sector             text        -    the sector
--   queue              text        -    Blip's name of the queue
--   agent              text        -    attendant; null: nobody
--   outcome            text        -    attended, lost, abandoned, inactive, transferred, gone or pending
--   opened_at          local_time  -    UTC; null: never picked up
--   first_response_at  local_time  -    UTC; null: never answered
--   closed_at          local_time  -    UTC; null: open
--   queue_wait_s       duration    M6   null: never picked up
--   first_response_s   duration    M7   null: never answered
--   handling_s         duration    M10  null: never picked up, or open
-- unique: ticket_id
-- not null: ticket_id, conversation_id, created_local
SELECT
    ticket.ticket_id,
    ticket.conversation_id,
    CAST(ticket.sequential_id AS STRING) AS sequential_id,
    ticket.created_local,
    ticket.sector,
    ticket.queue,
    ticket.agent,
    ticket.outcome,
    ticket.opened_at,
    ticket.first_response_at,
    ticket.closed_at,
    ticket.queue_wait_s,
    ticket.first_response_s,
    ticket.handling_s
FROM ticket
WHERE
    (
        ticket.conversation_id = $conversation
        OR (CAST($conversation AS STRING) IS NULL AND ticket.started_day >= $period_start AND ticket.started_day < $period_end)
    )
    AND (CAST($sector AS STRING) IS NULL OR ticket.sector = $sector)
ORDER BY
    ticket.conversation_id,
    ticket.created_at,
    ticket.ticket_id
