-- question: Which tickets matched no routing rule, or belong to no sector that can be told?
-- grain: one row per ticket created in the period
-- parameters:
--   period_start  date  first local day, inclusive
--   period_end    date  local day after the last, exclusive
--   sector        text  only this sector; null: all
-- reads: ticket
-- anchor: creation of the ticket
-- columns:
--   ticket_id        text        -    Blip's id
--   conversation_id  text        -    its conversation
--   sequential_id    text        -    the number that people see; not a key
--   created_local    local_time  -    entry into the queue
--   queue            text        -    Blip's name of the queue
--   sector           text        -    the name under which it counts
--   routing          text        M26  default (no rule matched) or unresolved
--   agent            text        -    attendant; null: nobody yet
--   outcome          text        -    attended, lost, abandoned, inactive, transferred, gone or pending
-- unique: ticket_id
-- not null: ticket_id, created_local, routing
SELECT
    ticket.ticket_id,
    ticket.conversation_id,
    CAST(ticket.sequential_id AS STRING) AS sequential_id,
    ticket.created_local,
    ticket.queue,
    ticket.sector,
    ticket.routing,
    ticket.agent,
    ticket.outcome
FROM ticket
WHERE
    ticket.routing IN ('default', 'unresolved')
    AND ticket.created_day >= $period_start
    AND ticket.created_day < $period_end
    AND (CAST($sector AS STRING) IS NULL OR ticket.sector = $sector)
ORDER BY
    ticket.created_at,
    ticket.ticket_id
