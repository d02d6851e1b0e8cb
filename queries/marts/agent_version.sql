-- question: In which single sector did each attendant answer from which day on, if there was just one?
-- grain: one row per attendant and day on which a load saw other queues of theirs than before
-- parameters: none
-- reads: raw.attendant, raw.load, settings.queue_sector, settings.offset_span
-- columns:
--   agent        text   e-mail
--   from_day     date   local day of the load that saw it, and until the next row's day; of the first row, the beginning of time
--   only_sector  text   the sector of all their queues (`Default` is none); null: no sector or several
-- notes: what was before the first load is taken to have been as that load saw it. Of several loads of a day the last one counts.
WITH seen AS (
    SELECT
        attendant.agent,
        attendant.version,
        attendant.queues,
        -- Loads of the first versions of the program have no number.
        CAST(load.started_at + to_seconds(offset_span.offset_s) AS DATE) AS day
    FROM raw.attendant
    LEFT JOIN raw.load ON load.run = attendant.run
    ASOF LEFT JOIN settings.offset_span ON load.started_at >= offset_span.from_at
),

dated AS (
    SELECT
        agent,
        version,
        queues,
        CASE WHEN row_number() OVER versions = 1 OR day IS NULL THEN DATE '0001-01-01' ELSE day END AS from_day
    FROM seen
    WINDOW versions AS (PARTITION BY agent ORDER BY version)
),

version AS (
    SELECT
        agent,
        queues,
        from_day
    FROM dated
    QUALIFY row_number() OVER (PARTITION BY agent, from_day ORDER BY version DESC) = 1
),

membership AS (
    SELECT
        agent,
        from_day,
        -- A list in which a name holds the separator is JSON.
        unnest(CASE WHEN starts_with(queues, '["') THEN from_json(queues, '["VARCHAR"]') ELSE string_split(queues, '|') END) AS queue
    FROM version
),

sector AS (
    SELECT
        membership.agent,
        membership.from_day,
        CASE
            WHEN count(DISTINCT coalesce(queue_sector.sector, membership.queue)) = 1
                THEN min(coalesce(queue_sector.sector, membership.queue))
        END AS only_sector
    FROM membership
    LEFT JOIN settings.queue_sector ON queue_sector.queue = membership.queue
    WHERE membership.queue NOT IN ('Default', 'DIRECT_TRANSFER')
    GROUP BY membership.agent, membership.from_day
)

SELECT
    version.agent,
    version.from_day,
    sector.only_sector
FROM version
LEFT JOIN sector ON sector.agent = version.agent AND sector.from_day = version.from_day
ORDER BY version.agent, version.from_day
