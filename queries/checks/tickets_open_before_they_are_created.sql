-- question: Does any ticket have an impossible wait?
-- strength: warn
-- message: tickets that were picked up before they were created: left out of the queue wait
-- metrics: M6
-- holds for: each customer
-- columns:
--   offending  count  rows that break the rule; 0: all is well
SELECT COUNT(*) AS offending
FROM ticket
WHERE queue_wait_rejected
