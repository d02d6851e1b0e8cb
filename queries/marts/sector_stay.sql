-- question: How many seconds did the customer wait while each sector held the conversation?
-- grain: one row per conversation and uninterrupted stretch in one sector
-- parameters: none
-- reads: marts.stay, marts.conversation, marts.turn
-- columns: as in marts.stay, and
--   started_day  date    local day of the conversation's root
--   waiting_s  duration  seconds of ended waits (until the first reply, then of every turn) within the stretch; 0: none
-- notes: each second of a wait belongs to exactly one stretch, so the stretches of a conversation add up to its waits
WITH wait AS (
    SELECT
        conversation_id,
        started_at AS from_at,
        coalesce(first_response_at, ended_at) AS to_at
    FROM marts.conversation
    UNION ALL
    SELECT
        turn.conversation_id,
        turn.started_at AS from_at,
        coalesce(turn.replied_at, conversation.ended_at) AS to_at
    FROM marts.turn
    INNER JOIN marts.conversation ON conversation.conversation_id = turn.conversation_id
),

waited AS (
    SELECT
        stay.conversation_id,
        stay.stay_number,
        sum(
            greatest(
                0,
                date_diff(
                    'second',
                    date_trunc('second', greatest(wait.from_at, stay.from_at)),
                    date_trunc('second', least(wait.to_at, coalesce(stay.to_at, wait.to_at)))
                )
            )
        ) AS waiting_s
    FROM marts.stay
    INNER JOIN wait ON wait.conversation_id = stay.conversation_id
    WHERE wait.to_at IS NOT NULL
    GROUP BY stay.conversation_id, stay.stay_number
)

SELECT
    stay.conversation_id,
    stay.stay_number,
    stay.sector,
    stay.from_at,
    stay.to_at,
    CAST(coalesce(waited.waiting_s, 0) AS BIGINT) AS waiting_s,
    conversation.started_day
FROM marts.stay
INNER JOIN marts.conversation ON conversation.conversation_id = stay.conversation_id
LEFT JOIN waited
    ON waited.conversation_id = stay.conversation_id
    AND waited.stay_number = stay.stay_number
