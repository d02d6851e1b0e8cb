-- question: Who answers, and in which single sector, if there is just one?
-- grain: one row per attendant
-- parameters: none
-- reads: raw.attendant, settings.queue_sector
-- columns:
--   agent        text   e-mail
--   name         text   full name; null: not sent
--   queues       text   JSON list of names; null: none
--   only_sector  text   the sector of all their queues (`Default` is none); null: no sector or several
WITH latest AS (
    SELECT
        agent,
        name,
        -- Stored joined by `|`, where no name holds it; else as JSON.
        CASE
            WHEN starts_with(queues, '["') THEN from_json(queues, '["VARCHAR"]')
            ELSE string_split(queues, '|')
        END AS queues
    FROM raw.attendant
    QUALIFY row_number() OVER (PARTITION BY agent ORDER BY version DESC) = 1
),

membership AS (
    SELECT
        agent,
        unnest(queues) AS queue
    FROM latest
),

sector AS (
    SELECT
        membership.agent,
        CASE
            WHEN count(DISTINCT coalesce(queue_sector.sector, membership.queue)) = 1
                THEN min(coalesce(queue_sector.sector, membership.queue))
        END AS only_sector
    FROM membership
    LEFT JOIN settings.queue_sector ON queue_sector.queue = membership.queue
    WHERE membership.queue NOT IN ('Default', 'DIRECT_TRANSFER')
    GROUP BY membership.agent
)

SELECT
    latest.agent,
    latest.name,
    CASE WHEN latest.queues IS NOT NULL THEN CAST(to_json(latest.queues) AS VARCHAR) END AS queues,
    sector.only_sector
FROM latest
LEFT JOIN sector ON sector.agent = latest.agent
ORDER BY latest.agent
