-- question: Which conversations are behind the figures of the period?
-- grain: one row per conversation that began in the period (with a sector: that touches it)
-- parameters:
--   period_start  date  first local day, inclusive
--   period_end    date  local day after the last, exclusive
--   sector        text  only this sector; null: all
-- reads: conversation, ticket, turn, rating
-- rows: there on a day of the period
-- order: day by day
-- anchor: arrival
-- columns:
--   conversation_id    text        -    the root ticket's id in Blip
--   sequential_id      text        -    the number that people see; not a key
--   started_local      local_time  -    the start
--   channel            text        -    domain of the channel
--   first_sector       text        -    where it began
--   last_sector        text        -    where it is or ended
--   outcome            text        -    of the last ticket
--   agent              text        -    attendant of the last ticket; null: nobody yet
--   tickets            count       M2   tickets in the chain
--   transfers          count       M15  of these, ended by a transfer
--   queue_wait_s       duration    M6   of the first ticket; null: never picked up
--   whole_wait_s       duration    M8   until the first answer; null: never answered
--   turns              count       M9   answered turns
--   response_mean_s    duration    M9   mean of their whole waits; null: none
--   handling_s         duration    M10  sum over the tickets; null: none was opened and closed
--   score              number      M19  the answer that counts; null: none
--   ended_day          date        -    local; null: still open
-- behind:
--   tickets, transfers, queue_wait_s, whole_wait_s, turns, response_mean_s, handling_s, score: tickets_da_conversa conversation=$conversation_id
-- unique: conversation_id
-- not null: conversation_id, started_local, first_sector, last_sector, outcome, tickets, transfers, turns
WITH chain AS (
    SELECT
        conversation_id,
        SUM(handling_s) AS handling_s,
        MAX(CASE WHEN CAST($sector AS STRING) IS NULL OR sector = $sector THEN 1 ELSE 0 END) AS touches,
        -- The first ticket is the one whose id the conversation has.
        MAX(CASE WHEN ticket_id = conversation_id THEN sequential_id END) AS sequential_id,
        MAX(CASE WHEN ticket_id = conversation_id THEN queue_wait_s END) AS queue_wait_s
    FROM ticket
    WHERE
        started_day >= $period_start
        AND started_day < $period_end
    GROUP BY conversation_id
),

replied AS (
    SELECT
        conversation_id,
        COUNT(*) AS turns,
        AVG(whole_s) AS response_mean_s
    FROM turn
    WHERE
        state = 'answered'
        AND started_day >= $period_start
        AND started_day < $period_end
    GROUP BY conversation_id
),

rated AS (
    SELECT
        conversation_id,
        MAX(score) AS score
    FROM rating
    WHERE counted
    GROUP BY conversation_id
)

SELECT
    conversation.conversation_id,
    CAST(chain.sequential_id AS STRING) AS sequential_id,
    conversation.started_local,
    conversation.channel,
    conversation.first_sector,
    conversation.last_sector,
    conversation.last_outcome AS outcome,
    conversation.last_agent AS agent,
    conversation.ticket_count AS tickets,
    conversation.transfer_count AS transfers,
    chain.queue_wait_s,
    conversation.whole_wait_s,
    COALESCE(replied.turns, 0) AS turns,
    replied.response_mean_s,
    CAST(chain.handling_s AS BIGINT) AS handling_s,
    rated.score,
    conversation.ended_day
FROM conversation
INNER JOIN chain ON chain.conversation_id = conversation.conversation_id
LEFT JOIN replied ON replied.conversation_id = conversation.conversation_id
LEFT JOIN rated ON rated.conversation_id = conversation.conversation_id
WHERE
    conversation.started_day >= $period_start
    AND conversation.started_day < $period_end
    AND chain.touches = 1
ORDER BY
    conversation.started_at,
    conversation.conversation_id
