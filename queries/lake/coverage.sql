-- question: What did Blip say it had of each day, and what arrived, of all owners of the lake?
-- grain: one row per resource and local day
-- reads: owned.coverage
-- columns: as in marts.coverage
-- notes: a day is complete when it is for every owner that had begun by then; an owner who was not loaded as far makes the day incomplete
WITH begun AS (
    SELECT
        lake_owner,
        resource,
        min(day) AS first_day
    FROM owned.coverage
    GROUP BY lake_owner, resource
),

expected AS (
    SELECT
        every.resource,
        every.day,
        count(*) AS owners
    FROM (SELECT DISTINCT resource, day FROM owned.coverage) AS every
    INNER JOIN begun ON begun.resource = every.resource AND begun.first_day <= every.day
    GROUP BY every.resource, every.day
)

SELECT
    coverage.resource,
    coverage.day,
    CAST(sum(coverage.reported) AS BIGINT) AS reported,
    CAST(sum(coverage.stored) AS BIGINT) AS stored,
    CAST(sum(coverage.set_aside) AS BIGINT) AS set_aside,
    bool_and(coverage.is_complete) AND (coverage.resource = 'message' OR count(*) = any_value(expected.owners)) AS is_complete,
    string_agg(DISTINCT coverage.files, ', ' ORDER BY coverage.files) AS files
FROM owned.coverage AS coverage
INNER JOIN expected ON expected.resource = coverage.resource AND expected.day = coverage.day
GROUP BY coverage.resource, coverage.day
ORDER BY coverage.resource, coverage.day
