-- question: Does nothing take less than no time?
-- strength: fail
-- message: negative times
-- metrics: M6, M7, M8, M9, M10, M11, M16, M25
-- holds for: each customer
-- columns:
--   offending  count  rows that break the rule; 0: all is well
SELECT
    (SELECT COUNT(*) FROM ticket WHERE queue_wait_s < 0 OR first_response_s < 0 OR handling_s < 0)
    + (SELECT COUNT(*) FROM turn WHERE whole_s < 0)
    + (
        SELECT COUNT(*)
        FROM conversation
        WHERE whole_wait_s < 0 OR resolution_s < 0 OR full_resolution_s < resolution_s OR returned_after_s < 0
    ) AS offending
