-- question: Does any ticket have an impossible wait or end?
-- strength: warn
-- message: tickets that were picked up or ended before they were created: left out of the queue wait or the resolution
-- metrics: M6, M11
-- holds for: each customer
-- columns:
--   offending  count  rows that break the rule; 0: all is well
SELECT COUNT(*) AS offending
FROM ticket
WHERE queue_wait_rejected OR closed_at < created_at
