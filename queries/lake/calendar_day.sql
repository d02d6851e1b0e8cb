-- question: What came and went in each sector on each day, of all owners of the lake?
-- grain: one row per sector and local day
-- reads: owned.calendar_day
-- columns: as in marts.calendar_day
-- notes: an owner who was not loaded as far as the others is taken to have open what was open on its last day; that its days are
--        missing is told by coverage
WITH last AS (
    SELECT
        lake_owner,
        max(day) AS day,
        (SELECT max(day) FROM owned.calendar_day) AS until_day
    FROM owned.calendar_day
    GROUP BY lake_owner
),

every AS (
    SELECT sector, day, weekday, created, closed, open_end FROM owned.calendar_day
    UNION ALL
    SELECT
        ended.sector,
        missing.day,
        isodow(missing.day) AS weekday,
        0 AS created,
        0 AS closed,
        ended.open_end
    FROM owned.calendar_day AS ended
    INNER JOIN last ON last.lake_owner = ended.lake_owner AND last.day = ended.day
    CROSS JOIN LATERAL (SELECT CAST(unnest(generate_series(last.day + 1, last.until_day, INTERVAL 1 DAY)) AS DATE) AS day) AS missing
)

SELECT
    sector,
    day,
    CAST(any_value(weekday) AS INTEGER) AS weekday,
    CAST(sum(created) AS BIGINT) AS created,
    CAST(sum(closed) AS BIGINT) AS closed,
    CAST(sum(open_end) AS BIGINT) AS open_end
FROM every
GROUP BY sector, day
ORDER BY sector, day
