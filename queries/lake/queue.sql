-- question: Which queues does any of the owners of the lake have?
-- grain: one row per name of a queue
-- reads: owned.queue
-- columns: as in marts.queue
-- notes: of a name that several owners use, the sector of the first of them; a ticket keeps the sector that its owner gave it
SELECT
    queue,
    arg_min(sector, lake_owner) AS sector,
    bool_or(is_listed) AS is_listed
FROM owned.queue
GROUP BY queue
ORDER BY queue
