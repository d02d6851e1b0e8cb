-- question: Does every conversation know its turns, and who settled it at one touch?
-- strength: fail
-- message: conversations that disagree with their turns
-- metrics: M3, M9, M14, M17
-- holds for: each customer
-- columns:
--   offending  count  rows that break the rule; 0: all is well
WITH turned AS (
    SELECT
        conversation_id,
        COUNT(*) FILTER (WHERE state = 'answered') AS answered_turns,
        COUNT(*) AS turns
    FROM turn
    GROUP BY conversation_id
)

SELECT COUNT(*) AS offending
FROM conversation
LEFT JOIN turned ON turned.conversation_id = conversation.conversation_id
WHERE
    conversation.answered_turns <> COALESCE(turned.answered_turns, 0)
    OR (conversation.first_response_at IS NULL AND COALESCE(turned.turns, 0) > 0)
    OR (conversation.is_one_touch AND (conversation.ticket_count > 1 OR conversation.answered_turns > 0))
    OR conversation.customer_key IS NULL
