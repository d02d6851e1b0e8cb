-- question: Were no more answers given than tickets closed?
-- strength: warn
-- message: answers that count beyond the number of closed tickets
-- metrics: M21
-- holds for: each customer
-- columns:
--   offending  count  rows that break the rule; 0: all is well
SELECT
    CASE WHEN rated.answers > closed.tickets THEN rated.answers - closed.tickets ELSE 0 END AS offending
FROM (SELECT COUNT(*) AS answers FROM rating WHERE counted AND conversation_id IS NOT NULL) AS rated
CROSS JOIN (SELECT COUNT(*) AS tickets FROM ticket WHERE outcome NOT IN ('transferred', 'gone', 'pending')) AS closed
