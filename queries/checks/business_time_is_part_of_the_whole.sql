-- question: Is no time within business hours longer than the time itself?
-- strength: fail
-- message: times that are longer within business hours than in all
-- metrics: M24
-- holds for: each customer
-- columns:
--   offending  count  rows that break the rule; 0: all is well
WITH timed AS (
    SELECT queue_wait_business_s AS business_s, queue_wait_s AS whole_s FROM ticket
    UNION ALL
    SELECT first_response_business_s AS business_s, first_response_s AS whole_s FROM ticket
    UNION ALL
    SELECT handling_business_s AS business_s, handling_s AS whole_s FROM ticket
    UNION ALL
    SELECT whole_wait_business_s AS business_s, whole_wait_s AS whole_s FROM conversation
    UNION ALL
    SELECT resolution_business_s AS business_s, resolution_s AS whole_s FROM conversation
    UNION ALL
    SELECT own_business_s AS business_s, own_s AS whole_s FROM turn
    UNION ALL
    SELECT whole_business_s AS business_s, whole_s AS whole_s FROM turn
)

SELECT COUNT(*) AS offending
FROM timed
WHERE
    business_s < 0
    OR business_s > whole_s
    OR (business_s IS NOT NULL AND whole_s IS NULL)
