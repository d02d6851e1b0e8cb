-- question: Who attends for any of the owners of the lake?
-- grain: one row per attendant
-- reads: owned.agent
-- columns: as in marts.agent
-- notes: of one who attends for several owners, the queues of all; a sector only where it is the same for all. Snapshots of earlier versions
--   join names by `|` where none holds it
WITH listed AS (
    SELECT
        agent,
        unnest(CASE WHEN starts_with(queues, '["') THEN from_json(queues, '["VARCHAR"]') ELSE string_split(queues, '|') END) AS queue
    FROM owned.agent
),

queues_of AS (
    SELECT
        agent,
        CAST(to_json(list(DISTINCT queue ORDER BY queue)) AS VARCHAR) AS queues
    FROM listed
    WHERE queue IS NOT NULL
    GROUP BY agent
)

SELECT
    agent.agent,
    min(agent.name) AS name,
    any_value(queues_of.queues) AS queues,
    CASE WHEN count(agent.only_sector) = count(*) AND count(DISTINCT agent.only_sector) = 1 THEN min(agent.only_sector) END AS only_sector
FROM owned.agent AS agent
LEFT JOIN queues_of ON queues_of.agent = agent.agent
GROUP BY agent.agent
ORDER BY agent.agent
