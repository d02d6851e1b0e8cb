-- question: Is every valid score on the scale of its survey, and is there one scale only?
-- strength: fail
-- message: answers off their scale
-- metrics: M18, M19, M20, M22
-- columns:
--   offending  count  rows that break the rule; 0: all is well
SELECT
    COUNT(*) FILTER (
        WHERE
            (validity = 'valid' AND score IS NULL)
            OR (validity <> 'valid' AND (score IS NOT NULL OR counted))
            OR (scale = '1-5' AND (score < 1 OR score > 5))
            OR (scale = '0-10' AND (score < 0 OR score > 10))
            OR scale NOT IN ('1-5', '0-10')
            OR period_day IS NULL
    )
    + CASE WHEN COUNT(DISTINCT scale) > 1 THEN COUNT(*) ELSE 0 END AS offending
FROM rating
