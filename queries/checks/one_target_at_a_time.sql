-- question: Is there at most one target for a figure and sector on any day?
-- strength: fail
-- message: targets that overlap
-- metrics: M23
-- columns:
--   offending  count  rows that break the rule; 0: all is well
SELECT COUNT(*) AS offending
FROM target AS one
INNER JOIN target AS other
    ON other.metric = one.metric
    AND COALESCE(other.sector, '') = COALESCE(one.sector, '')
    AND other.from_day > one.from_day
    AND (one.until_day IS NULL OR other.from_day < one.until_day)
