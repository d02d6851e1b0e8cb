-- question: Which sector held a conversation, from when to when?
-- grain: one row per conversation and uninterrupted stretch in one sector
-- parameters: none
-- reads: marts.ticket, marts.chain
-- columns:
--   conversation_id  text        the conversation
--   stay_number      count       1, 2, … in time
--   sector           text        the holder; between a transfer and its new ticket still the sector that gave it away
--   from_at          local_time  UTC, inclusive
--   to_at            local_time  UTC, exclusive; null: holds it still
WITH step AS (
    SELECT
        conversation_id,
        ticket_id,
        sequential_id,
        sector,
        created_at,
        coalesce(lag(sector) OVER steps <> sector, TRUE) AS begins
    FROM marts.ticket
    WINDOW steps AS (PARTITION BY conversation_id ORDER BY created_at, sequential_id, ticket_id)
),

start AS (
    SELECT
        conversation_id,
        sector,
        created_at AS from_at,
        row_number() OVER (PARTITION BY conversation_id ORDER BY created_at, sequential_id, ticket_id) AS stay_number
    FROM step
    WHERE begins
)

SELECT
    start.conversation_id,
    start.stay_number,
    start.sector,
    start.from_at,
    coalesce(
        lead(start.from_at) OVER (PARTITION BY start.conversation_id ORDER BY start.stay_number),
        chain.ended_at
    ) AS to_at
FROM start
INNER JOIN marts.chain ON chain.conversation_id = start.conversation_id
