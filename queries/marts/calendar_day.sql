-- question: Which local days are there for each sector?
-- grain: one row per sector and local day, from the first arrival to the last loaded day, without gaps
-- parameters: none
-- reads: marts.sector, marts.ticket, raw.coverage
-- columns:
--   sector   text     the sector
--   day      date     local
--   weekday  weekday  1 = Monday
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
)

SELECT
    sector.sector,
    day.day,
    CAST(isodow(day.day) AS INTEGER) AS weekday
FROM marts.sector
CROSS JOIN day
ORDER BY sector.sector, day.day
