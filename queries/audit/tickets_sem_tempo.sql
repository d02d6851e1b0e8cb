-- question: Which cases have no value of a time: not picked up, not answered, not closed?
-- grain: one row per ticket, or per conversation for times of conversations
-- parameters:
--   period_start  date  first local day, inclusive
--   period_end    date  local day after the last, exclusive
--   sector        text  only this sector; null: all
--   measure       text  queue_wait, first_response, whole_wait, response, response_by_ticket, handling or resolution
--   dimension     text  sector, agent or channel
--   member        text  only this member of the dimension; null: all
-- reads: ticket, conversation, turn
-- anchor: that of the time: arrival of the conversation, the close for handling and resolution
-- columns:
--   case_id          text  -  ticket, conversation, or conversation and turn
--   conversation_id  text  -  its conversation
--   sector           text  -  the sector; null: none
--   agent            text  -  attendant; null: nobody
--   channel          text  -  domain of the channel
--   started_day      date  -  local day of the conversation
-- unique: case_id
-- not null: case_id, conversation_id
WITH missing AS (
    SELECT
        ticket_id AS case_id,
        conversation_id,
        sector,
        agent,
        channel,
        started_day
    FROM ticket
    WHERE
        (
            ($measure = 'queue_wait' AND queue_wait_s IS NULL AND started_day >= $period_start AND started_day < $period_end)
            OR ($measure = 'first_response' AND first_response_s IS NULL AND started_day >= $period_start AND started_day < $period_end)
            OR (
                $measure = 'response_by_ticket'
                AND blip_response_s IS NULL
                AND messages <> 'here'
                AND outcome <> 'pending'
                AND started_day >= $period_start
                AND started_day < $period_end
            )
            OR ($measure = 'handling' AND handling_s IS NULL AND closed_day >= $period_start AND closed_day < $period_end)
        )
    UNION ALL
    SELECT
        conversation_id AS case_id,
        conversation_id,
        COALESCE(first_response_sector, last_sector) AS sector,
        COALESCE(first_response_agent, last_agent) AS agent,
        channel,
        started_day
    FROM conversation
    WHERE $measure = 'whole_wait' AND whole_wait_s IS NULL AND started_day >= $period_start AND started_day < $period_end
    UNION ALL
    SELECT
        CONCAT(conversation_id, ' ', turn_number) AS case_id,
        conversation_id,
        sector,
        agent,
        channel,
        started_day
    FROM turn
    WHERE $measure = 'response' AND state <> 'answered' AND started_day >= $period_start AND started_day < $period_end
)

SELECT
    case_id,
    conversation_id,
    sector,
    agent,
    channel,
    started_day
FROM missing
WHERE
    (CAST($sector AS STRING) IS NULL OR sector = $sector)
    AND (
        CAST($member AS STRING) IS NULL
        OR ($dimension = 'sector' AND sector = $member)
        OR ($dimension = 'agent' AND agent = $member)
        OR ($dimension = 'channel' AND channel = $member)
    )
ORDER BY
    started_day,
    case_id
