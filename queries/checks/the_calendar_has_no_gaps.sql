-- question: Is every local day there, once for each sector?
-- strength: fail
-- message: days that are missing or there twice
-- metrics: M5, M27, M28
-- columns:
--   offending  count  rows that break the rule; 0: all is well
WITH step AS (
    SELECT
        day,
        LAG(day) OVER (PARTITION BY sector ORDER BY day) AS earlier
    FROM calendar_day
)

SELECT COUNT(*) AS offending
FROM step
WHERE earlier IS NOT NULL AND earlier + INTERVAL '1' DAY <> day
