-- question: Does every ticket belong to a sector, so that sectors add up to the total?
-- strength: fail
-- message: tickets without a sector
-- columns:
--   offending  count  rows that break the rule; 0: all is well
SELECT COUNT(*) AS offending
FROM ticket
WHERE sector IS NULL OR sector = ''
