-- question: How much came in and went out of each sector on each local day, and how much was open at its end?
-- grain: one row per sector and local day, from the first arrival to the last loaded day, without gaps
-- parameters: none
-- reads: marts.sector, marts.ticket, raw.coverage
-- columns:
--   sector    text     the sector
--   day       date     local
--   weekday   weekday  1 = Monday
--   created   count    M1, tickets created
--   closed    count    tickets closed, by whatever
--   open_end  count    M5, tickets created by the end of the day and not closed by then
WITH span AS (
    SELECT
        min(created_day) AS first_day,
        greatest(max(created_day), (SELECT max(day) FROM raw.coverage)) AS last_day
    FROM marts.ticket
),

day AS (
    SELECT CAST(unnest(generate_series(first_day, last_day, INTERVAL 1 DAY)) AS DATE) AS day
    FROM span
    WHERE first_day IS NOT NULL
),

moved AS (
    SELECT
        sector,
        created_day AS day,
        count(*) AS created,
        0 AS closed
    FROM marts.ticket
    GROUP BY sector, created_day
    UNION ALL
    SELECT
        sector,
        -- Whatever the clocks say, nothing leaves before it came.
        greatest(closed_day, created_day) AS day,
        0 AS created,
        count(*) AS closed
    FROM marts.ticket
    WHERE closed_day IS NOT NULL
    GROUP BY sector, greatest(closed_day, created_day)
),

counted AS (
    SELECT
        sector,
        day,
        sum(created) AS created,
        sum(closed) AS closed
    FROM moved
    GROUP BY sector, day
)

SELECT
    sector.sector,
    day.day,
    CAST(isodow(day.day) AS INTEGER) AS weekday,
    CAST(coalesce(counted.created, 0) AS BIGINT) AS created,
    CAST(coalesce(counted.closed, 0) AS BIGINT) AS closed,
    CAST(
        sum(coalesce(counted.created, 0) - coalesce(counted.closed, 0)) OVER (PARTITION BY sector.sector ORDER BY day.day) AS BIGINT
    ) AS open_end
FROM marts.sector
CROSS JOIN day
LEFT JOIN counted ON counted.sector = sector.sector AND counted.day = day.day
ORDER BY sector.sector, day.day
