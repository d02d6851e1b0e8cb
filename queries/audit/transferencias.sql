-- question: Which conversations changed hands, from which sector to which, and when?
-- grain: one row per change of hands in a conversation that began in the period
-- parameters:
--   period_start  date  first local day, inclusive
--   period_end    date  local day after the last, exclusive
--   sector        text  only this sector; null: all
--   from_sector   text  only away from this sector; null: from any
--   to_sector     text  only to this sector; null: to any
-- reads: conversation, sector_stay, ticket
-- anchor: arrival
-- columns:
--   conversation_id  text        -  the conversation
--   sequential_id    text        -  the number of its first ticket that people see; not a key
--   started_local    local_time  -  the start
--   channel          text        -  domain of the channel
--   change_number    count       -  1, 2, … in time
--   from_sector      text        -  that gave it away
--   to_sector        text        -  that took it
--   changed_at       local_time  -  UTC
-- unique: conversation_id, change_number
-- not null: conversation_id, from_sector, to_sector, changed_at
WITH step AS (
    SELECT
        sector_stay.conversation_id,
        sector_stay.stay_number - 1 AS change_number,
        LAG(sector_stay.sector) OVER (PARTITION BY sector_stay.conversation_id ORDER BY sector_stay.stay_number) AS from_sector,
        sector_stay.sector AS to_sector,
        sector_stay.from_at AS changed_at
    FROM sector_stay
    WHERE
        sector_stay.started_day >= $period_start
        AND sector_stay.started_day < $period_end
)

SELECT
    step.conversation_id,
    CAST(root.sequential_id AS STRING) AS sequential_id,
    conversation.started_local,
    conversation.channel,
    step.change_number,
    step.from_sector,
    step.to_sector,
    step.changed_at
FROM step
INNER JOIN conversation ON conversation.conversation_id = step.conversation_id
INNER JOIN ticket AS root ON root.ticket_id = step.conversation_id
WHERE
    step.from_sector IS NOT NULL
    AND (CAST($from_sector AS STRING) IS NULL OR step.from_sector = $from_sector)
    AND (CAST($to_sector AS STRING) IS NULL OR step.to_sector = $to_sector)
    AND (CAST($sector AS STRING) IS NULL OR conversation.first_sector = $sector)
ORDER BY
    step.changed_at,
    step.conversation_id,
    step.change_number
