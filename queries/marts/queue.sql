-- question: Which queues exist, and to which sector does each belong?
-- grain: one row per queue that was listed by Blip or seen on a ticket
-- parameters: none
-- reads: raw.queue, marts.ticket, settings.queue_sector, settings.rule
-- columns:
--   queue      text  Blip's name
--   sector     text  its sector; null: the synthetic queue of direct transfers, which has none of its own
--   is_listed  flag  Blip lists it today
WITH known AS (
    SELECT queue, TRUE AS is_listed FROM raw.queue
    UNION ALL
    SELECT DISTINCT queue, FALSE AS is_listed FROM marts.ticket
)

SELECT
    known.queue,
    CASE
        WHEN known.queue = 'Default' THEN any_value(rule.default_queue)
        WHEN known.queue <> 'DIRECT_TRANSFER' THEN coalesce(any_value(queue_sector.sector), known.queue)
    END AS sector,
    bool_or(known.is_listed) AS is_listed
FROM known
CROSS JOIN settings.rule
LEFT JOIN settings.queue_sector ON queue_sector.queue = known.queue
GROUP BY known.queue
ORDER BY known.queue
