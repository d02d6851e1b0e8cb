-- question: Does each second of a wait belong to exactly one sector?
-- strength: fail
-- message: answered conversations whose sectors do not share out exactly the seconds waited
-- metrics: M8, M9
-- holds for: each customer
-- columns:
--   offending  count  rows that break the rule; 0: all is well
WITH held AS (
    SELECT
        conversation_id,
        SUM(waiting_s) AS held_s
    FROM sector_stay
    GROUP BY conversation_id
),

turned AS (
    SELECT
        conversation_id,
        SUM(whole_s) AS turned_s,
        COUNT(*) FILTER (WHERE state <> 'answered') AS unanswered
    FROM turn
    GROUP BY conversation_id
)

SELECT COUNT(*) AS offending
FROM conversation
INNER JOIN held ON held.conversation_id = conversation.conversation_id
LEFT JOIN turned ON turned.conversation_id = conversation.conversation_id
WHERE
    conversation.whole_wait_s IS NOT NULL
    AND COALESCE(turned.unanswered, 0) = 0
    AND held.held_s <> conversation.whole_wait_s + COALESCE(turned.turned_s, 0)
