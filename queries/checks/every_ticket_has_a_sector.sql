-- question: Does every ticket belong to a sector, so that sectors add up to the total?
-- strength: fail
-- message: tickets without a sector
-- metrics: M1, M4, M6, M7, M10, M12, M13
-- holds for: each customer
-- columns:
--   offending  count  rows that break the rule; 0: all is well
SELECT COUNT(*) AS offending
FROM ticket
WHERE sector IS NULL OR sector = ''
