-- question: Which sectors exist?
-- grain: one row per sector
-- parameters: none
-- reads: marts.queue, marts.ticket
-- columns:
--   sector  text  its name
SELECT sector FROM marts.queue WHERE sector IS NOT NULL
UNION
SELECT sector FROM marts.ticket
ORDER BY sector
