-- question: Does at most one survey answer count for each conversation?
-- strength: fail
-- message: conversations with more than one counted answer
-- metrics: M18, M19, M20, M21
-- holds for: each customer
-- columns:
--   offending  count  rows that break the rule; 0: all is well
WITH counted AS (
    SELECT
        conversation_id,
        COUNT(*) AS answers
    FROM rating
    WHERE counted AND conversation_id IS NOT NULL
    GROUP BY conversation_id
)

SELECT COUNT(*) AS offending
FROM counted
WHERE answers > 1
