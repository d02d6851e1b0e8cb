-- question: Which tickets ended, transfers included?
-- grain: one row per ticket closed in the period
-- parameters:
--   period_start  date  first local day, inclusive
--   period_end    date  local day after the last, exclusive
--   sector        text  only this sector; null: all
--   member        text  only this sector, as `sector`; null: all
--   dimension     text  taken for the sake of other questions
-- reads: ticket
-- anchor: the close
-- columns:
--   ticket_id        text        -    Blip's id
--   conversation_id  text        -    its conversation
--   sequential_id    text        -    the number that people see; not a key
--   created_local    local_time  -    entry into the queue
--   sector           text        -    the sector
--   agent            text        -    attendant; null: nobody
--   outcome          text        -    attended, lost, abandoned, inactive, transferred or gone
--   closed_day       date        -    local
--   handling_s       duration    M10  from the pick-up; null: never picked up
-- unique: ticket_id
-- not null: ticket_id, closed_day
SELECT
    ticket.ticket_id,
    ticket.conversation_id,
    CAST(ticket.sequential_id AS STRING) AS sequential_id,
    ticket.created_local,
    ticket.sector,
    ticket.agent,
    ticket.outcome,
    ticket.closed_day,
    ticket.handling_s
FROM ticket
WHERE
    ticket.closed_day >= $period_start
    AND ticket.closed_day < $period_end
    AND (CAST($sector AS STRING) IS NULL OR ticket.sector = $sector)
    AND (CAST($member AS STRING) IS NULL OR ticket.sector = $member)
    AND (CAST($dimension AS STRING) IS NULL OR CAST($dimension AS STRING) IS NOT NULL)
ORDER BY
    ticket.closed_at,
    ticket.ticket_id
