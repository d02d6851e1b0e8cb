-- question: Does every ticket have exactly one of the known outcomes, and is no ticket there twice?
-- strength: fail
-- message: tickets without exactly one known outcome
-- metrics: M1, M4, M12, M13
-- columns:
--   offending  count  rows that break the rule; 0: all is well
SELECT
    COUNT(*) - COUNT(DISTINCT ticket_id)
    + COUNT(*) FILTER (
        WHERE outcome IS NULL OR outcome NOT IN ('attended', 'lost', 'abandoned', 'inactive', 'transferred', 'gone', 'pending')
    ) AS offending
FROM ticket
