-- question: Who attends for any of the owners of the lake?
-- grain: one row per attendant
-- reads: owned.agent
-- columns: as in marts.agent
-- notes: of one who attends for several owners, the queues of all; a sector only where it is the same for all
SELECT
    agent,
    min(name) AS name,
    string_agg(queues, '|' ORDER BY lake_owner) AS queues,
    CASE WHEN count(only_sector) = count(*) AND count(DISTINCT only_sector) = 1 THEN min(only_sector) END AS only_sector
FROM owned.agent
GROUP BY agent
ORDER BY agent
