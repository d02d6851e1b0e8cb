-- question: Does every ticket say how it found its sector?
-- strength: fail
-- message: tickets whose routing does not fit their queue
-- metrics: M26
-- holds for: each customer
-- columns:
--   offending  count  rows that break the rule; 0: all is well
SELECT COUNT(*) AS offending
FROM ticket
WHERE
    routing IS NULL
    OR (queue = 'Default' AND routing <> 'default')
    OR (queue <> 'Default' AND routing = 'default')
    OR (queue = 'DIRECT_TRANSFER' AND routing = 'queue')
