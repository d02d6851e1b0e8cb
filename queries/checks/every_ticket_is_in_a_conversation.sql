-- question: Is every ticket in a conversation, and does every conversation hold as many tickets as it says?
-- strength: fail
-- message: tickets or conversations that do not belong together
-- metrics: M2, M15
-- holds for: each customer
-- columns:
--   offending  count  rows that break the rule; 0: all is well
WITH counted AS (
    SELECT
        conversation_id,
        COUNT(*) AS tickets
    FROM ticket
    GROUP BY conversation_id
)

SELECT
    COUNT(*) FILTER (
        WHERE
            counted.conversation_id IS NULL
            OR conversation.conversation_id IS NULL
            OR counted.tickets <> conversation.ticket_count
    ) AS offending
FROM counted
FULL OUTER JOIN conversation ON conversation.conversation_id = counted.conversation_id
