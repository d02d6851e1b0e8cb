-- question: Is the time in the replying sector a part of the customers whole wait?
-- strength: fail
-- message: turns whose own seconds are negative or more than the whole
-- metrics: M9
-- holds for: each customer
-- columns:
--   offending  count  rows that break the rule; 0: all is well
SELECT COUNT(*) AS offending
FROM turn
WHERE
    state = 'answered'
    AND (own_s IS NULL OR whole_s IS NULL OR own_s < 0 OR own_s > whole_s)
